"""Doubts: opened in the transaction in which evidence that counters is stored, and answered by named persons.

A doubt changes no assessment and no decision of a gate (docs/decisions/0080-doubts-that-stand.md).
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.errors import ConflictingContent, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import Defeater, DefeaterAnswer, Evidence, Release, Role
from evidence.selectors.defeaters import newest_answer
from evidence.services import audit
from evidence.worded import worded

_KIND = DefeaterAnswer.Kind


@transaction.atomic
def open_defeater(*, evidence: Evidence, release: Release, actor: str) -> Defeater:
    """Open the doubt that an item raises which counters; one that is open already is answered with.

    Args:
        release: of the item's system; what was measured was looked at for it.

    Raises:
        InvalidInput: the item counters nothing, or is of another system.
    """
    if evidence.role != Role.COUNTER or evidence.system_id != release.system_id:
        raise InvalidInput(
            worded("A doubt is opened by an item that counters, about a release of the same system.")
        )
    defeater, created = Defeater.objects.get_or_create(
        evidence=evidence, defaults={"release": release, "opened_at": clock.now()}
    )
    if created:
        audit.record(verb="defeater.opened", actor=actor, obj=defeater, system=evidence.system)
    return defeater


@transaction.atomic
def answer_defeater(
    *,
    principal: Principal,
    defeater: Defeater,
    kind: str,
    words: str,
    expires_at: datetime | None = None,
    replaces: int | None = None,
) -> DefeaterAnswer:
    """Store what a person says to a doubt; whoever said the same last is answered with that.

    Args:
        kind: of `DefeaterAnswer.Kind`.
        expires_at: aware, in the future; of an acceptance, and None where it has no end.
        replaces: the answer that counted when this one was made up; None where there was none.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_answer_defeater` does.
        ConflictingContent: another answer counts by now, or there is none to take back.
        InvalidInput: there is no such kind, nothing is said, or an end that is over or of something else.
    """
    hold(Lock.DEFEATER, defeater.pk)
    newest = newest_answer(defeater)
    said = {"kind": kind, "words": words.strip(), "expires_at": expires_at, "answered_by": principal.actor}
    if newest is not None and all(getattr(newest, name) == value for name, value in said.items()):
        return newest
    acts.check_can_answer_defeater(principal, defeater)
    _check_said(kind, words, expires_at)
    _check_follows(newest, kind, replaces)
    answer = DefeaterAnswer.objects.create(defeater=defeater, replaces=newest, created_at=clock.now(), **said)
    audit.record(
        verb="defeater.answered",
        actor=principal.actor,
        obj=answer,
        system=defeater.release.system,
        payload={**said, "expires_at": expires_at.isoformat() if expires_at else None},
    )
    return answer


def _check_said(kind: str, words: str, expires_at: datetime | None) -> None:
    if kind not in _KIND.values:
        raise InvalidInput(
            worded(
                "An answer to a doubt is one of %(kinds)s, not %(kind)s.",
                kinds=", ".join(_KIND.values),
                kind=repr(kind),
            )
        )
    if not words.strip():
        raise InvalidInput(worded("Say why: a doubt is answered in words."))
    if expires_at is None:
        return
    if kind != _KIND.ACCEPTED:
        raise InvalidInput(worded("Only what is accepted has an end: leave expires_at out."))
    if expires_at <= clock.now():
        raise InvalidInput(worded("An acceptance expires in the future."))


def _check_follows(newest: DefeaterAnswer | None, kind: str, replaces: int | None) -> None:
    """See that whoever answers has read what was answered before."""
    if replaces != (newest.pk if newest else None):
        counts = (
            worded("answer %(answer)s counts", answer=newest.pk)
            if newest
            else worded("nobody has answered yet")
        )
        raise ConflictingContent(
            worded(
                "Read what is on record first: %(counts)s, and an answer names the one it replaces.",
                counts=counts,
            )
        )
    if kind == _KIND.REOPENED and (newest is None or newest.kind == _KIND.REOPENED):
        raise ConflictingContent(worded("There is no answer to take back: the doubt stands."))
