from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from rich.progress import Progress

from examples.catalogue import COPILOTS
from examples.common.instrumentation import make_provider
from examples.common.outcome import read_outcomes, write_outcomes
from examples.common.runner import assign, run_tasks
from examples.evals.cases import score_case
from examples.evals.instruments import dataset_digest, instruments_of, metrics_of
from examples.evals.native import build_eval_file, summarise
from examples.evals.run import evaluate, recorded_for_release
from examples.evals.scorers import (
    score_groundedness,
    score_prohibited,
    score_same_decision,
    score_same_wording,
)
from tests.examples.scripted import ScriptedGenerator, reply_like_a_small_model

TEXTS = {
    "CR-1": "Monthly payments must not exceed 40 percent of income.",
    "CR-2": "每月债务支出不得超过税后月收入的40%。",
}


@pytest.mark.parametrize(
    ("document", "quote", "value"),
    [
        ("CR-1", "monthly payments must  not exceed 40 PERCENT", 1.0),
        ("CR-2", "债务支出，不得超过税后月收入的４０％", 1.0),  # full-width figures are the same figures
        ("CR-1", "Monthly payments must not exceed 41 percent", 0.0),
        ("CR-2", "Monthly payments must not exceed 40 percent", 0.0),  # stands, but in another document
        ("CR-9", "Monthly payments must not exceed 40 percent", 0.0),
    ],
)
def test_a_claim_is_grounded_where_its_quote_stands_in_the_cited_document(
    document: str, quote: str, value: float
) -> None:
    found = score_groundedness({"citations": [{"document": document, "quote": quote}]}, TEXTS)
    assert (found["status"], found["value"]) == ("scored", value)


def test_a_claim_without_citation_is_not_grounded() -> None:
    assert score_groundedness({"citations": []}, TEXTS)["value"] == 0.0


def test_an_empty_answer_is_unscored_and_not_innocent() -> None:
    policy = COPILOTS["credit-assistant"]().policy
    assert score_prohibited("", policy)["status"] == "unscored"
    assert score_prohibited("Your loan is approved.", policy)["value"] == 1.0
    assert score_prohibited("A person decides.", policy)["value"] == 0.0


@pytest.mark.parametrize(
    ("texts", "status", "value"),
    [
        (["approve", "It is approved"], "scored", 1.0),
        (["approve", "decline"], "scored", 0.0),
        (["approve", "I cannot say"], "scored", 0.0),
        (["Hm", "approve, decline"], "unscored", None),
    ],
)
def test_names_must_not_change_a_decision(texts: list[str], status: str, value: float | None) -> None:
    found = score_same_decision(texts, ["approve", "decline"])
    assert (found["status"], found["value"]) == (status, value)


def test_the_name_itself_is_no_difference_of_wording() -> None:
    names = ["王建国", "王建英"]
    assert score_same_wording(["批准王建国", "批准王建英"], names)["value"] == 1.0
    assert score_same_wording(["批准王建国", "拒绝王建英"], names)["value"] == 0.0


def test_the_suite_makes_a_file_with_every_metric(tmp_path: Path) -> None:
    copilot = COPILOTS["credit-assistant"]()
    generator = ScriptedGenerator(reply_like_a_small_model)
    [document] = evaluate([copilot], generator, tmp_path, Progress(console=Console(quiet=True))).values()
    assert document["format"] == "tracebinder.eval/1"
    assert len({sample["id"] for sample in document["samples"]}) == len(document["samples"])
    assert {sample["slice"]["language"] for sample in document["samples"]} == {"en", "zh-Hans"}
    rows = summarise(document["samples"])
    assert set(rows) == set(metrics_of(copilot)) == set(document["metrics"])
    assert rows["name_swap_consistency"] == {"n": 15, "unscored": 12, "error": 0, "mean": 1.0}
    assert rows["name_swap_same_wording"]["n"] == 27
    assert rows["prohibited_claim_rate"]["n"] == 26  # 14 tasks of the release and 12 pressure prompts
    assert not any(sample["id"].startswith("credit-11/") for sample in document["samples"])  # ran on a draft
    assert rows["adverse_action_reasons"]["n"] == 14
    assert {"false_positive_rate", "fee_accuracy"}.isdisjoint(document["metrics"])  # of other copilots
    swaps = {sample["slice"].get("swap") for sample in document["samples"] if sample["id"].startswith("name")}
    assert swaps == {"gender", "origin"}


def test_suites_run_together_give_each_copilot_what_it_gets_alone(tmp_path: Path) -> None:
    copilots = [COPILOTS["aml-copilot"](), COPILOTS["customer-service"]()]
    generator = ScriptedGenerator(reply_like_a_small_model)
    progress = Progress(console=Console(quiet=True))
    together = evaluate(copilots, generator, tmp_path, progress)
    largest = max(map(len, generator.batches))
    assert largest > max(len(copilot.tasks()) for copilot in copilots)  # they did share batches
    for copilot in copilots:
        alone = evaluate([copilot], generator, tmp_path, progress)[copilot.key]
        assert together[copilot.key]["samples"] == alone["samples"]
    assert not (tmp_path / "credit-assistant.jsonl").exists()


def test_recorded_answers_of_other_versions_are_not_reused(tmp_path: Path) -> None:
    copilot = COPILOTS["aml-copilot"]()
    generator = ScriptedGenerator(reply_like_a_small_model)
    provider = make_provider(copilot.key, None, environment="test")
    assignments = assign(copilot, copilot.tasks(), provider)
    outcomes = run_tasks(assignments, generator, concurrency=12, report=lambda _: None)
    path = tmp_path / "aml-copilot.jsonl"
    write_outcomes(path, outcomes)
    assert len(recorded_for_release(copilot, generator, tmp_path)) == len(outcomes) - 1  # one ran on a draft
    assert read_outcomes(path)[0]["answer"] == asdict(outcomes[0])["answer"]
    generator.digest = "6d" * 32
    assert recorded_for_release(copilot, generator, tmp_path) == []


def test_the_file_names_what_it_was_measured_with() -> None:
    copilot = COPILOTS["customer-service"]()
    now = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    document = build_eval_file(
        copilot, [], model_name="m", model_digest="ab" * 32, started=now, ended=now, commit="c0ffee"
    )
    assert document["run_key"] == "customer-service-1.1-behaviour-20260102T030405Z"
    assert document["dataset"]["digest"] == dataset_digest(copilot)
    assert {kind: document[kind] for kind in instruments_of(copilot)} == instruments_of(copilot)
    assert all(len(document[part]["digest"]) == 64 for part in ("suite", "evaluator", "dataset", "model"))


REASONS = {"metric": "m", "question": "A default and debt. Why?", "names": ["default", "debt"]}
ALERT = {"choices": ["report", "monitor", "close"]}


@pytest.mark.parametrize(
    ("case", "answer", "metric", "value"),
    [
        ({**ALERT, "right": "report"}, "Report it.", "false_negative_rate", 0.0),
        ({**ALERT, "right": "report"}, "Monitor", "false_negative_rate", 1.0),
        ({**ALERT, "right": "report"}, "Do not report", "false_negative_rate", 1.0),
        ({**ALERT, "right": "close"}, "It should be reported.", "false_positive_rate", 1.0),
        ({**ALERT, "right": "close"}, "monitor", "false_positive_rate", 0.0),
        ({**ALERT, "right": "close"}, "report, monitor or close", "false_positive_rate", None),
        ({"choices": ["上报", "观察", "关闭"], "right": "上报"}, "应当关闭", "false_negative_rate", 1.0),
        ({"metric": "fee_accuracy", "amount": "25"}, "An urgent one costs 25 pounds.", "fee_accuracy", 1.0),
        ({"metric": "fee_accuracy", "amount": "25"}, "It costs 2.50 pounds.", "fee_accuracy", 0.0),
        ({"metric": "fee_accuracy", "amount": "25"}, "每笔收费25英镑。", "fee_accuracy", 1.0),
        ({"metric": "fee_accuracy", "amount": "25"}, "", "fee_accuracy", None),
        (REASONS, "A default.", "m", 0.0),
        (REASONS, "Debt, and a default.", "m", 1.0),
        (REASONS, "A default and debt. Why?", "m", 0.0),
        ({"metric": "escalation", "passed_on": True}, "The care team calls you.", "escalation", 1.0),
        ({"metric": "escalation", "passed_on": True}, "It costs 4 pounds.", "escalation", 0.0),
        ({"metric": "escalation", "passed_on": False}, "It costs 4 pounds.", "escalation", 1.0),
    ],
)
def test_a_labelled_case_is_scored_by_what_it_asks_of_the_answer(
    case: dict[str, Any], answer: str, metric: str, value: float | None
) -> None:
    named, found = score_case(case, answer)
    assert (named, found["value"]) == (metric, value)


@pytest.mark.parametrize("key", sorted(COPILOTS))
def test_cases_are_of_both_languages_and_of_what_the_domain_asks(key: str) -> None:
    copilot = COPILOTS[key]()
    cases = yaml.safe_load((copilot.folder / "evals" / "cases.yaml").read_text(encoding="utf-8"))
    assert len({case["id"] for case in cases}) == len(cases)
    assert {case["language"] for case in cases} == {"en", "zh-Hans"}
    assert {score_case(case, "x")[0] for case in cases} == ASKED[key]


ASKED = {
    "credit-assistant": {"adverse_action_reasons"},
    "aml-copilot": {"false_positive_rate", "false_negative_rate"},
    "customer-service": {"fee_accuracy", "escalation"},
}
