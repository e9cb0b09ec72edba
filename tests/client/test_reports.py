"""What a CI is given: JUnit, SARIF, code quality, outputs, GitHub's summary and annotations, and `--json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from jsonschema import Draft202012Validator

from bench.server import REPOSITORY
from tests.client.answering import Answering
from tracebinder.cli.main import main
from tracebinder.documents import NAMES, read_schema

GATE = ["gate", "release", "--system", "credit-assistant", "--release", "r1"]
HOSTILE = "]]>\x1b[31m::error::x\n##vso[task.setvariable variable=a]b|`<b>` @everyone"


def reason(criterion: str, verdict: str, code: str, **more: Any) -> dict[str, Any]:
    return {
        "criterion": criterion, "requirement": f"{criterion.partition('/')[0]} v1", "verdict": verdict, "code": code,
        "detail": more.pop("detail", f"it is {code}"), "measured": None, "runs": [], "passed_over": [],
        "would_settle": None, "waiver": None, **more,
    }  # fmt: skip


MEASURED = {
    "where": {"language": "zh-Hans"}, "value": 0.61, "low": 0.5, "high": 0.7, "bound": 0.5, "bound_confidence": 0.95,
    "comparator": "at_least", "threshold": 0.9, "unit": "share", "n_units": 40, "n_observations": 40, "missing": {},
}  # fmt: skip
REASONS = [
    reason("来源/cited", "met", "met"),
    reason(
        "fees/named", "insufficient", "no_run", would_settle={"more_units": None, "detail": "run the suite"}
    ),
    reason("limits/stated", "not_met", "not_met", measured=MEASURED, detail=HOSTILE),
    reason(
        "tone/calm",
        "not_met",
        "not_met",
        waiver={"id": 1, "approved_by": "p", "expires_at": "x", "reason": "y"},
    ),
]


def decision(verdict: str = "fail", reasons: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {
        "id": 7, "system": "credit-assistant", "release": "r1", "gate": "release", "gate_version": 2,
        "gate_standing": {"state": "approved", "proposed_by": ["a"], "approved_by": "b", "since": "2026-11-22"},
        "as_of": "2026-11-22T09:00:00Z", "verdict": verdict, "reasons": REASONS if reasons is None else reasons,
        "inputs_digest": "ab" * 32, "code_version": "gate/4", "decided_by": "token:1",
        "decided_at": "2026-11-22T09:00:00Z",
    }  # fmt: skip


def valid(name: str, told: dict[str, Any]) -> None:
    Draft202012Validator(json.loads(read_schema(name))).validate(told)


def test_junit_has_a_case_for_each_criterion_and_what_is_not_known_is_no_skip(
    server: Answering, tmp_path: Path
) -> None:
    server.will_answer(201, decision())
    assert main([*GATE, "--junit", str(tmp_path / "j.xml")]) == 1
    suite = ET.parse(tmp_path / "j.xml").getroot()[0]
    cases = {case.get("name"): [part.tag for part in case] for case in suite.iter("testcase")}
    assert list(cases) == ["limits/stated", "fees/named", "tone/calm", "来源/cited"]
    assert cases["limits/stated"] == ["failure", "system-out"]
    assert cases["fees/named"] == ["error", "system-out"]
    assert cases["tone/calm"] == cases["来源/cited"] == ["system-out"]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "not_met"
    assert "value 0.61, bound 0.5, asked at least 0.9, n 40, slice language=zh-Hans" in str(failure.text)


def test_sarif_has_a_result_for_each_thing_in_the_way_with_its_code_as_the_rule(
    server: Answering, tmp_path: Path
) -> None:
    pointed = tmp_path / "needs.yaml"
    pointed.write_text("requirements:\n  - key: limits\n    criteria:\n      - key: stated\n")
    server.will_answer(201, decision())
    main([*GATE, "--sarif", str(tmp_path / "s.sarif"), "--point-at", str(pointed)])
    log = json.loads((tmp_path / "s.sarif").read_bytes())
    assert log["version"] == "2.1.0"
    run = log["runs"][0]
    results = run["results"]
    assert [(each["ruleId"], each["level"]) for each in results] == [
        ("not_met", "error"),
        ("no_run", "warning"),
    ]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in results)
    place = results[0]["locations"][0]
    assert place["physicalLocation"]["region"] == {"startLine": 4}
    assert place["physicalLocation"]["artifactLocation"]["uri"] == pointed.as_posix()
    assert place["logicalLocations"][0]["name"] == "limits/stated"
    assert results[0]["hostedViewerUri"] == f"{server.url}/admin/evidence/gatedecision/7/change/"
    server.will_answer(201, decision() | {"id": 8, "decided_at": "2026-11-23T09:00:00Z"})
    main([*GATE, "--sarif", str(tmp_path / "again.sarif")])
    again = json.loads((tmp_path / "again.sarif").read_bytes())["runs"][0]["results"]
    assert [each["partialFingerprints"] for each in again] == [
        each["partialFingerprints"] for each in results
    ]


def test_code_quality_and_outputs_are_written(server: Answering, tmp_path: Path) -> None:
    server.will_answer(201, decision())
    outputs = tmp_path / "outputs"
    outputs.write_text("before=1\n")
    main([*GATE, "--code-quality", str(tmp_path / "q.json"), "--outputs", str(outputs)])
    entries = json.loads((tmp_path / "q.json").read_bytes())
    assert [(each["check_name"], each["severity"]) for each in entries] == [
        ("not_met", "critical"),
        ("no_run", "major"),
    ]
    assert all(each["location"]["path"] and each["location"]["lines"]["begin"] > 0 for each in entries)
    assert len({each["fingerprint"] for each in entries}) == 2
    assert outputs.read_text().splitlines() == [
        "before=1",
        "verdict=fail",
        f"url={server.url}/admin/evidence/gatedecision/7/change/",
        "decision=7",
        "exit_code=1",
    ]


def test_github_gets_a_summary_and_annotations_and_no_command_of_somebody_elses(
    server: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    server.will_answer(201, decision())
    main([*GATE, "--json"])
    told = capsys.readouterr()
    json.loads(told.out)
    commands = [line for line in told.err.splitlines() if line.startswith("::")]
    assert [line.split(" ")[0] for line in commands] == ["::error", "::warning"]
    assert "title=gate release on credit-assistant r1%3A limits/stated::" in commands[0]
    assert "##vso[" not in told.out
    assert "\x1b" not in told.err
    text = summary.read_text()
    assert text.startswith("### ❌ gate release on credit-assistant r1: fail")
    assert text.index("limits/stated") < text.index("fees/named") < text.index("来源/cited")
    row = next(line for line in text.splitlines() if "limits/stated" in line)
    assert "<b>" not in row
    assert "\\@everyone" in row
    assert row.replace("\\|", "").count("|") == 6
    server.will_answer(201, decision())
    main(GATE)
    lines = capsys.readouterr().out.splitlines()
    assert not any(line.strip().startswith("::") or "##vso[" in line for line in lines)


def test_a_gate_that_could_not_be_asked_is_no_pass_in_any_report(
    server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.will_answer(
        404, {"title": "Not found", "code": "not_found", "detail": "There is no release 'r9'."}
    )
    junit, sarif = tmp_path / "j.xml", tmp_path / "s.sarif"
    assert main([*GATE, "--junit", str(junit), "--sarif", str(sarif), "--json"]) == 3
    assert ET.parse(junit).getroot().get("errors") == "1"
    assert json.loads(sarif.read_bytes())["runs"][0]["results"][0]["ruleId"] == "not_found"
    told = json.loads(capsys.readouterr().out)
    valid("problem", told)
    assert (told["status"], told["code"], told["exit_code"]) == (404, "not_found", 3)


@pytest.mark.parametrize("option", ["--junit", "--sarif", "--code-quality", "--outputs"])
def test_a_report_that_cannot_be_written_is_told_before_anything_is_asked(
    server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert main([*GATE, option, str(tmp_path / "none" / "file")]) == 3
    assert "make its folder first" in capsys.readouterr().err
    assert server.asked == []


def metric(**more: Any) -> dict[str, Any]:
    none: dict[str, Any] = {"n": 0, "items": []}
    return {
        "metric": "grounded", "unit": "share", "higher_is_better": True, "paired": True, "n": 90, "units": 90,
        "baseline": 0.9, "candidate": 0.8, "improvement": None, "alpha": 0.05, "outcome": "regression", "margin": None,
        "non_inferior": None, "equivalent": None, "only_baseline": none, "only_candidate": none, "neither": none,
        "newly_failing": {"n": 2, "items": ["费用-1", "fees-2"]}, "newly_passing": none, "flaky": none, "slices": [],
        **more,
    }  # fmt: skip


def results_in(sarif: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(sarif.read_bytes())["runs"][0]["results"]
    return found


def test_newly_failing_samples_are_results_of_a_comparison(server: Answering, tmp_path: Path) -> None:
    server.will_answer(200, {"metrics": [metric()]})
    sarif = tmp_path / "s.sarif"
    assert main(["compare", "old", "new", "--system", "k", "--sarif", str(sarif)]) == 1
    results = results_in(sarif)
    assert [each["ruleId"] for each in results] == ["regression", "newly_failing", "newly_failing"]
    assert "费用-1" in results[1]["message"]["text"]


def test_the_worst_samples_of_the_deciding_run_are_results_of_a_gate(
    server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sarif = tmp_path / "s.sarif"
    runs = [{"run_key": "new", "id": 9, "retractions": []}]
    reasons = [
        reason("r/bad", "not_met", "not_met", runs=runs, measured=MEASURED),
        reason("r/open", "insufficient", "few", runs=runs),
        reason("r/good", "met", "met", runs=runs),
    ]
    samples = [
        {"sample_id": "费用-1", "value": 0.0, "slice": {}},
        {"sample_id": "q9", "value": 0.5, "slice": {}},
    ]
    worst = {"metrics": [{"metric": "grounded", "unit": "score", "direction": "higher", "samples": samples}]}
    server.will_answer(201, decision(reasons=reasons))
    server.will_answer(200, worst)
    server.will_answer(404, {"title": "Not found", "detail": "no such address"})
    assert main([*GATE, "--sarif", str(sarif)]) == 1
    assert [path for path, *_ in server.asked[1:]] == [
        "/api/v1/eval-runs/9/worst-samples?dimension=language&value=zh-Hans",
        "/api/v1/eval-runs/9/worst-samples",
    ]
    assert "worst samples of run new are not known: 404" in capsys.readouterr().err
    results = results_in(sarif)
    assert [(each["ruleId"], each["level"]) for each in results] == [
        ("not_met", "error"),
        ("worst_sample", "error"),
        ("worst_sample", "error"),
        ("few", "warning"),
    ]
    assert "grounded/费用-1" in results[1]["message"]["text"]
    server.will_answer(201, decision(reasons=reasons))
    assert main([*GATE]) == 1  # nobody asked for a report: nothing more is asked of the server


def test_a_gate_says_which_samples_fail_that_did_not_before(
    server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sarif = tmp_path / "s.sarif"
    runs = [{"run_key": "new", "id": 9, "retractions": []}]
    reasons = [reason("r/bad", "not_met", "not_met", runs=runs), reason("r/good", "met", "met", runs=runs)]
    server.will_answer(201, decision(reasons=reasons))
    server.will_answer(200, {"metrics": [metric()]})
    server.will_answer(200, {"metrics": []})  # the worst samples
    assert main([*GATE, "--against", "old", "--sarif", str(sarif)]) == 1
    assert "baseline=old&candidate=new" in server.asked[1][0]
    assert "newly failing since old: grounded/费用-1, grounded/fees-2" in capsys.readouterr().out
    assert [each["ruleId"] for each in results_in(sarif)] == ["not_met", "newly_failing", "newly_failing"]
    server.will_answer(201, decision(reasons=reasons))
    server.will_answer(403, {"title": "Not permitted", "detail": "This takes the scope `read`."})
    assert main([*GATE, "--against", "old"]) == 1
    assert "run new is not compared with old: 403 Not permitted" in capsys.readouterr().err


def test_what_json_prints_fits_its_published_schema(
    server: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    server.will_answer(201, decision("insufficient"))
    assert main([*GATE, "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    valid("gate", told)
    assert (told["schema"], told["exit_code"], told["verdict"]) == ("tracebinder.gate/1", 2, "insufficient")
    assert told["reasons"] == decision()["reasons"]


def test_the_published_schemas_have_all_that_the_server_answers() -> None:
    text = (REPOSITORY / "docs/reference/openapi.yaml").read_bytes()
    served = yaml.load(text, yaml.CSafeLoader)["components"]["schemas"]
    behind = []
    for name in NAMES:
        for kind, published in json.loads(read_schema(name)).get("$defs", {}).items():
            there = served.get(kind, {})
            for told, of in (("properties", dict), ("enum", list)):
                behind += [
                    f"{name} {kind}.{each}"
                    for each in there.get(told, ())
                    if each not in published.get(told, of())
                ]
    assert behind == []


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_is_one_and_is_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:tracebinder:{name}:1"
    assert name == "verify" or schema["properties"]["schema"] == {"const": f"tracebinder.{name}/1"}
    assert not Draft202012Validator(schema).is_valid({"schema": f"tracebinder.{name}/2", "exit_code": 0})
