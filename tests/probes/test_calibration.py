"""What `make calibrate` measures, on a few models; and what it says of runs that are made up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.probe_calibration import __main__ as command
from bench.probe_calibration import audit, figures, page
from bench.probe_calibration.cases import COST, KINDS, MATCH, Kind, patterns, statistics_of
from bench.probe_calibration.copies import vary
from bench.probe_calibration.runs import Run, measure, read_runs
from bench.probe_calibration.told import Told
from interpret import registry
from interpret.verdicts import CONTRACT
from tests.probes.test_zoo import attention, copied, texts
from tests.probes.zoo import animals
from tests.probes.zoo.expected import at_what_followed

LEAST_NULLS = 59  # none false of so many: 5 % at most
BY_NAME = {kind.name: kind for kind in KINDS}


def told(
    status: str = "inconclusive", *, true: bool = False, rung: str = "interventional", value: float = 1.0
) -> Told:
    return Told(COST, status, rung, true, 0.025, 39, value, value - 0.5, value + 0.5)


def run_of(kind: str, *findings: Told, number: int = 0) -> Run:
    version = registry.load("induction.heads").code_version
    parameters = dict(BY_NAME[kind].parameters)
    return Run(kind, number, "induction.heads", version, CONTRACT, parameters, 1.0, findings)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_copy_of_a_planted_model_does_the_same_at_other_places(seed: int) -> None:
    loaded, places = vary(animals.induction(), seed)
    assert copied(loaded) > 0.9
    head = places[animals.INDUCTION]
    for row, words in enumerate(texts()):
        seen, hit = attention(loaded)[head.layer][row, head.head], at_what_followed(words) > 0
        assert (seen * hit)[16:].sum(axis=1).min() > 0.9  # where each word has been seen
    assert loaded.digest != vary(animals.induction(), seed + 10)[0].digest


@pytest.mark.parametrize(("name", "match", "cost"), [("induction", True, True), ("sink", False, False)])
def test_a_run_tells_what_is_supported_and_whether_that_is_so(
    name: str, match: bool, cost: bool, tmp_path: Path
) -> None:
    run = measure(BY_NAME[name], 4, tmp_path)
    found = {each.statistic: each.status == "supported" and each.true for each in run.findings}
    assert found == {MATCH: match, COST: cost}
    assert figures.false_supports([run], COST).hits == 0


def test_a_run_is_one_trial_however_much_it_supports() -> None:
    runs = [run_of("cache", told("supported"), told("supported")), run_of("sink", told())]
    assert figures.false_supports(runs, COST) == figures.Rate(1, 2)
    assert figures.false_supports(runs, MATCH) == figures.Rate(0, 0)  # which they did not measure


def test_a_run_with_too_few_random_sets_is_no_trial_of_what_it_could_not_support() -> None:
    cost, match = told(), replace(told(rung="associational"), statistic=MATCH, p_value=0.4, random_sets=0)
    able = [(cost, match), (replace(cost, random_sets=19), replace(match, p_value=0.005))]
    few = [(replace(cost, random_sets=18),), (replace(cost, random_sets=38), match)]  # 2 / 39 > 0.05
    runs = [run_of("cache", *findings) for findings in (*able, *few)]
    assert figures.false_supports(runs, COST) == figures.Rate(0, 2)
    assert figures.false_supports(runs, MATCH) == figures.Rate(0, 3)
    assert "false supports up to 100.0%" in figures.broken(runs[2:], [COST])[0]


def test_support_of_another_head_is_false_where_something_was_planted() -> None:
    run = run_of("induction", told("supported", true=False))
    assert figures.power([run], COST) == figures.Rate(0, 1)
    assert figures.false_supports([run], COST) == figures.Rate(1, 1)


@pytest.mark.parametrize(
    ("nulls", "planted", "said"),
    [
        (["inconclusive"] * 200, ["supported"] * 20, []),
        (["supported"] * 10 + ["inconclusive"] * 190, ["supported"] * 20, ["false supports up to"]),
        (
            ["inconclusive"] * 10,
            ["supported"] * 20,
            ["false supports up to", "said not to be so"],
        ),  # too few to promise
        (["not_supported"] * 10 + ["inconclusive"] * 190, ["supported"] * 20, ["said not to be so of up to"]),
        (["inconclusive"] * 200, ["supported"] * 15 + ["inconclusive"] * 5, ["power 75.0%, 80% is promised"]),
    ],
)
def test_each_broken_promise_is_named(nulls: list[str], planted: list[str], said: list[str]) -> None:
    runs = [run_of("cache", told(status)) for status in nulls]
    runs += [run_of("induction", told(status, true=True)) for status in planted]
    faults = figures.broken(runs, [COST])
    assert len(faults) == len(said)
    for fault, part in zip(faults, said, strict=True):
        assert part in fault


def test_what_a_finding_is_worth_takes_the_worse_bound_of_each_rate() -> None:
    runs = [run_of("cache", told()) for _ in range(200)]
    runs += [run_of("induction", told("supported", true=True, rung="replicated")) for _ in range(20)]
    assert set(figures.worth(runs, COST)) == {"interventional", "replicated"}
    worth = figures.worth(runs, COST)["replicated"]
    assert worth["probability"] == 1
    assert worth["low"] == pytest.approx(
        0.861 / (0.861 + 0.0149), abs=0.001
    )  # 0.05 ** (1 / 20), 1 - 0.05 ** (1 / 200)
    assert (worth["false_support"]["n"], worth["power"]["n"]) == (200, 20)


def test_where_nobody_knows_what_is_supported_is_neither_an_error_nor_power() -> None:
    kind = next(each for each in KINDS if each.name == "refusal: trained, direction removed")
    version = registry.load(kind.probe).code_version
    read, used = kind.unknown[0], "refusal.ablation"
    findings = tuple(
        replace(told("supported", rung="associational"), statistic=name) for name in (read, used)
    )
    run = Run(kind.name, 0, kind.probe, version, CONTRACT, dict(kind.parameters), 1.0, findings)
    assert figures.split([run], read) == ([], [])
    assert figures.split([run], used) == ([run], [])
    text = page.render([run], None, [])
    assert f"| {kind.name} | 1 | 1 | {kind.says} |" in text
    assert text.count("whether there is something is not known") == len(kind.unknown)


def test_an_interval_is_held_against_the_mean_over_runs_on_one_model() -> None:
    values = [1.0] * 9 + [3.0]  # their mean is 1.2: inside all but the last
    runs = [run_of("induction, same model", told("supported", true=True, value=value)) for value in values]
    assert figures.coverage(runs, COST) == figures.Rate(9, 10)


def test_a_stopped_command_goes_on_and_what_was_measured_otherwise_is_measured_anew(tmp_path: Path) -> None:
    file, now = tmp_path / "runs.jsonl", run_of("cache", told())
    before = replace(now, number=1, code_version="0")
    other = replace(now, number=2, parameters={**now.parameters, "length": 16})
    lines = [each.as_line() for each in (now, before, other)]
    file.write_text("\n".join([*lines, lines[0][: len(lines[0]) // 2]]))
    assert read_runs(file) == [now]


def test_the_page_names_each_kind_and_the_figures_are_those_that_findings_show(tmp_path: Path) -> None:
    runs = [run_of("cache", told()), run_of("induction", told("supported", true=True))]
    text, kept = page.render(runs, None, []), page.as_json(runs)
    assert "| cache | 1 | 0.0%, at most 95.0% |" in text
    assert "**0.0%, at most 95.0%**" in text  # one run promises nothing
    worth = kept["probes"]["induction.heads"]["statistics"][COST]
    assert set(worth) == {"interventional"}
    assert json.loads(json.dumps(kept)) == kept
    assert tmp_path.exists()


def test_what_was_not_measured_stays_on_the_page_and_in_the_figures(tmp_path: Path) -> None:
    to, kept = tmp_path / "page.md", tmp_path / "figures.json"
    rest = "## Blind audit\n\nTen of ten.\n"
    old = [f"## `{probe}`, code version 0\n\nold\n" for probe in ("attention.patterns", "induction.heads")]
    to.write_text("\n".join(["# Old\n", *old, rest]))
    kept.write_text('{"probes": {"attention.patterns": "old", "induction.heads": "old"}}')
    (tmp_path / "runs.jsonl").write_text(run_of("cache", told()).as_line())
    asked = [
        "--write",
        str(to),
        "--figures",
        str(kept),
        "--state",
        str(tmp_path),
        "--no-audit",
        "--runs",
        "0",
    ]
    assert command.main([*asked, "--processes", "1"]) == 1  # one run promises nothing
    text, found = to.read_text(), json.loads(kept.read_text())["probes"]
    assert text.startswith("# How often probes are wrong")
    assert "## `attention.patterns`, code version 0\n\nold\n\n## `induction.heads`, code version 3" in text
    assert text.count("\nold\n") == 1
    assert text.endswith(f"\n\n{rest}")
    assert found["attention.patterns"] == "old"
    assert found["induction.heads"]["code_version"] == "3"
    command.main([*asked, "--processes", "1"])
    assert to.read_text() == text


def test_a_line_that_notes_less_than_today_is_measured_anew(tmp_path: Path) -> None:
    line = json.loads(run_of("cache", told()).as_line())
    del line["findings"][0]["p_value"]
    (tmp_path / "runs.jsonl").write_text(json.dumps(line))
    assert read_runs(tmp_path / "runs.jsonl") == []


def test_a_probe_that_claims_something_is_calibrated() -> None:
    """A probe without rows of its own is not shipped: each that judges anything has kinds with and without truth."""
    claiming = {key for key in registry.PROBES if key != "entropy.next_token"}
    for probe in claiming:
        kinds = [kind for kind in KINDS if kind.probe == probe]
        assert sum(kind.many for kind in kinds if not kind.real) >= 200, probe
        for statistic in statistics_of(probe):
            assert sum(kind.many for kind in kinds if kind.holds(statistic)) >= 20, statistic
            assert sum(kind.many for kind in kinds if not kind.holds(statistic)) >= LEAST_NULLS, statistic


@pytest.mark.parametrize(
    ("drawn", "tests", "beside"),
    [
        (patterns.ALONE, 3, False),
        (patterns.ALONE_READING, 7, False),
        (patterns.BESIDE, 3, True),
        (patterns.BESIDE_READING, 7, True),
    ],
)
def test_the_first_rank_among_so_many_sets_survives_the_correction(
    drawn: tuple[int, int], tests: int, beside: bool
) -> None:
    heads, sets = drawn
    assert 2 * heads - 1 >= sets  # of two layers, without the one that was found
    others = [replace(told(rung="associational"), p_value=0.005 if beside else 1.0)]
    others += [replace(others[0], p_value=1.0)] * (tests - 2)
    for number, able in ((sets, True), (sets - 1, False)):
        run = run_of("cache", replace(told(), statistic="s", random_sets=number), *others)
        assert figures.could_support(run, "s") == able


DRAWN = audit.Draw("c" * 40, ("a", "b"), seed=7)


def test_a_draw_is_repeated_from_its_seed_by_anybody() -> None:
    models = audit.models_of(DRAWN)
    assert models == audit.models_of(replace(DRAWN, commit="d" * 40))
    assert models != audit.models_of(replace(DRAWN, seed=8))
    assert (
        sum(kind.planted for kind, _ in models) == sum(not kind.planted for kind, _ in models) == audit.COPIES
    )
    assert len({seed for _, seed in models}) == 2 * audit.COPIES


def test_a_draw_comes_after_the_hunter_and_is_kept_as_long_as_it_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees = {"HEAD": "1" * 40}

    def git(*arguments: str) -> str:
        return (
            ""
            if arguments[0] == "status"
            else trees.get(arguments[-1], "tree of " + arguments[-1] + trees["HEAD"])
        )

    monkeypatch.setattr(audit, "_git", git)
    first = audit.draw(tmp_path / "audit.json")
    assert audit.draw(tmp_path / "audit.json") == first
    trees["HEAD"] = "2" * 40
    assert audit.draw(tmp_path / "audit.json").seed != first.seed


def test_a_hunter_with_changes_of_its_own_draws_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "_git", lambda *_: " M interpret/verdicts.py")
    assert command.main(["--state", str(tmp_path), "--small", "--processes", "1"]) == 2
    assert "commit these first" in capsys.readouterr().err
    assert not (tmp_path / "audit.json").exists()


def test_the_audit_says_which_model_was_called_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(kind: Kind, number: int, store: Any) -> Run:
        del number, store
        return run_of(kind.name, told("supported", true=kind.planted))

    monkeypatch.setattr(audit, "measure", measured)
    audited = [audit.hunt(i, BY_NAME[name], 0, Path()) for i, name in enumerate(("induction", "cache"))]
    text = page.render([run_of("cache", told())], DRAWN, audited)
    assert "Planted models called so: 1 of 1. Clean ones called so: 1 of 1." in text
    assert "| 2: cache | no | **yes** |" in text


def test_where_absence_can_be_shown_it_is_wrong_of_what_is_there_and_of_nothing_else() -> None:
    version = registry.load("model.drift").code_version

    def runs_of(kind: str, status: str, *, true: bool) -> list[Run]:
        finding = replace(told(status, true=true, rung="associational"), statistic="drift.output")
        given = dict(BY_NAME[kind].parameters)
        return [
            Run(kind, number, "model.drift", version, CONTRACT, given, 1.0, (finding,))
            for number in range(60)
        ]

    nulls = runs_of("drift: copied", "not_supported", true=False)
    found = runs_of("drift: planted", "supported", true=True)
    assert figures.broken([*nulls, *found], ["drift.output"]) == []
    missed = runs_of("drift: planted", "not_supported", true=True)
    faults = figures.broken([*nulls, *missed], ["drift.output"])
    assert any("said not to be so" in fault for fault in faults)
    text = page.render([*nulls, *found], None, [])
    assert "| drift: copied | 60 | 0.0%, at most 4.9% | 100.0% of 60" in text


@pytest.mark.parametrize("name", ["drift: copied", "drift: planted"])
def test_a_kind_may_make_the_model_that_its_probe_compares_with(name: str, tmp_path: Path) -> None:
    kind = BY_NAME[name]
    loaded, planted = kind.make(3, tmp_path)
    others = kind.others(3)
    assert others["against"].digest != loaded.digest
    assert bool(planted) == kind.planted
    assert others["against"].digest != kind.others(4)["against"].digest
    assert BY_NAME["induction"].others(3) == {}
