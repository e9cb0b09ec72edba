"""What people do at their desks in the demo: approve requirements, freeze a baseline, define gates, review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User

from evidence import clock
from evidence.access import principal_of_user
from evidence.models import Citation, GateState, Review, ReviewTask, System, Trace
from evidence.selectors.deployments import live_at
from evidence.selectors.proposals import state_of as state_of_gate
from evidence.selectors.review_tasks import with_standing
from evidence.services import deployments, registry, reviews
from evidence.services.gates import CriterionReference, propose_gate, settle_gate_proposal
from examples.demo.people import acting
from requirements.models import AcceptanceCriterion, RequirementState, RequirementVersion
from requirements.selectors.links import find_link
from requirements.selectors.requirements import approved_versions, state_of
from requirements.selectors.wording import warning_names
from requirements.services import links
from requirements.services.baselines import freeze_baseline
from requirements.services.transitions import WhatWasRead, transition_requirement

RELEASE_GATE: Final = "release-gate"  # everything the baseline asks
RECORDING_GATE: Final = "recording-gate"  # what is recorded of each answer, whatever the answer is worth
GATES: Final = (RELEASE_GATE, RECORDING_GATE)
RECORDING: Final = (
    "states-confidence-and-limits",
    "records-versions",
    "records-what-it-rests-on",
)  # requirements
ENVIRONMENT: Final = settings.LIVE_ENVIRONMENT  # what is live there, links are compared with
AUTHOR: Final = "ana"
APPROVER: Final = "pia"
REVIEWED: Final = 4  # traces a reviewer judges in each system


@dataclass(frozen=True, slots=True)
class Judged:
    """How many traces the reviewers judged, by decision."""

    decisions: dict[str, int]


def approve_requirements(system: System, baseline: str) -> None:
    """Propose every draft as its author, approve it as somebody else, freeze what is approved; the gates likewise."""
    author, approver = acting(AUTHOR), acting(APPROVER)
    versions = list(
        RequirementVersion.objects.filter(requirement__system=system).select_related(
            "requirement__system", "artefact_version"
        )
    )
    for version in versions:
        if state_of(version) == RequirementState.DRAFT:
            transition_requirement(principal=author, version=version, to_state=RequirementState.IN_REVIEW)
        if state_of(version) == RequirementState.IN_REVIEW:
            transition_requirement(
                principal=approver,
                version=version,
                to_state=RequirementState.APPROVED,
                reason="read with its criteria and what answers to it",
                read=WhatWasRead(
                    version.artefact_version.digest,
                    RequirementState.IN_REVIEW,
                    tuple(warning_names(version)),
                ),
            )
    approved = [version for version in versions if state_of(version) == RequirementState.APPROVED]
    freeze_baseline(principal=author, system=system, name=baseline, versions=approved)
    agree_on_gate(system, RELEASE_GATE, "Release gate", [CriterionReference(baseline=baseline)])
    agree_on_gate(
        system,
        RECORDING_GATE,
        "Recording gate: what is recorded of each answer",
        [CriterionReference(requirement=requirement) for requirement in RECORDING],
    )


def agree_on_gate(system: System, key: str, name: str, references: list[CriterionReference]) -> None:
    """Propose what a gate asks for as the author, and approve it as somebody else, unless it asks for that already."""
    version = propose_gate(principal=acting(AUTHOR), system=system, key=key, name=name, references=references)
    if state_of_gate(version) == GateState.PROPOSED:
        settle_gate_proposal(
            principal=acting(APPROVER), version=version, to_state=GateState.APPROVED, reason="starter gate"
        )


def read_thresholds(system: System) -> dict[str, float]:
    """Return the threshold of each approved criterion of a system, in the criterion's unit."""
    criteria = AcceptanceCriterion.objects.filter(version__in=approved_versions(system, clock.read_moment()))
    return {str(each): each.threshold for each in criteria.select_related("version__requirement")}


def register_instrument(system: System, *, kind: str, key: str, digest: str) -> None:
    """Vouch for a suite, evaluator or dataset, as somebody who did not put it on record: only registered ones count."""
    version = registry.find_version(system, kind=kind, key=key, digest=digest)
    registry.register_version(
        principal=acting(APPROVER), version=version, reason="reviewed for the release gate"
    )


def put_live(system: System, release: str) -> None:
    """Record that the release is live, unless it is."""
    found, now = registry.find_release(system, release), datetime.now(UTC)
    live = live_at(system=system, environment=ENVIRONMENT, at=now)
    if live is None or live.release != found:
        deployments.record_deployment(
            principal=acting(AUTHOR),
            system=system,
            environment=ENVIRONMENT,
            release=found,
            effective_from=now,
        )


def clear_link(system: System, link: Mapping[str, Any], *, reason: str) -> None:
    """Say that a suspect link holds, as the approver, who did not make the change.

    Args:
        link: as `GET /links/standing` shows it, with the digests of the versions that were looked at.
    """
    links.clear_link(
        principal=acting(APPROVER),
        link=find_link(system, link["id"]),
        reason=reason,
        upstream=link["upstream"]["digest"],
        downstream=link["downstream"]["digest"],
    )


def review_some(system: System, reviewers: list[User]) -> Judged:
    """Judge a few of the open traces by what the citations show, as a hurried but honest reviewer would.

    The second reviewer sees the first answer that takes two otherwise, and the third settles it.

    Args:
        reviewers: three.
    """
    first, second, third = reviewers
    waiting = ReviewTask.objects.filter(system=system, reviews__isnull=True).select_related("trace__system")
    tasks = with_standing(waiting).filter(is_open=True)
    decisions: dict[str, int] = {}
    is_settled = False
    for number, task in enumerate(tasks.order_by("due_at", "pk")[:REVIEWED]):
        said = [_judge(task.trace, first, number)]
        if task.reviews_required > 1:
            said.append(_judge(task.trace, second, number) if is_settled else _doubt(task.trace, second))
        if len({review.decision for review in said}) > 1:
            _settle(task, third)
            is_settled = True
        for review in said:
            decisions[review.decision] = decisions.get(review.decision, 0) + 1
    return Judged(decisions)


def _doubt(trace: Trace, reviewer: User) -> Review:
    return reviews.record_review(
        principal=principal_of_user(reviewer),
        trace=trace,
        decision="escalate",
        reason_code="unclear",
        rationale="The passage allows an exception; whether it applies here, the policy's owner has to say.",
    )


def _settle(task: ReviewTask, reviewer: User) -> None:
    reviews.adjudicate(
        principal=principal_of_user(reviewer),
        task=task,
        decision="override",
        rationale="The exception is the owner's to grant, so the answer has to say that it was not asked for.",
        corrected_answer="The cited policy applies. Only its owner grants an exception, and none was asked for.",
    )


def _judge(trace: Trace, reviewer: User, number: int) -> Review:
    principal = principal_of_user(reviewer)
    found = {Citation.Verdict.VERBATIM, Citation.Verdict.NORMALISED, Citation.Verdict.FUZZY}
    verdicts = set(Citation.objects.filter(claim__trace=trace).values_list("verdict", flat=True))
    if verdicts and verdicts <= found:
        return reviews.record_review(
            principal=principal, trace=trace, decision="approve", rationale="quotes checked"
        )
    if number % 2:
        return reviews.record_review(
            principal=principal,
            trace=trace,
            decision="override",
            reason_code="unsupported_claim",
            rationale="The answer is not borne out by the passage it names.",
            corrected_answer="Please refer to the cited policy; the copilot's answer could not be confirmed.",
        )
    return reviews.record_review(
        principal=principal,
        trace=trace,
        decision="reject",
        reason_code="wrong_citation" if verdicts else "unsupported_claim",
        rationale="No quote supports what is claimed.",
    )
