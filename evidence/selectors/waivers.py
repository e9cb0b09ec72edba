"""Reading waivers: which are in force at a moment, which are asked for, and which criteria can be waived at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Case, F, QuerySet, Value, When

from evidence.clock import AsOf
from evidence.models import GateDecision, Release, Waiver, WaiverRequest
from evidence.statistics import End, judge_bounds
from evidence.vocabulary import CriterionVerdict

WAITING: Final = "waiting"
STATES: Final = (WAITING, "granted", "declined", "withdrawn")  # of a requested waiver
# What more observations alone would settle: no worse than any other reason for which a criterion is not known to hold.
_MERELY_FEW: Final = frozenset({"too_few_to_tell", "too_few_observations", "no_interval"})


def waivers_in_force(release: Release, as_of: AsOf) -> QuerySet[Waiver]:
    """Return the waivers of a release that are in force at `as_of`, in the order in which they were granted."""
    in_force = Waiver.objects.filter(as_of.knew("created_at"), release=release, expires_at__gt=as_of.at)
    return in_force.select_related("request__decision").order_by("pk")


def covers(request: WaiverRequest | None, reason: Mapping[str, Any]) -> bool:
    """Tell whether a waiver that was asked for is of what a criterion came to since: the same question, and no worse.

    A waiver of one version of a requirement says nothing of another. What was waived as not known is no longer waived
    once it is known to fail: neither by its verdict, nor by bounds that miss the threshold where something else keeps
    them from counting (a run beyond the plan, say). Nor is it waived where it is not known for another reason: too few
    samples were accepted, and not a newer run that lacks the metric or measured another model.

    Args:
        request: None: of a waiver from before they were asked for on record, which covers whatever the criterion says.
        reason: what a decision says of the criterion. Where only its verdict is at hand, its code is left out.
    """
    return request is None or any(_is_no_worse(reason, waived) for waived in _waived_by(request, reason))


def covers_by_verdict(request: WaiverRequest | None, reason: Mapping[str, Any]) -> bool:
    """Tell it as decisions of `gate/4` did, by which a waiver of what was not known covered whatever was not known."""
    return request is None or any(
        waived["verdict"] == CriterionVerdict.NOT_MET or reason["verdict"] != CriterionVerdict.NOT_MET
        for waived in _waived_by(request, reason)
    )


def _waived_by(request: WaiverRequest, reason: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what the decision that a waiver was asked for on says of the same version of the requirement."""
    found = unmet_reasons(request.decision, request.criterion_ref)
    return [waived for waived in found if waived["requirement"] == reason["requirement"]]


def _is_no_worse(reason: Mapping[str, Any], waived: Mapping[str, Any]) -> bool:
    if waived["verdict"] == CriterionVerdict.NOT_MET:
        return True
    if reason["verdict"] == CriterionVerdict.NOT_MET or (_misses(reason) and not _misses(waived)):
        return False
    return "code" not in reason or reason["code"] in {waived.get("code"), *_MERELY_FEW}


def _misses(reason: Mapping[str, Any]) -> bool:
    """Whether the bounds of what was measured miss the threshold, whatever keeps them from counting."""
    measured = reason.get("measured")
    if not measured:
        return False
    higher = measured["comparator"] == "at_least"
    ends = judge_bounds(measured["low"], measured["high"], measured["threshold"], higher_is_better=higher)
    return ends is End.FAIL


def unmet_reasons(decision: GateDecision, criterion_ref: str) -> list[Mapping[str, Any]]:
    """Return what a decision says of a criterion where it is unmet, of each version that its gate asks for."""
    return [
        reason
        for reason in decision.reasons
        if reason["criterion"] == criterion_ref and reason["verdict"] != CriterionVerdict.MET
    ]


def found_since(request: WaiverRequest, decisions: QuerySet[GateDecision]) -> GateDecision | None:
    """Return, of these decisions, the newest of the gate on the release after the one it is asked on."""
    found = decisions.filter(
        release=request.release_id, gate_version__artefact=request.decision.gate_version.artefact_id
    )
    newest = found.order_by("-decided_at", "-pk").first()
    return None if newest is None or newest.pk == request.decision_id else newest


def is_in_force(waiver: Waiver, time: datetime) -> bool:
    """Tell of one waiver on record whether it is in force at a time."""
    return waiver.created_at <= time < waiver.expires_at


def with_state(requests: QuerySet[WaiverRequest]) -> QuerySet[Any]:
    """Annotate requested waivers with `state_now`, one of `STATES`."""
    return requests.annotate(
        state_now=Case(
            When(dismissal__isnull=False, then=F("dismissal__outcome")),
            When(waiver__isnull=False, then=Value("granted")),
            default=Value(WAITING),
        )
    )


def waiting_waivers() -> QuerySet[Any]:
    """Return the requests that nobody has granted, declined or withdrawn, oldest first."""
    return with_state(WaiverRequest.objects.all()).filter(state_now=WAITING).order_by("pk")


def newest_decisions(decisions: QuerySet[GateDecision]) -> QuerySet[GateDecision]:
    """Return, of these decisions, the newest of each gate on each release."""
    newest = decisions.order_by("release_id", "gate_version__artefact_id", "-decided_at", "-pk")
    return GateDecision.objects.filter(
        pk__in=newest.distinct("release_id", "gate_version__artefact_id").values("pk")
    ).select_related("release__system")


def unmet_in(decisions: Iterable[GateDecision]) -> Iterator[tuple[str, GateDecision]]:
    """Yield each criterion that a decision found unmet, with the decision.

    Pins, runs, and references that lead to no criterion are none: no waiver lets a release past those.
    """
    for decision in decisions:
        for reason in decision.reasons:
            if is_criterion(reason) and reason["verdict"] != CriterionVerdict.MET:
                yield reason["criterion"], decision


def is_criterion(reason: Mapping[str, Any]) -> bool:
    """Whether a reason of a decision is of a criterion on record."""
    criterion: str = reason["criterion"]
    named = bool(reason["requirement"]) and criterion.count("/") == 1 and not criterion.endswith("/*")
    return named and reason.get("code") != "unresolved"
