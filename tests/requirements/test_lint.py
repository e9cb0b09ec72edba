from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from evidence.models import Citation
from evidence.vocabulary import Layer, RiskTier
from requirements.drafts import Comparator, CriterionDraft, RequirementDraft
from requirements.lint import lint_requirement, lint_statement
from requirements.starter import read_starter
from requirements.yaml_import import parse_requirement_file

CRITERION = CriterionDraft(
    key="c",
    check="answers.confidence_and_limits",
    parameters={"looks": "continuous"},
    comparator=Comparator.AT_LEAST,
    threshold=0.8,
    unit="share",
    min_n=30,
    max_age_days=90,
    bound_confidence=0.95,
    slices=(),
)
DRAFT = RequirementDraft(
    key="r",
    statement={"en": "Each answer must carry its limitations."},
    rationale="",
    risk_tier=RiskTier.HIGH,
    layer=Layer.PRODUCT,
    owner="o",
    review_every_days=180,
    criteria=(CRITERION,),
)


def codes(**change: Any) -> list[str]:
    return [warning.code for warning in lint_requirement(dataclasses.replace(DRAFT, **change))]


def test_a_requirement_that_can_be_checked_has_no_warning() -> None:
    assert codes() == []


def test_explainable_is_answered_with_how_to_split_it() -> None:
    (warning,) = lint_statement("The system must be explainable.")
    assert warning.code == "not_testable"
    for draft in parse_requirement_file(read_starter(), "baseline.yaml").requirements:
        assert f"{draft.key}: " in warning.suggestion
        assert f"({draft.criteria[0].check})" in warning.suggestion


def test_chinese_is_answered_in_chinese() -> None:
    (warning,) = lint_statement("系统必须具有可解释性。", "zh-Hans")
    assert warning.code == "not_testable"
    assert "拆分" in warning.suggestion


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The system must be fair.", "not_testable"),
        ("The system must give helpful answers.", "vague"),
        ("Answers must be given in a timely manner.", "no_number"),
        ("The system should show its sources.", "weak_modal"),
        ("The system must cite sources and must log each tool call.", "several"),
        ("The system must cite sources and log each tool call.", "several"),
        ("Answers must carry limits and/or a warning.", "several"),
        ("Sources everywhere", "no_obligation"),
        ("The session must end after TBD minutes.", "placeholder"),
    ],
)
def test_each_weakness_is_named(text: str, code: str) -> None:
    assert code in [warning.code for warning in lint_statement(text)]


def test_a_requirement_nobody_can_check_says_so() -> None:
    assert codes(criteria=()) == ["no_criterion"]


def test_a_threshold_no_sample_can_reach_is_named_with_the_number_it_takes() -> None:
    metric = dataclasses.replace(CRITERION, check="evals.metric", parameters={})
    short = dataclasses.replace(metric, threshold=0.95, min_n=12)
    (warning,) = lint_requirement(dataclasses.replace(DRAFT, criteria=(short,)))
    assert warning.code == "underpowered"
    assert "59" in warning.suggestion
    assert codes(criteria=(dataclasses.replace(CRITERION, threshold=1.0),)) == ["out_of_reach"]
    planned = dataclasses.replace(metric, threshold=0.95, min_n=59, parameters={"planned_runs": 3})
    (warning,) = lint_requirement(dataclasses.replace(DRAFT, criteria=(planned,)))
    assert "80" in warning.suggestion
    traces = dataclasses.replace(CRITERION, threshold=0.95, min_n=59)
    (warning,) = lint_requirement(dataclasses.replace(DRAFT, criteria=(traces,)))
    assert "set min_n to 96 or more" in warning.suggestion
    at_most = dataclasses.replace(CRITERION, comparator=Comparator.AT_MOST, threshold=0.05, min_n=12)
    assert codes(criteria=(at_most,)) == ["underpowered"]


@pytest.mark.parametrize(
    ("comparator", "threshold", "unit", "fails"),
    [
        (Comparator.AT_LEAST, 0.0, "share", False),
        (Comparator.AT_MOST, 1.0, "share", False),
        (Comparator.AT_LEAST, -1.0, "difference", False),
        (Comparator.AT_LEAST, -0.1, "difference", True),
        (Comparator.AT_LEAST, 0.0, "points", True),
        (Comparator.AT_LEAST, 0.01, "share", True),
    ],
)
def test_a_threshold_that_nothing_misses_is_named(
    comparator: Comparator, threshold: float, unit: str, fails: bool
) -> None:
    asked = dataclasses.replace(CRITERION, comparator=comparator, threshold=threshold, unit=unit)
    assert ("cannot_fail" in codes(criteria=(asked,))) is not fails


def test_a_share_of_all_there_is_is_named() -> None:
    verdicts = [verdict.value for verdict in Citation.Verdict]
    share = dataclasses.replace(CRITERION, check="citations.verdict_share", threshold=0.9)
    for listed, expected in ((verdicts, True), (verdicts[:-1], False)):
        asked = dataclasses.replace(share, parameters={"verdicts": listed, "looks": "continuous"})
        assert ("cannot_fail" in codes(criteria=(asked,))) is expected


def test_a_bound_that_is_hardly_one_is_named() -> None:
    assert codes(criteria=(dataclasses.replace(CRITERION, bound_confidence=0.9),)) == []
    (warning,) = lint_requirement(
        dataclasses.replace(DRAFT, criteria=(dataclasses.replace(CRITERION, bound_confidence=0.55),))
    )
    assert (warning.code, "45%" in warning.message) == ("hardly_sure", True)


def test_a_criterion_on_traces_that_does_not_say_how_often_it_is_looked_at_is_told_to() -> None:
    unsaid = dataclasses.replace(CRITERION, parameters={})
    statement = {**DRAFT.statement, "zh-Hans": "每个回答必须附有局限说明。"}
    english, chinese = lint_requirement(dataclasses.replace(DRAFT, criteria=(unsaid,), statement=statement))
    assert english.code == chinese.code == "looks_unsaid"
    assert english.where == chinese.where == "criteria.c.parameters.looks"
    assert "without a failure it takes 22 independent units" in english.message
    assert "22 个独立单元" in chinese.message
    for warning in (english, chinese):
        assert "parameters: {looks: continuous}" in warning.suggestion


def test_evidence_that_never_ages_is_doubted_where_risk_is_high() -> None:
    ageless = dataclasses.replace(CRITERION, max_age_days=None)
    assert codes(criteria=(ageless,)) == ["never_stale"]
    assert codes(criteria=(ageless,), risk_tier="low") == []


def test_the_starter_baseline_passes_its_own_lint() -> None:
    parsed = parse_requirement_file(read_starter(), "baseline.yaml")
    assert [warning for draft in parsed.requirements for warning in lint_requirement(draft)] == []


def test_a_mean_of_times_is_told_to_be_a_percentile_and_a_percentile_how_many_it_takes() -> None:
    mean = dataclasses.replace(
        CRITERION,
        check="evals.metric",
        parameters={},
        comparator=Comparator.AT_MOST,
        threshold=900.0,
        unit="ms",
        min_n=58,
    )
    assert codes(criteria=(mean,)) == ["mean_of_a_tail"]
    percentile = dataclasses.replace(mean, parameters={"percentile": 95})
    assert codes(criteria=(percentile,)) == ["underpowered"]
    assert codes(criteria=(dataclasses.replace(percentile, min_n=59),)) == []
