"""Versions that are proposed by one and approved by another: gates, and readings."""

from __future__ import annotations

from evidence.access import Principal
from evidence.actors import same_person
from evidence.acts.approving import check_can_approve
from evidence.acts.asking import as_question, check_of_system, check_scope
from evidence.errors import AccessDenied, ConflictingContent
from evidence.models import ArtefactKind, ArtefactVersion, Scope, System
from evidence.selectors.proposals import find_deciding, proposers_of, replaced_digest, state_of
from evidence.worded import Coded, worded


def check_can_propose_gate(principal: Principal, system: System) -> None:
    """Propose what a gate asks for; it decides nothing before somebody else approves it."""
    check_scope(principal, Scope.IMPORT, system)


def check_can_approve_gate(principal: Principal, version: ArtefactVersion) -> None:
    """Let a version of a gate decide from now on: an approver who did not propose it, if what it replaces does now."""
    _check_approves(principal, version)


def check_can_decline_gate(principal: Principal, version: ArtefactVersion) -> None:
    """Refuse a proposed version of a gate: an approver."""
    _check_declines(principal, version)


def check_can_withdraw_gate(principal: Principal, version: ArtefactVersion) -> None:
    """Take a proposed version of a gate back: whoever proposed it."""
    _check_withdraws(principal, version)


def check_can_propose_reading(principal: Principal, system: System) -> None:
    """Propose how a system's traces are read; none is read so before somebody else approves it."""
    check_scope(principal, Scope.IMPORT, system)


def check_can_approve_reading(principal: Principal, version: ArtefactVersion) -> None:
    """Have traces read by a version from now on: an approver who did not propose it, if what it replaces reads now."""
    _check_approves(principal, version)


def check_can_decline_reading(principal: Principal, version: ArtefactVersion) -> None:
    """Refuse a proposed version of a reading: an approver."""
    _check_declines(principal, version)


def check_can_withdraw_reading(principal: Principal, version: ArtefactVersion) -> None:
    """Take a proposed version of a reading back: whoever proposed it."""
    _check_withdraws(principal, version)


def check_can_try_reading(principal: Principal, system: System) -> None:
    """See what a reading would make of a stored trace: whoever reads the system's traces. Nothing comes of it."""
    check_scope(principal, Scope.READ, system)


def _check_approves(principal: Principal, version: ArtefactVersion) -> None:
    """Approve what waits: an approver who did not propose it, in place of what it was proposed in place of."""
    check_can_approve(principal)
    artefact = version.artefact
    check_of_system(principal, artefact.system)
    if any(same_person(proposer, principal.actor) for proposer in proposers_of(version)):
        raise AccessDenied(
            worded("You proposed %(version)s; a second person must approve it.", version=version)
        )
    _check_waits_for_approval(version)
    deciding = find_deciding(artefact.system, ArtefactKind(artefact.kind), artefact.key)
    if replaced_digest(version) != (deciding.digest if deciding else None):
        raise ConflictingContent(
            worded(
                "%(version)s was proposed in place of another version than %(deciding)s, which decides "
                "by now: propose its content again.",
                version=version,
                deciding=deciding,
            )
        )


def _check_declines(principal: Principal, version: ArtefactVersion) -> None:
    check_can_approve(principal)
    check_of_system(principal, version.artefact.system)
    _check_waits_for_approval(version)


def _check_withdraws(principal: Principal, version: ArtefactVersion) -> None:
    check_scope(principal, Scope.IMPORT, version.artefact.system)
    if not any(same_person(proposer, principal.actor) for proposer in proposers_of(version)):
        raise AccessDenied(
            worded(
                "Somebody else proposed %(version)s: they withdraw it, or an approver declines it.",
                version=version,
            )
        )
    _check_waits_for_approval(version)


def _check_waits_for_approval(version: ArtefactVersion) -> None:
    state = state_of(version)
    if state != "proposed":
        raise ConflictingContent(
            worded(
                "%(version)s is %(state)s: only a proposed version is decided on. Propose its content again.",
                version=version,
                state=Coded(state) if state else worded("no proposal"),
            )
        )


def check_can_ask_gate(principal: Principal, system: System) -> None:
    """Have a gate decide."""
    check_scope(principal, Scope.GATE, system)


can_propose_gate = as_question(check_can_propose_gate)
can_approve_gate = as_question(check_can_approve_gate)
can_decline_gate = as_question(check_can_decline_gate)
can_withdraw_gate = as_question(check_can_withdraw_gate)
can_ask_gate = as_question(check_can_ask_gate)
can_propose_reading = as_question(check_can_propose_reading)
can_approve_reading = as_question(check_can_approve_reading)
can_decline_reading = as_question(check_can_decline_reading)
can_withdraw_reading = as_question(check_can_withdraw_reading)
can_try_reading = as_question(check_can_try_reading)
