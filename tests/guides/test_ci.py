"""The guide for CI: each of its commands is carried out, in order, and what `--json` then prints fits its schema."""

from __future__ import annotations

import io
import json
import re
import shlex
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import timezone
from jsonschema import Draft202012Validator

from evidence.models import Release, Scope
from evidence.services import gates
from tests.client.test_ci_files import options_of
from tests.factories import World, acting, define_gate, make_world, second_release
from tests.requirements.builders import make_criterion, make_traces
from tracebinder.cli.main import build_parser, main
from tracebinder.documents import NAMES, read_schema

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "ci.md").read_text(encoding="utf-8")
PAGES = ["docs/guides/ci.md", "docs/guides/tutorial.md", "client/README.md"]
RELEASE = "2026-11"
# The component of the server's OpenAPI that a document is made of.
COMPONENTS = {
    "gate": "GateDecisionOut", "compare": "EvalComparisonOut", "deploy": "DeploymentOut",
    "register-release": "ReleaseOut", "retract": "RetractionRequestOut",
}  # fmt: skip


def commands(page: str) -> list[list[str]]:
    """Return each call of the client in a page's blocks and indented lines, in order."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)) + "\n".join(
        re.findall(r"^    (tracebinder .*)$", page, re.MULTILINE)
    )
    lines = blocks.replace("\\\n", " ").splitlines()
    called = (re.search(r"(?:^|\| )tracebinder (.*)", line) for line in lines)
    return [shlex.split(found[1].split(" || ")[0]) for found in called if found]


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_a_page_is_one(page: str) -> None:
    found = commands((ROOT / page).read_text(encoding="utf-8"))
    assert found
    for words in found:
        build_parser().parse_args([word for word in words if word != "…"])


def eval_file(run_key: str) -> bytes:
    """Return the page's eval file, of an hour ago."""
    block = next(block for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "run_key" in block)
    hour_ago = (timezone.now() - timedelta(hours=1)).isoformat()
    told = json.loads(block) | {"run_key": run_key}
    told |= dict.fromkeys(("observed_from", "observed_to", "collected_at"), hour_ago)
    return json.dumps(told).encode()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Have the files that the page names in the folder, and a gate that its release passes."""
    world = make_world()
    monkeypatch.chdir(tmp_path)
    pins = [{"slot": "model", "kind": "model", "key": "smollm2", "label": "1", "digest": "b" * 64}]
    Path("release.json").write_text(json.dumps({"system": "credit-assistant", "name": RELEASE, "pins": pins}))
    Path("results.json").write_bytes(eval_file("github-4711-1"))
    Path("logs").mkdir()
    Path("logs/before.json").write_bytes(eval_file("github-4700-1"))
    Path("requirements.yaml").write_text("key: states-limits\n")
    second_release(world, "2026-10")
    make_criterion(world, key="states-limits")
    reference = gates.CriterionReference(requirement="states-limits")
    define_gate(
        system=world.system,
        key="release",
        references=[reference],
        principal=acting(),
        protects=["production"],
    )
    return world


@pytest.mark.django_db(transaction=True)
def test_each_command_of_the_guide_is_answered(
    world: World, live_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = world.token(Scope.IMPORT, Scope.PUSH_EVAL, Scope.GATE, Scope.READ)
    monkeypatch.setenv("TRACEBINDER_URL", live_server.url)
    monkeypatch.setenv("TRACEBINDER_TOKEN", token)
    codes = {}
    for words in commands(PAGE):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(eval_file("github-4712-1"))))
        if words[0] == "gate" and not Release.objects.get(name=RELEASE).traces.exists():
            make_traces(world, 20, release=Release.objects.get(name=RELEASE))
        as_data = [*words, "--json"] if "--json" in options_of(words[0]) else words
        codes[" ".join(words)] = main(as_data)
        told = capsys.readouterr()
        assert codes[" ".join(words)] in {0, 1, 2}, f"{words}: {told.err}"
        if as_data is words:
            continue
        document = json.loads(told.out)
        name = document["schema"].removeprefix("tracebinder.").removesuffix("/1")
        faults = Draft202012Validator(json.loads(read_schema(name))).iter_errors(document)
        assert not [f"{fault.json_path}: {fault.message}" for fault in faults]
    assert codes[f"gate release --system credit-assistant --release {RELEASE} --wait 30m"] == 0
    assert (
        codes[f"push-eval - --system credit-assistant --release {RELEASE}"] == 1
    )  # one value errored, as it says


def test_the_guide_lists_each_option_for_reports() -> None:
    listed = set(re.findall(r"^\| `(--[a-z-]+)", PAGE, re.MULTILINE))
    asked = {"--help", "--system", "--release", "--run", "--commit", "--against", "--wait"}
    of_server = {"--url", "--token", "--retry-for"}
    assert listed == {name for name in options_of("gate") if name.startswith("--")} - asked - of_server


@cache
def components() -> dict[str, Any]:
    """Return what the server's OpenAPI says of its answers, by name."""
    page = (ROOT / "docs" / "reference" / "openapi.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(page, Loader=yaml.CSafeLoader)["components"]["schemas"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_schemas_promise_nothing_that_the_server_does_not(name: str) -> None:
    schema = json.loads(read_schema(name))
    promised = dict(schema.get("$defs", {}))
    if name in COMPONENTS:
        ours = {"schema", "exit_code", "url"}
        promised[COMPONENTS[name]] = {
            "properties": {key: value for key, value in schema["properties"].items() if key not in ours},
            "required": [key for key in schema["required"] if key not in ours],
        }
    for component, told in promised.items():
        assert set(told.get("properties", {})) <= set(components()[component].get("properties", {}))
        assert set(told.get("required", [])) <= set(components()[component].get("required", []))
