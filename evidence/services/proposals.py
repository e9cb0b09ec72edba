"""Versions that one person proposes and another approves, declines or withdraws: gates, and systems' readings.

For whom each step is, and when: `evidence.acts`. Which version decides: `evidence.selectors.proposals`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from evidence import clock
from evidence.access import Principal
from evidence.digests import digest_of
from evidence.errors import ConflictingContent, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import (
    ArtefactKind,
    ArtefactVersion,
    GateTransition,
    ReadingTransition,
    Registration,
    System,
)
from evidence.selectors.proposals import Transition, find_deciding, state_of, transitions_of
from evidence.services import audit, registry
from evidence.worded import worded

_REPLACES = "replaces"  # of a version's metadata: the digest of the one that decided as it was proposed


def _nothing_is_open(version: ArtefactVersion) -> None:
    del version


@dataclass(frozen=True, slots=True)
class Proposed:
    """A kind of which versions are proposed."""

    kind: ArtefactKind
    lock: Lock  # of a system's key, which may not exist yet
    settled: Mapping[
        str, Callable[[Principal, ArtefactVersion], None]
    ]  # steps that end a proposal, with their rules
    # Raises where whoever approves a version would not know yet what it asks for.
    check_is_fixed: Callable[[ArtefactVersion], None] = _nothing_is_open


@transaction.atomic
def propose_version(
    of: Proposed,
    *,
    principal: Principal,
    system: System,
    key: str,
    name: str,
    content: Mapping[str, Any],
    reason: str,
) -> ArtefactVersion:
    """Put a version on record that decides nothing before it is approved. Who may was asked before.

    What was approved and decides, or waits already, returns the version that has it. What was declined or withdrawn is
    proposed again. Each version's digest covers the digest of the one it is to replace, so that going back to earlier
    content is a change too.

    Raises:
        ConflictingContent: something else is on record under the digest of this content.
    """
    hold(of.lock, system.pk, key)
    deciding = find_deciding(system, of.kind, key)
    if deciding is not None and state_of(deciding) == "approved" and _has(deciding, content):
        return deciding
    metadata = {**content, _REPLACES: deciding.digest if deciding else None}
    version = registry.ensure_version(
        system=system,
        kind=of.kind,
        key=key,
        label="",
        digest=digest_of(metadata),
        actor=principal.actor,
        name=name,
        metadata=metadata,
    )
    if version.metadata != metadata:
        raise ConflictingContent(
            worded("%(version)s is on record with other content under the digest of this.", version=version)
        )
    if state_of(version) != "proposed":
        record_transition(version, "proposed", principal.actor, reason)
    return version


@transaction.atomic
def settle_proposal(
    of: Proposed, *, principal: Principal, version: ArtefactVersion, to_state: str, reason: str
) -> Transition:
    """Approve, decline or withdraw a proposed version. Once approved, it decides in place of the one before.

    Whoever took the last step and asks for it again is answered with it, and nothing is added.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as the rule of the step does, and `check_is_fixed` for an approval.
        InvalidInput: there is no such step, or a proposal is declined without saying why.
    """
    if to_state not in of.settled:
        raise InvalidInput(
            worded(
                "A proposed version of a %(kind)s is one of %(settled)s, not %(to_state)s.",
                kind=of.kind,
                settled=", ".join(of.settled),
                to_state=repr(to_state),
            )
        )
    hold(of.lock, version.artefact.system_id, version.artefact.key)
    moves = transitions_of(version)
    if moves and (moves[-1].to_state, moves[-1].by) == (to_state, principal.actor):
        return moves[-1]
    of.settled[to_state](principal, version)
    if to_state == "declined" and not reason.strip():
        raise InvalidInput(worded("Say why: whoever proposed the version is told the reason."))
    if to_state == "approved":
        of.check_is_fixed(version)
        registry.record_registration(
            version=version, actor=principal.actor, basis=Registration.Basis.APPROVAL, reason="approved"
        )
    return record_transition(version, to_state, principal.actor, reason)


def record_transition(version: ArtefactVersion, to_state: str, actor: str, reason: str) -> Transition:
    """Store a step and its audit event, in the transaction of whoever may take it."""
    kind = version.artefact.kind
    fields: dict[str, Any] = {"to_state": to_state, "by": actor, "reason": reason, "at": clock.now()}
    move: Transition
    if kind == ArtefactKind.GATE:
        move = GateTransition.objects.create(version=version, **fields)
    else:
        move = ReadingTransition.objects.create(version=version, **fields)
    audit.record(
        verb=f"{kind}_version.{to_state}",
        actor=actor,
        obj=version,
        system=version.artefact.system,
        digest=version.digest,
        payload={"reason": reason} if reason else None,
    )
    return move


def _has(version: ArtefactVersion, content: Mapping[str, Any]) -> bool:
    return {key: value for key, value in version.metadata.items() if key != _REPLACES} == content
