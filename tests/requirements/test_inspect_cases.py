"""What a gate makes of runs that broke off, errored, were limited or taken back: never a pass, and it says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evidence import clock
from evidence.evals.contracts import VersionClaim
from evidence.evals.measurements import Said
from evidence.models import EvalRun
from evidence.services import evals, registry
from evidence.services.gates import CriterionReference, decide_gate, replay_gate_decision
from requirements.models import Assessment
from requirements.services.assessment import assess, replay_assessment
from tests.evidence.eval_files import MODEL_DIGEST
from tests.factories import World, acting, define_gate
from tests.requirements.builders import make_criterion

pytestmark = pytest.mark.django_db
DATA = Path(__file__).parent.parent / "evidence" / "data"
FEWEST = {"threshold": 0.001, "min_n": 1, "max_age_days": 3650}


def push(world: World, raw: bytes, **said: Any) -> EvalRun:
    """Post a file and vouch for what it was measured with."""
    poster = Said(release="r1", model=VersionClaim("mockllm/model", None, MODEL_DIGEST), **said)
    with evals.posted_file([raw]) as posted:
        (recorded,) = evals.record_eval_file(
            principal=acting("token:ci"), system=world.system, posted=posted, format_name=None, poster=poster
        )
    run = recorded.run
    for version in (run.suite, run.evaluator, run.dataset):
        registry.register_version(principal=acting("user:ann"), version=version)
    return run


def log(name: str) -> bytes:
    return (DATA / "inspect_logs" / name).read_bytes()


def judged(world: World, run: EvalRun, metric: str, more: str = "", **asked: Any) -> Assessment:
    criterion = make_criterion(
        world,
        check="evals.metric",
        parameters=f"{{suite: {{key: {run.suite.artefact.key}}}, metric: {metric}{more}}}",
        **{**FEWEST, **asked},
    )
    return assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")


@pytest.mark.parametrize(
    ("name", "metric", "says"),
    [
        ("all-errored.eval", "match", "all 8 samples of run"),
        ("unfinished.eval", "letters", "its status is started"),
        ("limited.eval", "letters", "5 of 8 samples are missing: 5 absent"),
    ],
)
def test_a_run_that_is_not_whole_is_never_a_pass_at_any_threshold(
    world: World, name: str, metric: str, says: str
) -> None:
    run = push(world, log(name))
    assessment = judged(world, run, metric, ", max_missing_share: 0.05")
    assert assessment.verdict == "insufficient"
    assert says in assessment.detail
    assert replay_assessment(assessment).agrees


@pytest.mark.parametrize(
    ("name", "metric", "verdict", "units"),
    [
        ("letters.eval", "letters", "met", 8),
        ("two-epochs.eval", "match", "insufficient", 8),
        ("three-reducers.eval", "match", "met", 4),
    ],
)
def test_a_run_that_is_whole_is_judged_on_its_items(
    world: World, name: str, metric: str, verdict: str, units: int
) -> None:
    assessment = judged(world, push(world, log(name)), metric)
    assert assessment.verdict == verdict, assessment.detail
    assert assessment.inputs["measured"][0]["recent"]["inputs"]["estimate"]["n_units"] == units
    assert replay_assessment(assessment).agrees


def test_what_bears_on_the_run_that_decides_is_named_in_the_decision(world: World) -> None:
    run = push(world, log("edited.eval"))
    judged(world, run, "letters")
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    decision = decide_gate(
        principal=acting("token:ci"), system=world.system, gate="release", release=world.release
    )
    (note,) = decision.reasons[0]["runs"]
    assert "dirty: the code that ran was not that of commit f1b5689" in note["detail"]
    assert "edited: 1 samples" in note["detail"]
    assert replay_gate_decision(decision).agrees


def test_a_run_that_its_own_people_took_back_decides_nothing(world: World) -> None:
    document = json.loads((DATA / "inspect_logs" / "small.json").read_text(encoding="utf-8"))
    run = push(world, json.dumps({**document, "invalidated": True}).encode())
    assessment = judged(world, run, "match")
    assert assessment.verdict == "insufficient"
    assert "is not to be used" in assessment.detail


def test_a_criterion_selects_the_tests_of_a_requirement(world: World) -> None:
    rows = [
        "id,score,requirement",
        *(f"a{n},1,REQ-12" for n in range(40)),
        *(f'b{n},0,"REQ-13,REQ-14"' for n in range(40)),
    ]
    claim = VersionClaim("fees", "1", None)
    run = push(
        world, "\n".join(rows).encode(), suite=claim, evaluator=claim, dataset=claim, commit="4b1d46ee",
        observed_from=clock.now(), observed_to=clock.now(),
    )  # fmt: skip
    asked = {"threshold": 0.9, "min_n": 20}
    assert judged(world, run, "score", ", requirement: REQ-12", key="r12", **asked).verdict == "met"
    other = judged(world, run, "score", ", requirement: REQ-14", key="r14", **asked)
    assert (other.verdict, other.value) == ("not_met", 0.0)
    assert judged(world, run, "score", ", requirement: REQ-99", key="r99", **asked).verdict == "insufficient"
