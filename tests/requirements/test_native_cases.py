"""Eval files as they come, each with a trap in it, and the verdict that a statistician would stand by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evidence import clock
from evidence.digests import sha256_hex
from evidence.evals.contracts import EvalFileError
from evidence.evals.formats.native import parse_file
from evidence.models import ArtefactKind, EvalRun, EvalScore, Reject
from evidence.services import registry
from evidence.services.evals import EvalFileRefused
from evidence.statistics import clopper_pearson, two_sided
from requirements.models import Assessment
from requirements.services.assessment import assess, replay_assessment
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, acting, retract
from tests.requirements.builders import make_criterion

pytestmark = pytest.mark.django_db
CASES = Path(__file__).parent / "data" / "native_evals"


def case(name: str) -> bytes:
    """Return a file as it came, but for the system it is about."""
    return (CASES / f"{name}.json").read_bytes().replace(b'"bank-ci"', b'"credit-assistant"')


def push(world: World, name: str) -> EvalRun:
    """Post a case and vouch for what it was measured with."""
    run = post(world, case(name)).run
    for version in (run.suite, run.evaluator, run.dataset):
        registry.register_version(principal=acting("user:ann"), version=version)
    return run


def judged(
    world: World, *, key: str = "r", metric: str = "accuracy", more: str = "", **asked: Any
) -> Assessment:
    """Judge the metric of the suite by a criterion that does not grow old."""
    criterion = make_criterion(
        world,
        key=key,
        check="evals.metric",
        parameters=f"{{suite: {{key: behaviour}}, metric: {metric}{more}}}",
        **{"min_n": 1, "max_age_days": 3650, **asked},
    )
    return assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")


def recent(assessment: Assessment) -> dict[str, Any]:
    inputs: dict[str, Any] = assessment.inputs["measured"][0]["recent"]["inputs"]
    return inputs


@pytest.mark.parametrize(
    ("name", "threshold", "value", "units", "missing", "says"),
    [
        ("epochs-as-samples", 0.90, 0.96, 25, {}, "n 100 in 25 units"),
        ("claims-of-25-traces", 0.90, 0.96, 25, {}, "n 100 in 25 units"),
        (
            "errors-ten-percent",
            0.85,
            0.8889,
            100,
            {"errored": 10},
            "10 of 100 samples are missing: 10 errored",
        ),
        (
            "errors-under-the-limit",
            0.94,
            0.9635,
            400,
            {"errored": 16},
            "the 16 that are missing could decide it",
        ),
        ("judge-crashes-on-the-hard-half", 0.85, 0.95, 76, {"unscored": 36}, "36 of 76 samples are missing"),
        ("just-under-threshold", 0.935, 0.93, 200, {}, "more units would settle it"),
        (
            "limited-25-of-1000",
            0.90,
            1.0,
            1000,
            {"absent": 975},
            "975 of 1000 samples are missing: 975 absent",
        ),
        ("nan-constants", 0.90, 1.0, 46, {"rejected": 6}, "6 of 46 samples are missing: 6 rejected"),
        ("score-absent", 0.90, 1.0, 60, {"absent": 30}, "30 of 60 samples are missing: 30 absent"),
        (
            "outcomes",
            0.90,
            0.5,
            9,
            {"errored": 2, "unscored": 1, "rejected": 4},
            "2 errored, 1 unscored, 4 rejected",
        ),
        ("rerun-1", 0.90, 0.88, 100, {}, "more units would settle it"),
    ],
)
def test_what_is_not_known_is_insufficient_and_says_what_would_settle_it(
    world: World, name: str, threshold: float, value: float, units: int, missing: dict[str, int], says: str
) -> None:
    push(world, name)
    assessment = judged(world, threshold=threshold)
    assert assessment.verdict == "insufficient"
    assert assessment.value == pytest.approx(value, abs=1e-4)
    assert recent(assessment)["estimate"]["n_units"] == units
    assert recent(assessment)["missing"] == missing
    assert says in assessment.detail
    assert replay_assessment(assessment).agrees


def test_without_its_errors_the_same_run_would_pass(world: World) -> None:
    """384 samples alone pass at 0.94; it is the sixteen errors that could decide it."""
    document = json.loads(case("errors-under-the-limit"))
    document["samples"] = [
        each for each in document["samples"] if each["scores"]["accuracy"]["value"] is not None
    ]
    run = post(world, json.dumps(document).encode()).run
    for version in (run.suite, run.evaluator, run.dataset):
        registry.register_version(principal=acting("user:ann"), version=version)
    assert judged(world, threshold=0.94).verdict == "met"


def test_a_slice_whose_only_samples_errored_is_not_known(world: World) -> None:
    push(world, "errors-all-in-one-slice")
    assert judged(world, key="whole", threshold=0.90).verdict == "met"
    sliced = judged(world, key="sliced", threshold=0.90, slices="[{language: en}, {language: zh-Hans}]")
    assert sliced.verdict == "insufficient"
    assert [part["verdict"] for part in sliced.slices] == ["met", "insufficient"]
    assert "all 3 samples of run behaviour-1 are missing: 3 errored" in sliced.detail


def test_a_mean_with_a_long_tail_asks_for_a_percentile_which_answers(world: World) -> None:
    push(world, "latency-heavy-tail")
    mean = judged(
        world, key="mean", metric="latency", comparator="at_most", threshold="900\n        unit: ms"
    )
    assert mean.verdict == "insufficient"
    assert "ask for a percentile" in mean.detail
    median = judged(
        world, key="median", metric="latency", more=", percentile: 50", comparator="at_most",
        threshold="900\n        unit: ms",
    )  # fmt: skip
    assert median.verdict == "met"
    assert median.value == pytest.approx(329.9, abs=10)
    most = judged(
        world, key="most", metric="latency", more=", percentile: 99", comparator="at_most",
        threshold="90000\n        unit: ms",
    )  # fmt: skip
    assert most.verdict == "insufficient"  # sixty values have no upper bound of their 99th percentile


def test_a_metric_that_is_declared_twice_is_refused(world: World) -> None:
    with pytest.raises(EvalFileRefused, match="the key 'accuracy' appears twice"):
        post(world, case("metric-twice"))


# --- The faults, in the smallest form ---------------------------------------------------------------------------
def settled(world: World, values: Sequence[float | None], threshold: float, **over: Any) -> Assessment:
    register_eval_versions(world)
    post(world, eval_file(values, **over))
    return judged(world, metric="grounded", threshold=threshold)


def test_eighty_eight_of_a_hundred_are_not_known_to_miss_ninety(world: World) -> None:
    assert settled(world, [1.0] * 88 + [0.0] * 12, 0.90).verdict == "insufficient"


def test_eighty_of_a_hundred_are(world: World) -> None:
    assert settled(world, [1.0] * 80 + [0.0] * 20, 0.90).verdict == "not_met"


@pytest.mark.parametrize(("n", "threshold"), [(11, 0.8), (25, 0.9), (52, 0.95), (133, 0.98), (268, 0.99)])
def test_as_many_as_wilson_asked_for_are_too_few(world: World, n: int, threshold: float) -> None:
    """At the threshold they come out without a failure in 6.8 to 8.6 of 100 cases, where 5 are promised."""
    assert threshold**n > 0.065
    assert settled(world, [1.0] * n, threshold).verdict == "insufficient"


def test_forty_errors_among_a_thousand_keep_it_from_passing(world: World) -> None:
    values = [1.0] * 925 + [0.0] * 35 + [None] * 40
    assert settled(world, values, 0.95).verdict == "insufficient"


def test_a_metric_may_be_said_not_to_apply(world: World) -> None:
    """The author says so in the criterion, which a second person approves; the file alone does not."""
    push(world, "score-absent")
    applies = judged(world, key="there", threshold=0.90, more=", unmentioned: not_applicable")
    assert (applies.verdict, applies.n, recent(applies)["missing"]) == ("met", 30, {})


def test_a_tolerance_makes_no_pass(world: World) -> None:
    push(world, "errors-under-the-limit")
    for share in (0.03, 0.5, 1.0):
        asked = judged(
            world, key=f"r{round(100 * share)}", threshold=0.94, more=f", max_missing_share: {share}"
        )
        assert asked.verdict == "insufficient"


def test_what_was_pushed_and_what_is_judged_have_one_bound(world: World) -> None:
    """With units, errors and absent samples, and in a slice."""
    push(world, "errors-all-in-one-slice")
    stored = EvalScore.objects.get(metric="accuracy", slice={})
    assessment = judged(world, threshold=0.90, slices="[{language: en}]")
    assert (stored.low, stored.high, stored.value) == (assessment.low, assessment.high, assessment.value)
    part = EvalScore.objects.get(metric="accuracy", slice={"language": "en"})
    assert (part.low, part.high) == (assessment.slices[0]["low"], assessment.slices[0]["high"])


def test_of_slices_that_are_not_known_the_one_furthest_from_it_is_told(world: World) -> None:
    """Else it says that some 60 more would settle it, of a slice beside one that takes hundreds."""
    values = [1.0] * 55 + [0.0] * 5 + [1.0] * 50 + [0.0] * 10
    named = [{"language": "en"}] * 60 + [{"language": "de"}] * 60
    register_eval_versions(world)
    post(world, eval_file(values, slices=named))
    found = judged(world, metric="grounded", threshold=0.84, slices="[{language: en}, {language: de}]")
    assert [part["verdict"] for part in found.slices] == ["insufficient", "insufficient"]
    assert found.detail.startswith("in language=de:")


@pytest.mark.parametrize(("parts", "verdict"), [(1, "insufficient"), (9, "not_met")])
def test_of_many_slices_one_that_fails_by_chance_fails_nothing(
    world: World, parts: int, verdict: str
) -> None:
    """Of nine parts at the threshold, each failing at 5 % by itself, one fails in a third of all runs."""
    sure = two_sided(1 - 0.05 / parts)
    worst = max(k for k in range(100) if clopper_pearson(k, 100, sure)[1] < 0.9)
    tiers = [f"tier-{number}" for number in range(8)]
    values = [1.0] * worst + [0.0] * (100 - worst) + 7 * ([1.0] * 93 + [0.0] * 7)
    register_eval_versions(world)
    post(world, eval_file(values, slices=[{"tier": tier} for tier in tiers for _ in range(100)]))
    listed = ", ".join(f"{{tier: {tier}}}" for tier in tiers)
    found = judged(world, metric="grounded", threshold=0.9, slices=f"[{listed}]")
    assert found.slices[0]["verdict"] == found.verdict == verdict


# --- No observation at all, told apart --------------------------------------------------------------------------
def test_a_refused_file_an_empty_run_and_all_samples_rejected_are_told_apart(world: World) -> None:
    register_eval_versions(world)
    with pytest.raises(EvalFileRefused):
        post(world, b"{}")
    nothing = judged(world, key="nothing", metric="grounded")
    assert "no run of suite behaviour on this release is on record" in nothing.detail
    assert "an eval file could not be read, nor what it is of" in nothing.detail
    post(world, eval_file([]))
    assert "run run-1 holds no sample here" in judged(world, key="empty", metric="grounded").detail
    post(world, eval_file([7.0] * 3, run_key="run-2"))
    rejected = judged(world, key="rejected", metric="grounded")
    assert "all 3 samples of run run-2 are missing: 3 rejected" in rejected.detail
    assert {each.verdict for each in (nothing, rejected)} == {"insufficient"}


# --- What was planned -------------------------------------------------------------------------------------------
def test_what_is_absent_is_told_to_whoever_pushed(world: World) -> None:
    dataset = {"key": "tasks", "label": "1", "samples": 20}
    document = json.loads(eval_file([1.0] * 30, dataset=dataset, planned={"epochs": 2, "limit": 15}))
    for index, sample in enumerate(document["samples"]):
        sample["id"] = f"{index // 2}#{index % 2}"
    run = post(world, json.dumps(document).encode()).run
    score = EvalScore.objects.get(run=run, slice={})
    assert score.low is not None
    assert score.low < 30 / 40
    told = Reject.objects.get(source_ref=run.run_key)
    assert told.code == "absent"
    assert told.detail.startswith("10 of the 40 planned samples are not in the file (2 attempts at each item")


def test_the_easy_half_twice_is_not_the_whole(world: World) -> None:
    """50 items of 100, two attempts at each: 100 samples, and half of the dataset is absent."""
    dataset = {"key": "tasks", "label": "1", "digest": sha256_hex(b"tasks"), "samples": 100}
    document = json.loads(eval_file([1.0] * 100, dataset=dataset))
    for index, sample in enumerate(document["samples"]):
        sample["id"] = f"{index // 2}#{index % 2}"
    post(world, json.dumps(document).encode())
    found = judged(world, key="half", metric="grounded", at_least=0.80)
    assert found.verdict == "insufficient"
    assert "50 absent" in found.detail


def test_what_another_run_had_of_the_dataset_is_missing_whatever_the_file_says(world: World) -> None:
    """25 of the 40 items that a run of another release had, with a plan that says there are 25."""
    register_eval_versions(world)
    tasks = {"key": "tasks", "label": "1", "digest": sha256_hex(b"tasks")}
    post(world, eval_file([1.0] * 25, run_key="first", dataset={**tasks, "samples": 25}))
    assert judged(world, key="before", metric="grounded", at_least=0.80).verdict == "met"
    whole = post(world, eval_file([1.0] * 40, run_key="whole", dataset=tasks, release=None), release=None).run
    found = judged(world, key="after", metric="grounded", at_least=0.80)
    assert found.verdict == "insufficient"
    assert "run first has 25 items, and run whole has 40 of the same version of the dataset" in found.detail
    assert replay_assessment(Assessment.objects.get(criterion__version__requirement__key="before")).agrees
    retract(whole)
    assert judged(world, key="retracted", metric="grounded", at_least=0.80).verdict == "met"


def test_fewer_attempts_at_all_items_are_no_smaller_dataset(world: World) -> None:
    register_eval_versions(world)
    document = json.loads(eval_file([1.0] * 60, run_key="twice", release=None))
    for index, sample in enumerate(document["samples"]):
        sample["id"] = f"{index // 2}#{index % 2}"
    post(world, json.dumps(document).encode())
    post(world, eval_file([1.0] * 30, run_key="once"))
    assert judged(world, key="once", metric="grounded", at_least=0.80).verdict == "met"


def test_attempts_that_no_name_tells_are_no_items(world: World) -> None:
    """100 names of 25 items, four attempts at each: which are of one item, nobody says."""
    dataset = {"key": "tasks", "label": "1", "digest": sha256_hex(b"tasks"), "samples": 25}
    run = post(world, eval_file([1.0] * 100, dataset=dataset, planned={"epochs": 4})).run
    assert (
        "4 attempts at each item, each named ITEM#ATTEMPT"
        in Reject.objects.get(source_ref=run.run_key).detail
    )
    assert judged(world, key="untold", metric="grounded", at_least=0.80).verdict == "insufficient"


def test_a_limited_run_of_a_dataset_of_unknown_size_is_no_pass(world: World) -> None:
    assessment = settled(world, [1.0] * 60, 0.90, planned={"limit": 60})
    assert assessment.verdict == "insufficient"
    assert "nobody says how many samples the dataset has" in assessment.detail


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({"planned": {"limit": 0}}, "planned.limit: must be a whole number from 1"),
        ({"planned": {"epoch": 2}}, "did you mean 'epochs'"),
        (
            {"dataset": {"key": "tasks", "label": "1", "samples": True}},
            "dataset.samples: must be a whole number",
        ),
        ({"dataset": {"key": "tasks", "label": "1", "sample": 3}}, "did you mean 'samples'"),
    ],
)
def test_a_plan_that_cannot_be_read_is_refused(over: dict[str, Any], says: str) -> None:
    with pytest.raises(EvalFileError) as refused:
        parse_file(eval_file(**over))
    assert says in str(refused.value)


def test_the_version_of_a_dataset_is_the_same_whatever_its_size_is_said_to_be(world: World) -> None:
    one = post(world, eval_file(dataset={"key": "tasks", "label": "1", "samples": 30})).run
    other = post(world, eval_file(run_key="run-2")).run
    assert one.dataset.artefact.kind == ArtefactKind.DATASET
    assert one.dataset.artefact == other.dataset.artefact
