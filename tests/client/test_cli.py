"""The command line against a small server on localhost: what it sends, what it prints, what it exits with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.client.answering import TOKEN, Answering
from tests.client.binders import Built, trust_document
from tracebinder import http as client_http
from tracebinder.cli.main import main
from tracebinder.documents import read_schema

GATE = ["gate", "release", "--system", "credit-assistant", "--release", "r1"]


def decision(verdict: str) -> dict[str, object]:
    reason = {
        "criterion": "cited",
        "requirement": "来源",
        "verdict": "not_met",
        "detail": "0.61 of 40, needs 0.9",
    }
    return {
        "id": 7,
        "gate": "release",
        "gate_version": 2,
        "verdict": verdict,
        "reasons": [reason],
        "inputs_digest": "ab" * 32,
        "code_version": "1",
        "decided_at": "2026-11-22T09:00:00Z",
    }


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("fail", 1), ("insufficient", 2), ("perhaps", 3)])
def test_gate_exits_with_the_verdict(
    server: Answering, capsys: pytest.CaptureFixture[str], verdict: str, code: int
) -> None:
    server.will_answer(201, decision(verdict))
    assert main(GATE) == code
    path, headers, body = server.asked[0]
    assert path == "/api/v1/gates/release/decisions"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(body) == {"system": "credit-assistant", "release": "r1"}
    if code < 3:
        assert "0.61 of 40, needs 0.9" in capsys.readouterr().out


def test_gate_shows_numbers_runs_and_what_would_settle_it(
    server: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    retraction = {"requested_by": "token:ab", "reason": "wrong labels", "confirmed_by": None}
    run = {"run_key": "run-2", "commit": "4b1d46ee", "received_at": "2026-11-22", "retractions": [retraction]}
    earlier = {"run_key": "run-1", "code": "earlier", "detail": "run-2 was received later", "retractions": []}
    measured = {
        "value": 0.867, "bound": 0.729, "comparator": "at_least", "threshold": 0.8, "n_observations": 30,
        "n_units": 10,
        "look": {"number": 2, "planned": 3, "alpha": 0.05 / 3, "earlier": ["run-1"]},
        "judge": {
            "judge": "judge:llm v1 (3)", "state": "calibrated", "decides": True, "raw": 0.97, "value": 0.867,
            "low": 0.729, "high": 0.91, "kappa": 0.61, "kappa_low": 0.52, "kappa_high": 0.69, "n_units": 100,
            "n_people": 2,
        },
    }  # fmt: skip
    reason = {
        "requirement": "r v1", "criterion": "r/c", "verdict": "insufficient", "detail": "too few to tell",
        "code": "too_few_to_tell", "measured": measured, "runs": [run], "passed_over": [earlier],
        "would_settle": {"more_units": 42, "detail": "about 42 more"}, "waiver": None,
        "tried": {"releases": ["r0", "r1"], "number": 2, "alpha": 0.05, "together": 0.0975},
    }  # fmt: skip
    server.will_answer(201, {**decision("insufficient"), "reasons": [reason]})
    assert main([*GATE, "--run", "run-2", "--run", "run-3", "--commit", "4b1d46ee"]) == 2
    asked = {"system": "credit-assistant", "release": "r1", "run": ["run-2", "run-3"], "commit": "4b1d46ee"}
    assert json.loads(server.asked[0][2]) == asked
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines()[1:4])) <= 100
    told = re.sub(r"\s+", " ", told)
    for said in (
        "0.729 at least",
        "insufficient 0.867",
        "look 2 of 3, alpha 0.01667",
        "judge judge:llm v1 (3) calibrated: raw 0.97, corrected 0.867 [0.729, 0.91], kappa 0.61 [0.52, 0.69]",
        "100 labelled units by 2 people",
        "release 2 judged since one met it (r0, r1): each alone passes wrongly at 0.05, one of them at 0.0975",
        "decided by run run-2, commit 4b1d46ee",
        "retraction asked by token:ab, waits for a second person: wrong labels",
        "passed over run run-1 (earlier): run-2 was received later",
        "to settle it: about 42 more",
    ):
        assert said in told


def test_gate_names_a_judge_whom_nobody_checked(
    server: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = {
        "judge": "judge:llm v1 (3)", "state": "uncalibrated", "decides": False, "raw": 0.97, "value": None,
        "kappa": None, "n_units": 0, "n_people": 0,
    }  # fmt: skip
    reason = {"criterion": "r/c", "verdict": "met", "code": "met", "detail": "", "measured": {"judge": judge}}
    server.will_answer(201, {**decision("pass"), "reasons": [reason]})
    assert main(GATE) == 0
    assert (
        "judge judge:llm v1 (3) uncalibrated: raw 0.97, 0 labelled units by 0 people"
        in capsys.readouterr().out
    )


def test_retract_asks_and_says_that_it_waits(server: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    server.will_answer(201, {"id": 3, "run_key": "run-2", "state": "waiting"})
    assert main(["retract", "run-2", "--system", "credit-assistant", "--reason", "wrong labels"]) == 0
    path, _, body = server.asked[0]
    assert path == "/api/v1/retractions"
    assert json.loads(body) == {"system": "credit-assistant", "run_key": "run-2", "reason": "wrong labels"}
    assert "retraction 3 of run-2 is waiting" in capsys.readouterr().out


def test_refusal_is_told_in_the_servers_words_with_what_to_do(
    server: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    server.will_answer(
        403, {"title": "Not permitted", "code": "access_denied", "detail": "scope gate is missing"}
    )
    assert main(GATE) == 3
    told = capsys.readouterr().err
    assert "scope gate is missing" in told
    assert TOKEN not in told
    server.will_answer(403, b"<html>a proxy's page")
    assert main(GATE) == 3
    assert "the token lacks the scope" in capsys.readouterr().err


def test_passing_trouble_is_retried(server: Answering) -> None:
    server.will_answer(503, b"upstream is starting", Retry_After="0")
    server.will_answer(429, {"title": "Slow down"}, Retry_After="0")
    server.will_answer(201, decision("pass"))
    assert main(GATE) == 0
    assert len(server.asked) == 3


def test_redirect_is_not_followed_with_the_token(
    server: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    server.will_answer(302, b"", Location=f"{server.url}/elsewhere")
    assert main(GATE) == 3
    assert len(server.asked) == 1
    assert f"302 Found: the address leads to {server.url}/elsewhere" in capsys.readouterr().err


@pytest.mark.parametrize("answer", [b"<html>", b"[]"])
def test_answer_that_is_no_json_object_is_no_pass(server: Answering, answer: bytes) -> None:
    server.will_answer(200, answer)
    assert main(GATE) == 3


def test_no_server_says_where_to_look(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*GATE, "--url", "http://127.0.0.1:9", "--token", TOKEN, "--retry-for", "0"]) == 4
    assert "check TRACEBINDER_URL" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "token"),
    [("", TOKEN), ("ftp://x", TOKEN), ("http://127.0.0.1", "a\nb"), ("http://127.0.0.1", "")],
)
def test_unusable_settings_are_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, url: str, token: str
) -> None:
    monkeypatch.setenv("TRACEBINDER_URL", url)
    monkeypatch.setenv("TRACEBINDER_TOKEN", token)
    assert main(GATE) == 3


def run_answer(**changes: object) -> dict[str, object]:
    score = {"metric": "citation_groundedness", "slice": {"language": "zh-Hans"}, "value": 0.83, "n": 12}
    score |= {
        "stderr": 0.1,
        "low": 0.6,
        "high": 0.95,
        "confidence": 0.95,
        "direction": "higher",
        "unit": "share",
    }
    return {
        "id": 3,
        "run_key": "ci-1",
        "status": "success",
        "n_samples": 12,
        "n_scored": 12,
        "n_unscored": 0,
        "n_error": 0,
        "rejects": [],
        "scores": [score],
        **changes,
    }


def test_eval_file_is_posted_as_it_is(
    server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(b'{"format":  "tracebinder.eval/1"}')
    server.will_answer(201, run_answer())
    assert main(["push-eval", str(file), "--system", "kf", "--release", "r 1"]) == 0
    path, _, body = server.asked[0]
    assert path == "/api/v1/eval-runs?system=kf&release=r+1&name=run.json"
    assert body == file.read_bytes()
    told = capsys.readouterr().out
    assert "language=zh-Hans" in told
    assert "0.6 to 0.95" in told


@pytest.mark.parametrize(
    "changes", [{"status": "error"}, {"rejects": [{"code": "bad_sample", "detail": "sample 4 has no id"}]}]
)
def test_run_that_is_not_whole_exits_with_1(
    server: Answering, tmp_path: Path, changes: dict[str, object]
) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(b"{}")
    server.will_answer(200, run_answer(**changes))
    assert main(["push-eval", str(file), "--system", "kf"]) == 1


@pytest.mark.parametrize("command", [["push-eval", "--system", "kf"], ["register-release"]])
def test_missing_file_is_named(
    server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert main([*command, str(tmp_path / "none.json")]) == 3
    assert "none.json" in capsys.readouterr().err
    assert server.asked == []


def test_release_is_posted_as_it_is(
    server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "release.json"
    file.write_bytes(b'{"system":  "kf"}')
    pins = {"prompt": "cd" * 32, "model": "ef" * 32}
    server.will_answer(201, {"system": "kf", "name": "r 1", "digest": "ab" * 32, "pins": pins})
    assert main(["register-release", str(file)]) == 0
    path, _, body = server.asked[0]
    assert (path, body) == ("/api/v1/releases", file.read_bytes())
    told = capsys.readouterr().out
    assert f"release r 1 of kf is on record, digest {'ab' * 32}" in told
    assert told.index("model") < told.index("prompt")


def test_each_field_that_is_refused_is_named(
    server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "release.json"
    file.write_bytes(b"{}")
    errors = [
        {"in": "body", "path": "pins[0].digest", "code": "invalid", "message": "not a digest"},
        {"in": "query", "path": "", "code": "unknown_parameter", "message": "nobody knows this"},
    ]
    server.will_answer(422, {"title": "Invalid input", "detail": "Some are wrong.", "errors": errors})
    assert main(["register-release", str(file)]) == 3
    told = capsys.readouterr().err
    assert "Some are wrong. pins[0].digest: not a digest; query: nobody knows this" in told
    first = {"detail": "not a digest (1 more; `errors` lists each)", "errors": errors}
    server.will_answer(422, {"title": "Invalid input", **first})
    assert main(["register-release", str(file)]) == 3
    told = capsys.readouterr().err
    assert told.endswith("Invalid input: not a digest; query: nobody knows this\n")


def test_verify_prints_every_line_and_what_is_not_claimed(
    honest: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps(trust_document()))
    sidecar = tmp_path / "sidecar.jsonl"
    sidecar.write_bytes(honest.written.sidecar)
    command = ["verify", str(honest.save(tmp_path)), "--trust", str(trust), "--sidecar", str(sidecar)]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "its bytes are signed, by the sidecar" in told
    for needed in ("integrity", "origin", "log inclusion", "not present", "integrity is not truth"):
        assert needed in told
    assert main([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verified"] is True
    Draft202012Validator(json.loads(read_schema("verify"))).validate(report)


def test_sidecar_that_lies_beside_the_binder_is_used(
    honest: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps(trust_document()))
    binder = honest.save(tmp_path)
    binder.with_name(f"{binder.name}.intoto.jsonl").write_bytes(honest.written.sidecar)
    assert main(["verify", str(binder), "--trust", str(trust)]) == 0
    assert "its bytes are signed, by the sidecar" in capsys.readouterr().out
    binder.write_bytes(
        binder.read_bytes().replace(b"\x00\x00!\x00", b"\x00\x00\x22\x00")
    )  # each date, everywhere
    assert main(["verify", str(binder), "--trust", str(trust)]) == 1


def test_verify_without_a_readable_trust_file_is_malformed(
    honest: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(honest.save(tmp_path)), "--trust", str(tmp_path / "none")]) == 2
    assert "trust file" in capsys.readouterr().err


def test_wrong_usage_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate"]) == 3
    assert main(["verify"]) == 64
    assert main(["compare", "--margin", "1"]) == 3
    assert main(["compare", "a", "b", "--sys", "k"]) == 3
    assert main([]) == 3
    assert main(["--version"]) == 0
    assert "tracebinder 0.1.0" in capsys.readouterr().out


def start_module(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `python -m tracebinder` as a stranger would, with what the checkout has on its path."""
    client = Path(client_http.__file__).parents[1]
    command = [sys.executable, "-m", "tracebinder", *arguments]
    return subprocess.run(command, cwd=client, text=True, stderr=subprocess.PIPE, check=False, **options)


def test_the_module_runs_as_the_command_does() -> None:
    told = start_module("--help", stdout=subprocess.PIPE)
    assert told.returncode == 0
    assert all(command in told.stdout for command in ("push-eval", "gate", "verify"))
    assert start_module("gate", stdout=subprocess.PIPE).returncode == 3


def test_whoever_stops_reading_gets_no_pass_and_no_traceback(honest: Built, tmp_path: Path) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps(trust_document()))
    reader, writer = os.pipe()
    os.close(reader)
    told = start_module("verify", str(honest.save(tmp_path)), "--trust", str(trust), stdout=writer)
    os.close(writer)
    assert (told.returncode, told.stderr) == (2, "")


COMPARE = ["compare", "old", "new", "--system", "credit-assistant"]


def compared(outcome: str | None, non_inferior: str | None = None) -> dict[str, object]:
    difference = {"value": -0.0667, "low": -0.157, "high": 0.0217, "p_value": 0.263, "detectable": 0.143}
    metric = {
        "metric": "准确",
        "paired": True,
        "n": 90,
        "units": 90,
        "baseline": 0.9,
        "candidate": 0.8333,
        "improvement": difference,
        "outcome": outcome,
        "non_inferior": non_inferior,
        "newly_failing": {"n": 13, "items": [f"k{k}" for k in range(13)]},
        "slices": [{"name": "language=en", "n": 40, "improvement": difference, "p_holm": 0.5}],
    }
    return {"metrics": [metric]}


@pytest.mark.parametrize(
    ("outcome", "non_inferior", "margin", "code"),
    [
        ("no_difference_shown", None, [], 0),
        ("improvement", "shown", ["--margin", "0.05"], 0),
        ("regression", None, [], 1),
        ("no_difference_shown", "refuted", ["--margin", "0.05"], 1),
        ("no_difference_shown", "not_shown", ["--margin", "0.05"], 2),
        ("no_difference_shown", "missing_could_decide", ["--margin", "0.05"], 2),
        (None, None, [], 2),
        ("something_new", None, [], 2),
    ],
)
def test_compare_exits_with_what_is_known(
    server: Answering, outcome: str | None, non_inferior: str | None, margin: list[str], code: int
) -> None:
    server.will_answer(200, compared(outcome, non_inferior))
    assert main([*COMPARE, *margin]) == code


def test_compare_shows_a_table_a_person_can_read(
    server: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    server.will_answer(200, compared("no_difference_shown", "not_shown"))
    main([*COMPARE, "--margin", "0.1", "--metric", "准确"])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines()[1:4])) <= 100
    printed = re.sub(r"\s+", " ", printed)
    for word in (
        "-0.157 to +0.0217",
        "no difference",
        "not shown",
        "would show a difference of 0.143",
        " 90 no difference",
        "13 newly failing",
        "and 3 more",
    ):
        assert word in printed
    path, headers, body = server.asked[0]
    assert path.startswith("/api/v1/eval-runs/compare?system=credit-assistant&baseline=old&candidate=new")
    assert "margin=0.1" in path
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert body == b""


def test_compare_prints_json_where_asked(server: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    server.will_answer(200, compared("improvement"))
    main([*COMPARE, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["exit_code"]) == ("tracebinder.compare/1", 0)
    assert told["metrics"] == compared("improvement")["metrics"]


def test_a_refused_comparison_is_no_verdict(server: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    server.will_answer(
        409, {"code": "runs_not_comparable", "title": "x", "detail": "the dataset of the baseline is"}
    )
    assert main(COMPARE) == 3
    assert "the dataset of the baseline" in capsys.readouterr().err
    server.will_answer(200, {"metrics": []})
    assert main(COMPARE) == 3


@pytest.mark.parametrize("margin", ["0", "-1", "nan", "much"])
def test_a_margin_that_is_none_is_wrong_usage(margin: str) -> None:
    assert main([*COMPARE, "--margin", margin]) == 3
