"""Versions of gates as they stood at a time: where each is in its life, and which one decides.

The version approved last decides. A gate of which none was ever approved decides by the newest that was adopted: that
was on record before versions were approved (`Registration.Basis.ADOPTED`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from evidence.clock import AsOf
from evidence.models import ArtefactKind, ArtefactVersion, GateState, GateTransition, Registration, System


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
    """Annotate versions of gates with `state_now`, and with `deciding_id`, of the version that decides.

    Args:
        as_of: what was on record then; None: whatever is.
    """
    # By number: steps of one gate wait for each other, and a clock that was set back reorders none of them.
    moves = GateTransition.objects.filter(as_of.knew("at") if as_of else Q()).order_by("-pk")
    adopted = Registration.objects.filter(
        as_of.knew("created_at") if as_of else Q(), basis=Registration.Basis.ADOPTED
    )
    same_gate = {"version__artefact": OuterRef("artefact")}
    approved = moves.filter(to_state=GateState.APPROVED, **same_gate)
    is_adopted = When(Exists(adopted.filter(version=OuterRef("pk"))), then=Value(GateState.ADOPTED.value))
    return versions.filter(artefact__kind=ArtefactKind.GATE).annotate(
        state_now=Coalesce(
            Subquery(moves.filter(version=OuterRef("pk")).values("to_state")[:1]),
            Case(is_adopted, default=Value("")),
        ),
        deciding_id=Coalesce(
            Subquery(approved.values("version")[:1]),
            Subquery(adopted.filter(**same_gate).order_by("-version__number").values("version")[:1]),
            output_field=BigIntegerField(),
        ),
    )


def find_deciding(system: System, key: str, as_of: AsOf | None = None) -> ArtefactVersion | None:
    """Return the version of a gate that decided at a time, by default now; None where none did."""
    versions = with_standing(
        ArtefactVersion.objects.filter(artefact__system=system, artefact__key=key), as_of
    )
    found: ArtefactVersion | None = (
        versions.filter(pk=F("deciding_id")).select_related("artefact__system", "registration").first()
    )
    return found


def state_of(version: ArtefactVersion) -> str:
    """Return where a version of a gate stands, as a `GateState`; empty for one that was only seen somewhere."""
    found = with_standing(ArtefactVersion.objects.filter(pk=version.pk))
    return found.values_list("state_now", flat=True).first() or ""


def proposers_of(version: ArtefactVersion) -> list[str]:
    """Return the actors who put a version on record or proposed it, each once."""
    asked = [move.by for move in _moves_of(version) if move.to_state == GateState.PROPOSED]
    return list(dict.fromkeys([version.created_by, *asked]))


def standing_of(version: ArtefactVersion) -> GateStanding | None:
    """Return since when a version decides, or did, and by whom; None where it never did.

    Reads `gate_transitions` and `registration`, which lists fetch beforehand.
    """
    approval = next((move for move in _moves_of(version) if move.to_state == GateState.APPROVED), None)
    if approval is not None:
        return GateStanding(GateState.APPROVED, tuple(proposers_of(version)), approval.by, approval.at)
    registration = getattr(version, "registration", None)
    if registration is None or registration.basis != Registration.Basis.ADOPTED:
        return None
    return GateStanding(GateState.ADOPTED, (registration.registered_by,), None, registration.created_at)


def replaced_digest(version: ArtefactVersion) -> str | None:
    """Return the digest of the version that this one was proposed in place of; None where none decided then."""
    digest: str | None = version.metadata.get("replaces")
    return digest


def _moves_of(version: ArtefactVersion) -> list[GateTransition]:
    return sorted(version.gate_transitions.all(), key=lambda move: move.pk)
