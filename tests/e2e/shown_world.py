"""A bank's assistant as people work on it, for pictures: what is on record came by the services, and some waits."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from django.utils import timezone

from evidence import clock
from evidence.models import Role
from evidence.services import evals, gates, reviews
from evidence.services.gates import CriterionReference
from requirements import starter
from requirements.selectors.requirements import approved_versions
from requirements.services.assessment import assess_release
from requirements.services.requirements import import_requirements, save_requirement
from requirements.yaml_import import parse_requirement_file
from tests.e2e.cases import make_task
from tests.evidence.binder_world import eval_file, make_finding
from tests.evidence.test_log_api import publish
from tests.factories import World, acting, define_gate, deploy, make_world, second_release
from tests.requirements.builders import AUTHOR, approve, make_traces, move

_BASELINE: Final = Path(starter.__file__).with_name("baseline.yaml")
_REWORDED: Final = (
    b"in which its quote is found.",
    b"of the pinned index in which its quote is found word for word.",
)
_ANSWERS: Final = 120
_WAITING: Final = ("en", "zh-Hans", "en", "en")  # languages of the answers that wait for people


def shown_world() -> World:
    """Return the system, with requirements, answers, tests, a gate, a waiver asked for, reviews and a finding."""
    world = make_world()
    _require(world)
    make_traces(
        world, _ANSWERS, age=timedelta(hours=5), claims=[("verbatim", 1.0)], policy=["prohibited_claims"],
        language="en",
    )  # fmt: skip
    evals.record_eval_run(
        system=world.system, raw=eval_file(), format_name="native", principal=acting(), release="r1"
    )
    _judge(world)
    deploy(world.release)
    _decide(world)
    make_finding(world, Role.SUPPORTING)
    second_release(world)
    publish()
    return world


def _require(world: World) -> None:
    """Import the requirements that every copilot starts with: the last waits for approval, and the first reworded."""
    imported = import_requirements(
        system=world.system,
        source=_BASELINE.read_bytes(),
        file_name="baseline.yaml",
        principal=acting(AUTHOR),
    )
    *agreed, last = imported.requirements
    for each in agreed:
        approve(each.version)
    move(last.version, "in_review", AUTHOR)
    first, *_ = parse_requirement_file(
        _BASELINE.read_bytes().replace(*_REWORDED), "baseline.yaml"
    ).requirements
    author = world.principal("author")
    reworded, _ = save_requirement(principal=author, system=world.system, draft=first)
    move(reworded, "in_review", author.actor)


def _judge(world: World) -> None:
    """Have some answers judged, and leave others waiting."""
    reviewer = world.principal("reviewer")
    for decision, reason in (("approve", ""), ("approve", ""), ("reject", "wrong_citation")):
        task = make_task(world)
        reviews.record_review(principal=reviewer, trace=task.trace, decision=decision, reason_code=reason)
    for language in _WAITING:
        make_task(world, language=language)


def _decide(world: World) -> None:
    """Assess what is approved, ask the gate, and ask for a waiver of the first criterion that it finds unmet."""
    as_of = clock.read_moment()
    versions = approved_versions(world.system, as_of)
    assess_release(principal=acting(), release=world.release, versions=versions, as_of=as_of)
    keys = [version.requirement.key for version in versions]
    define_gate(
        system=world.system, key="release", references=[CriterionReference(requirement=key) for key in keys]
    )
    decision = gates.decide_gate(
        principal=acting(), system=world.system, gate="release", release=world.release
    )
    unmet = next(each for each in decision.reasons if each["verdict"] not in {"met", "waived"})
    gates.ask_waiver(
        principal=world.principal("author"), release=world.release, criterion_ref=unmet["criterion"],
        reason="Too few answers so far: the pilot collects them until the end of the month.",
        expires_at=timezone.now() + timedelta(days=14),
    )  # fmt: skip
