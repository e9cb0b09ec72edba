"""Answering doubts: who may say that one is laid to rest, or stands again."""

from __future__ import annotations

from evidence.access import Principal
from evidence.actors import same_person
from evidence.acts.approving import check_can_approve
from evidence.acts.asking import as_question, check_not_own_release, check_of_system, signing
from evidence.errors import AccessDenied
from evidence.models import Defeater
from evidence.worded import worded


@signing
def check_can_answer_defeater(principal: Principal, defeater: Defeater) -> None:
    """Answer a doubt: an approver who neither asked for what opened it nor put the release it arose on on record."""
    check_can_approve(principal)
    check_of_system(principal, defeater.release.system)
    check_not_own_release(
        principal,
        defeater.release,
        worded("Whoever put the release on record may not answer a doubt about it."),
    )
    if same_person(defeater.evidence.owner, principal.actor):
        raise AccessDenied(worded("You put forward what opened this doubt: another approver answers it."))


can_answer_defeater = as_question(check_can_answer_defeater)
