"""Versions of gates as they stood at a time: where each is in its life, and which one decides (`proposals`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from evidence.clock import AsOf
from evidence.models import (
    ArtefactKind,
    ArtefactVersion,
    GateDecision,
    GateState,
    Registration,
    Release,
    System,
)
from evidence.selectors import proposals


@dataclass(frozen=True, slots=True)
class GateStanding:
    """Since when a version of a gate decides, or did, and by whom."""

    state: GateState  # approved, or adopted
    proposed_by: tuple[str, ...]  # actors; of an adopted version, who put it on record
    approved_by: str | None  # actor; None: adopted, so nobody did
    since: datetime  # of an adopted version, since it was put on record

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "state": self.state.value,
            "proposed_by": list(self.proposed_by),
            "approved_by": self.approved_by,
            "since": self.since.isoformat(),
        }


def with_standing(versions: QuerySet[ArtefactVersion], as_of: AsOf | None = None) -> QuerySet[Any]:
    """Annotate versions of gates as `proposals.with_standing` does."""
    return proposals.with_standing(versions, ArtefactKind.GATE, as_of)


def find_deciding(system: System, key: str, as_of: AsOf | None = None) -> ArtefactVersion | None:
    """Return the version of a gate that decided at a time, by default now; None where none did."""
    return proposals.find_deciding(system, ArtefactKind.GATE, key, as_of)


def standing_of(version: ArtefactVersion) -> GateStanding | None:
    """Return since when a version decides, or did, and by whom; None where it never did.

    Reads `gate_transitions` and `registration`, which lists fetch beforehand.
    """
    approval = next(
        (move for move in proposals.transitions_of(version) if move.to_state == GateState.APPROVED), None
    )
    if approval is not None:
        return GateStanding(
            GateState.APPROVED, tuple(proposals.proposers_of(version)), approval.by, approval.at
        )
    registration = getattr(version, "registration", None)
    if registration is None or registration.basis != Registration.Basis.ADOPTED:
        return None
    return GateStanding(GateState.ADOPTED, (registration.registered_by,), None, registration.created_at)


def find_reason(
    release: Release, *, criterion_ref: str, inputs_digest: str, as_of: AsOf
) -> Mapping[str, Any] | None:
    """Return what the newest decision on record then said of a criterion, drawn from these inputs; None: none did."""
    named = {"criterion": criterion_ref, "inputs_digest": inputs_digest}
    decisions = GateDecision.objects.filter(
        as_of.knew("decided_at"), release=release, reasons__contains=[named]
    )
    decision = decisions.order_by("-decided_at", "-pk").first()
    reasons: list[Mapping[str, Any]] = decision.reasons if decision else []
    return next((each for each in reasons if named.items() <= each.items()), None)
