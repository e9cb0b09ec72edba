"""Moving a requirement version from state to state. Which state leads where, and for whom: `requirements.life`, `acts`.

Whoever judges what another wrote names the digest of the text and the state they read. All steps of a requirement wait
for each other, so that of two that race one is taken, and the other is told whose it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NoReturn

from django.db import transaction

from evidence import clock
from evidence.access import Principal
from evidence.actors import same_person
from evidence.errors import Fault, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import Registration
from evidence.nearest import MISSPELT, nearest_name
from evidence.services import audit, registry
from evidence.worded import Coded, worded
from requirements import acts
from requirements.errors import DecidedBefore, DecisionOutdated, NotEditorial, WarningsUnread
from requirements.life import NAMES_WHAT_WAS_READ, NEEDS_REASON
from requirements.models import (
    Change,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
    RetirementRequest,
)
from requirements.selectors.requirements import newest_of, show_standing
from requirements.selectors.wording import (
    change_of,
    digests_of_diff,
    draft_of,
    fingerprint_of,
    predecessor_of,
    statement_diff,
    warning_names,
)
from requirements.services.editorial import check_editorial


@dataclass(frozen=True, slots=True)
class WhatWasRead:
    """What somebody had before them when they decided."""

    digest: str = ""  # of the version's text and criteria
    from_state: str = ""  # in which they read it
    warnings: tuple[str, ...] = ()  # of the linter, each as "<code>@<where>": for an approval


NOTHING_READ: Final = WhatWasRead()


@transaction.atomic
def transition_requirement(
    *,
    principal: Principal,
    version: RequirementVersion,
    to_state: str,
    reason: str = "",
    read: WhatWasRead = NOTHING_READ,
    change: str = "",
) -> RequirementTransition:
    """Move a version to a state. Whoever takes a step again, with the same words, is answered with it.

    Approving a version supersedes the one approved before it, in the same transaction.

    Args:
        read: needed, with digest and state, to approve and to send or take back; else checked where it is given.
        change: what the change is: `editorial` or `substantive`, said by the author who proposes, and confirmed or not
            by the approver. An approval that does not say `editorial` takes the change as substantive.

    Raises:
        AccessDenied, NotFound, TransitionNotAllowed, SelfApproval, NewerVersionAhead: as `acts.check_can_transition`.
        DecisionOutdated: the digest or the state is not what stands.
        DecidedBefore: somebody else took this step first, or the same person with other words.
        InvalidInput: a version is sent or taken back without saying why, or what was read is not named.
        NotEditorial: the change is no editorial one, or nobody proposed it as one.
        WarningsUnread: an approval does not name each open warning of the linter, or names another.
    """
    acts.check_can_move(principal, version, to_state)
    reason = reason.strip()
    if to_state in NAMES_WHAT_WAS_READ:
        check_names_what_was_read(read)
    hold(Lock.REQUIREMENT, version.requirement_id)  # so that two approvals cannot both stand
    *before, last = version.transitions.order_by("at", "pk")
    check_digest(version, read)
    if before and last.to_state == to_state:
        if _is_repeated(principal, before[-1], last, reason, read, change):
            return last
        _refuse_decided(version, last)
    check_state(version, last, read)
    acts.check_can_transition(principal, version, to_state)
    if to_state in NEEDS_REASON and not reason:
        raise InvalidInput(worded("Say why: a version is sent back or taken back with a reason."))
    if to_state != RequirementState.APPROVED:
        return _move_on(principal.actor, version, RequirementState(to_state), reason, read, change)
    return _approve(principal.actor, version, reason, read, change)


def check_names_what_was_read(read: WhatWasRead) -> None:
    """See that a decision says what it is on.

    Raises:
        InvalidInput: with the field that is missing.
    """
    meant = {
        "digest": worded("the digest of the version as you read it"),
        "from_state": worded("the state that you read it in"),
    }
    missing = [name for name in meant if not getattr(read, name)]
    if missing:
        raise InvalidInput(
            faults=[
                Fault(
                    "body",
                    name,
                    "required",
                    worded(
                        "%(name)s is needed: %(meant)s, as the list of versions has it",
                        name=name,
                        meant=meant[name],
                    ),
                )
                for name in missing
            ]
        )


def check_digest(version: RequirementVersion, read: WhatWasRead) -> None:
    """See that what was read is this version.

    Raises:
        DecisionOutdated: it is another text; with the one that stands.
    """
    if read.digest and read.digest != version.artefact_version.digest:
        newest = newest_of(version)
        raise DecisionOutdated(
            worded(
                "What you read is not %(version)s, whose digest is %(digest)s. The newest version is "
                "%(newest)s. Nothing was stored: read what stands, then decide again.",
                version=version,
                digest=version.artefact_version.digest,
                newest=newest,
            ),
            *_standings(version, newest),
        )


def check_state(version: RequirementVersion, last: RequirementTransition, read: WhatWasRead) -> None:
    """See that a version is still in the state that it was read in.

    Raises:
        DecisionOutdated: it was moved on; with by whom.
    """
    if read.from_state and read.from_state != last.to_state:
        raise DecisionOutdated(
            worded(
                "%(version)s is not %(from_state)s: %(last)s. Your decision and your reason were not "
                "stored: read what stands, then decide again.",
                version=version,
                from_state=Coded(read.from_state),
                last=tell_step(last),
            ),
            *_standings(version, newest_of(version)),
        )


def tell_step(step: RequirementTransition) -> str:
    """Return who moved a version where, when and why, as part of a sentence."""
    told: dict[str, object] = {
        "by": step.by,
        "state": Coded(step.to_state),
        "at": f"{step.at:%Y-%m-%d %H:%M}",
    }
    if not step.reason:
        return worded("%(by)s moved it to %(state)s at %(at)s UTC", **told)
    return worded("%(by)s moved it to %(state)s at %(at)s UTC, “%(reason)s”", **told, reason=step.reason)


def record_transition(
    version: RequirementVersion,
    to_state: RequirementState,
    actor: str,
    reason: str,
    *,
    payload: dict[str, Any] | None = None,
    request: RetirementRequest | None = None,
    **facts: Any,
) -> RequirementTransition:
    """Store a step and its audit event, in the transaction of whoever may take it.

    Args:
        payload: what the event tells beside the reason.
        facts: columns of the transition.
    """
    transition = RequirementTransition.objects.create(
        version=version, to_state=to_state, by=actor, reason=reason, at=clock.now(), request=request, **facts
    )
    told = ({"reason": reason} if reason else {}) | (payload or {})
    audit.record(
        verb=f"requirement_version.{to_state.value}",
        actor=actor,
        obj=version,
        system=version.requirement.system,
        digest=version.artefact_version.digest,
        payload=told or None,
    )
    return transition


def _is_repeated(
    principal: Principal,
    before: RequirementTransition,
    last: RequirementTransition,
    reason: str,
    read: WhatWasRead,
    change: str,
) -> bool:
    """Whether the last step is this very one, sent again."""
    said = change or (Change.SUBSTANTIVE if last.to_state == RequirementState.APPROVED else last.change)
    return (
        same_person(last.by, principal.actor)
        and last.reason == reason
        and last.change == said
        and set(last.warnings_read or []) == set(read.warnings)
        and read.from_state in ("", before.to_state)
    )


def _refuse_decided(version: RequirementVersion, last: RequirementTransition) -> NoReturn:
    raise DecidedBefore(
        worded(
            "%(version)s is %(to_state)s already: %(last)s. Your own decision and its reason were not stored.",
            version=version,
            to_state=last.to_state,
            last=tell_step(last),
        ),
        *_standings(version, newest_of(version)),
    )


def _standings(
    version: RequirementVersion, newest: RequirementVersion
) -> tuple[dict[str, Any], dict[str, Any]]:
    return show_standing(version), show_standing(newest)


def _move_on(
    actor: str,
    version: RequirementVersion,
    to_state: RequirementState,
    reason: str,
    read: WhatWasRead,
    change: str,
) -> RequirementTransition:
    """Propose a version, or send it back."""
    if read.warnings:
        raise InvalidInput(
            worded("warnings_read: warnings are read to approve a version, not for this step.")
        )
    if to_state != RequirementState.IN_REVIEW:
        if change:
            raise InvalidInput(worded("change: what a change is, its author says, and an approver confirms."))
        return record_transition(version, to_state, actor, reason)
    said = Change(change) if change else change_of(version)
    payload = None
    if said == Change.EDITORIAL:
        predecessor = predecessor_of(version)
        check_editorial(draft_of(predecessor) if predecessor else None, draft_of(version))
        payload = _tell_editorial(version, predecessor)
    return record_transition(version, to_state, actor, reason, change=said, payload=payload)


def _approve(
    actor: str, version: RequirementVersion, reason: str, read: WhatWasRead, change: str
) -> RequirementTransition:
    _check_warnings(version, read.warnings)
    fingerprint, payload = fingerprint_of(version), None
    if change == Change.EDITORIAL:
        if change_of(version) != Change.EDITORIAL:
            raise NotEditorial(
                worded(
                    "Nobody proposed %(version)s as an editorial change: its author does, or nobody.",
                    version=version,
                )
            )
        predecessor = predecessor_of(version)
        check_editorial(draft_of(predecessor) if predecessor else None, draft_of(version))
        _check_was_approved(version, predecessor)
        fingerprint = fingerprint_of(predecessor) if predecessor else fingerprint
        payload = _tell_editorial(version, predecessor) | {"confirmed_by": actor, "fingerprint": fingerprint}
    _supersede_earlier(version, actor)
    criteria = version.criteria.select_related("artefact_version__artefact__system")
    for identity in (version.artefact_version, *(criterion.artefact_version for criterion in criteria)):
        registry.record_registration(
            version=identity, actor=actor, basis=Registration.Basis.APPROVAL, reason="approved"
        )
    return record_transition(
        version,
        RequirementState.APPROVED,
        actor,
        reason,
        payload=payload,
        change=change or Change.SUBSTANTIVE,
        fingerprint=fingerprint,
        warnings_read=list(dict.fromkeys(read.warnings)),
    )


def _check_was_approved(version: RequirementVersion, predecessor: RequirementVersion | None) -> None:
    """See that what an editorial change differs from has held: else the slip mended would stand for all before it."""
    moves = RequirementTransition.objects.filter(version=predecessor, to_state=RequirementState.APPROVED)
    if not moves.exists():
        raise NotEditorial(
            worded(
                "%(version)s mends %(predecessor)s, which was never approved: what it says beside the "
                "version that was is more than a slip. Approve it as a substantive change.",
                version=version,
                predecessor=predecessor,
            )
        )


def _tell_editorial(version: RequirementVersion, predecessor: RequirementVersion | None) -> dict[str, Any]:
    """Return what the log keeps of an editorial change: whose it is, and of what it differs in, the digests."""
    diff = statement_diff(predecessor, version) if predecessor else {}
    return {
        "change": Change.EDITORIAL.value,
        "proposed_by": version.proposed_by,
        "replaces": predecessor.artefact_version.digest if predecessor else None,
        "diff": digests_of_diff(diff),
    }


def _check_warnings(version: RequirementVersion, read: tuple[str, ...]) -> None:
    """See that whoever approves has read each warning, and names none that there is not."""
    known = warning_names(version)
    faults = [
        Fault(
            "body",
            "warnings_read",
            "warning_unread",
            worded("%(name)s is a warning of %(version)s that is not ticked", name=name, version=version),
        )
        for name in known
        if name not in read
    ]
    faults += [
        Fault(
            "body", "warnings_read", "unknown_warning",
            worded("%(name)s is no warning of %(version)s", name=repr(name), version=version),
            nearest_name(name, known, alike=MISSPELT),
        )
        for name in dict.fromkeys(read)
        if name not in known
    ]  # fmt: skip
    if faults:
        raise WarningsUnread(faults)


def _supersede_earlier(version: RequirementVersion, actor: str) -> None:
    for other in acts.approved_beside(version):
        record_transition(other, RequirementState.SUPERSEDED, actor, f"superseded by {version}")
