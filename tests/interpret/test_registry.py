from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from interpret import registry
from interpret.errors import BadProbePath, BadSpecification, UnknownProbe

ROOT = Path(__file__).resolve().parents[2]


WITHOUT_TORCH = """
import builtins
from pathlib import Path
real = builtins.__import__
def refuse(name, *args, **kwargs):
    if name.partition(".")[0] in {"torch", "transformers", "numpy"}:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return real(name, *args, **kwargs)
builtins.__import__ = refuse
from interpret import registry
from interpret.errors import ProbeUnavailable
for load in [*(lambda key=key: registry.load(key) for key in registry.PROBES), lambda: registry.open_session(Path())]:
    try:
        load()
    except ProbeUnavailable as exc:
        print(exc)
"""


def test_without_torch_a_probe_is_unavailable_and_says_where_to_run_it() -> None:
    out = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True, cwd=ROOT
    )
    lines = out.stdout.splitlines()
    assert len(lines) == len(registry.PROBES) + 1
    assert all("cannot import: run it in the interpret worker" in line for line in lines)
    assert lines[-1].startswith("a model session needs ")


def test_an_unknown_probe_names_the_nearest() -> None:
    with pytest.raises(UnknownProbe, match=r"did you mean 'entropy\.next_token'"):
        registry.describe("entropy.nexttoken")
    with pytest.raises(
        UnknownProbe,
        match=r"there are answer\.path, attention\.patterns, attribute\.proxies, deception\.signs",
    ):
        registry.describe("zzz")


def test_parameters_are_filled_with_defaults_and_checked() -> None:
    assert registry.fill_parameters("induction.heads", {"heads": 2})["length"] == 48
    with pytest.raises(BadSpecification, match="is a number"):
        registry.fill_parameters("induction.heads", {"heads": True})


def test_names_are_filled_with_the_first_and_checked() -> None:
    assert registry.fill_choices("attribute.proxies", {}) == {"prompt_set": "credit-gender-en"}
    asked = {"prompt_set": "aml-region-zh", "pairs": 44}
    assert registry.fill_choices("attribute.proxies", asked) == {"prompt_set": "aml-region-zh"}
    assert registry.fill_parameters("attribute.proxies", asked)["pairs"] == 44
    assert registry.fill_choices("induction.heads", {}) == {}
    with pytest.raises(
        BadSpecification, match=r"prompt_set is 'credit-gender-fr': did you mean 'credit-gender-(en|zh)'\?"
    ):
        registry.fill_choices("attribute.proxies", {"prompt_set": "credit-gender-fr"})
    with pytest.raises(BadSpecification, match="prompt_set is 3"):
        registry.fill_choices("attribute.proxies", {"prompt_set": 3})
    with pytest.raises(BadSpecification, match=r"no parameter 'prompt_sets': did you mean 'prompt_set'\?"):
        registry.fill_parameters("attribute.proxies", {"prompt_sets": "aml-region-zh"})


def test_a_model_beside_the_one_that_is_probed_has_no_default_and_is_named_by_its_digest() -> None:
    assert registry.fill_models("induction.heads", {}, probed="5" * 64) == {}
    asked = {"against": "4" * 64, "texts": 40}
    assert registry.fill_models("model.drift", asked, probed="5" * 64) == {"against": "4" * 64}
    assert registry.fill_parameters("model.drift", asked)["texts"] == 40
    for given, said in (
        ({}, "is to be given"),
        ({"against": "4"}, "64 lower-case"),
        (asked, "nothing to compare"),
    ):
        with pytest.raises(BadSpecification, match=said):
            registry.fill_models("model.drift", given, probed="4" * 64)


@pytest.mark.parametrize("key", sorted(registry.PROBES))
def test_every_probe_is_documented(key: str) -> None:
    page = (ROOT / "docs" / "reference" / "probes.md").read_text(encoding="utf-8")
    assert f"`{key}`" in page
    choices = registry.PROBES[key].choices
    for name in (
        *registry.PROBES[key].parameters,
        *choices,
        *registry.PROBES[key].models,
        *(n for each in choices.values() for n in each.names),
    ):
        assert f"`{name}`" in page, f"{key}.{name} is not in docs/reference/probes.md"


OF_OTHERS = """
from interpret.contracts import ClaimLevel
from interpret.registry import Parameter, ProbeEntry


class Lengths:
    code_version = "1"

    def check(self, specification):
        pass

    def parts(self, specification):
        return ("all",)

    def measure(self, specification, models, part):
        import torch  # where it is needed, and nowhere else

        return {"threads": torch.get_num_threads()}

    def report(self, specification, measured):
        raise NotImplementedError


PROBE = (
    "acme.lengths",
    ProbeEntry(
        path="acme_probe.Lengths", title="Lengths", unit="tokens", reads_prompts=True, intervenes=False,
        parameters={"most": Parameter(5, 1, 9, "of them")},
    ),
)
TAKEN = ("induction.heads", PROBE[1])
NOTHING = "acme.lengths"
"""


@pytest.fixture
def of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_probe.py").write_text(OF_OTHERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "PROBES", dict(registry.PROBES))


@pytest.mark.usefixtures("of_others")
def test_a_probe_of_others_is_one_file_and_one_setting() -> None:
    registry.add("acme_probe.PROBE")
    registry.add("acme_probe.PROBE")  # another process of ours, or a reload
    assert registry.fill_parameters("acme.lengths", {}) == {"most": 5}
    assert type(registry.load("acme.lengths")).__name__ == "Lengths"


@pytest.mark.usefixtures("of_others")
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("acme_probe.TAKEN", "there is a probe 'induction.heads' already"),
        ("acme_probe.NOTHING", "is not the dotted path of a probe"),
        ("acme_probe.ABSENT", "is not the dotted path of a probe"),
        ("acme_prob.PROBE", "No module named 'acme_prob'"),
    ],
)
def test_what_is_no_probe_is_refused_by_name(path: str, said: str) -> None:
    with pytest.raises(BadProbePath, match=said):
        registry.add(path)
