"""Versions that one person proposes and another approves, as they stood at a time: gates, and systems' readings.

The version approved last decides. Where none was ever approved, the newest does that was adopted: that was on record
before versions were approved (`Registration.Basis.ADOPTED`), which only versions of gates can be.
"""

from __future__ import annotations

from typing import Any, Final

from django.db.models import BigIntegerField, Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from evidence.clock import AsOf
from evidence.models import (
    ArtefactKind,
    ArtefactVersion,
    GateState,
    GateTransition,
    ReadingTransition,
    Registration,
    System,
)

Transition = GateTransition | ReadingTransition
TRANSITIONS: Final[dict[ArtefactKind, type[GateTransition] | type[ReadingTransition]]] = {
    ArtefactKind.GATE: GateTransition,
    ArtefactKind.READING: ReadingTransition,
}
_NAMES: Final = {ArtefactKind.GATE: "gate_transitions", ArtefactKind.READING: "reading_transitions"}


def with_standing(
    versions: QuerySet[ArtefactVersion], kind: ArtefactKind, as_of: AsOf | None = None
) -> QuerySet[Any]:
    """Annotate versions of a kind with `state_now`, and with `deciding_id`, of the version that decides.

    Args:
        as_of: what was on record then; None: whatever is.
    """
    # By number: steps of one artefact wait for each other, and a clock that was set back reorders none of them.
    moves = TRANSITIONS[kind].objects.filter(as_of.knew("at") if as_of else Q()).order_by("-pk")
    adopted = Registration.objects.filter(
        as_of.knew("created_at") if as_of else Q(), basis=Registration.Basis.ADOPTED
    )
    same_artefact = {"version__artefact": OuterRef("artefact")}
    approved = moves.filter(to_state="approved", **same_artefact)
    is_adopted = When(Exists(adopted.filter(version=OuterRef("pk"))), then=Value(GateState.ADOPTED.value))
    return versions.filter(artefact__kind=kind).annotate(
        state_now=Coalesce(
            Subquery(moves.filter(version=OuterRef("pk")).values("to_state")[:1]),
            Case(is_adopted, default=Value("")),
        ),
        deciding_id=Coalesce(
            Subquery(approved.values("version")[:1]),
            Subquery(adopted.filter(**same_artefact).order_by("-version__number").values("version")[:1]),
            output_field=BigIntegerField(),
        ),
    )


def find_deciding(
    system: System, kind: ArtefactKind, key: str, as_of: AsOf | None = None
) -> ArtefactVersion | None:
    """Return the version of an artefact that decided at a time, by default now; None where none did."""
    if kind not in TRANSITIONS:
        return None
    versions = with_standing(
        ArtefactVersion.objects.filter(artefact__system=system, artefact__key=key), kind, as_of
    )
    found: ArtefactVersion | None = (
        versions.filter(pk=F("deciding_id")).select_related("artefact__system", "registration").first()
    )
    return found


def state_of(version: ArtefactVersion) -> str:
    """Return where a version stands; empty for one that was only seen somewhere, or is of a kind nobody approves."""
    kind = ArtefactKind(version.artefact.kind)
    if kind not in TRANSITIONS:
        return ""
    found = with_standing(ArtefactVersion.objects.filter(pk=version.pk), kind)
    return found.values_list("state_now", flat=True).first() or ""


def transitions_of(version: ArtefactVersion) -> list[Transition]:
    """Return the steps of a version in their order. Reads what lists fetch beforehand."""
    name = _NAMES.get(ArtefactKind(version.artefact.kind))
    return sorted(getattr(version, name).all(), key=lambda move: move.pk) if name else []


def proposers_of(version: ArtefactVersion) -> list[str]:
    """Return the actors who put a version on record or proposed it, each once."""
    asked = [move.by for move in transitions_of(version) if move.to_state == "proposed"]
    return list(dict.fromkeys([version.created_by, *asked]))


def replaced_digest(version: ArtefactVersion) -> str | None:
    """Return the digest of the version that this one was proposed in place of; None where none decided then."""
    digest: str | None = version.metadata.get("replaces")
    return digest
