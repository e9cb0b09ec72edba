"""Putting things on record: traces, releases, versions, deployments, eval runs."""

from __future__ import annotations

from django.contrib.auth.models import User

from evidence.access import Principal
from evidence.actors import same_person
from evidence.acts.approving import check_can_approve
from evidence.acts.asking import as_question, check_of_system, check_scope
from evidence.acts.keeping import _check_operates
from evidence.acts.people import check_can_administer, check_knows
from evidence.errors import AccessDenied, ConflictingContent
from evidence.models import INSTRUMENT_KINDS, RELEASE_KINDS, ArtefactVersion, Scope, System
from evidence.worded import worded


def check_can_ingest(principal: Principal) -> None:
    """Send telemetry: a token of an application. Which systems it writes to is decided item by item."""
    principal.require(Scope.INGEST)
    if principal.token is None:
        raise AccessDenied(worded("Telemetry is posted with a token that holds the `ingest` scope."))


def check_can_register_system(principal: Principal, owner: User) -> None:
    """Put a system on record: an administrator, for an owner whom they know. Nobody can be a member of it yet."""
    check_can_administer(principal)
    check_knows(principal, owner)


def check_can_declare_service(principal: Principal, system: System) -> None:
    """Say which services are part of a system: an operator of it, because it decides whose a span is."""
    _check_operates(principal, system)


def check_can_register_release(principal: Principal, system: System) -> None:
    """Freeze a release. What it pins is registered by an act of its own."""
    check_scope(principal, Scope.IMPORT, system)


def check_can_register_version(principal: Principal, version: ArtefactVersion) -> None:
    """Vouch for a version on record.

    What a system is made of, an author or CI registers. What it is measured with decides what passes: an approver
    does, and not for what they put on record themselves.
    """
    artefact = version.artefact
    if artefact.kind in INSTRUMENT_KINDS:
        check_can_approve(principal)
        check_of_system(principal, artefact.system)
        if same_person(version.created_by, principal.actor):
            raise AccessDenied(
                worded("You put %(version)s on record; a second person must register it.", version=version)
            )
    else:
        check_scope(principal, Scope.IMPORT, artefact.system)
    if artefact.kind not in RELEASE_KINDS:
        raise ConflictingContent(
            worded(
                "%(version)s is of kind `%(kind)s`, which no release pins: nobody registers it by hand. "
                "Gates, readings and requirements are registered as they are approved.",
                version=version,
                kind=artefact.kind,
            )
        )


def check_can_record_deployment(principal: Principal, system: System) -> None:
    """Say that a release went live."""
    check_scope(principal, Scope.IMPORT, system)


def check_can_roll_back(principal: Principal, system: System) -> None:
    """Say that an environment went back to a release that gates let in there before: whoever may deploy, alone."""
    check_scope(principal, Scope.IMPORT, system)


def check_can_record_eval_run(principal: Principal, system: System) -> None:
    """Post eval results."""
    check_scope(principal, Scope.PUSH_EVAL, system)


can_ingest = as_question(check_can_ingest)
can_register_system = as_question(check_can_register_system)
can_declare_service = as_question(check_can_declare_service)
can_register_release = as_question(check_can_register_release)
can_register_version = as_question(check_can_register_version)
can_record_deployment = as_question(check_can_record_deployment)
can_roll_back = as_question(check_can_roll_back)
can_record_eval_run = as_question(check_can_record_eval_run)
