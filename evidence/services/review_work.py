"""Who is given what of the queue of answers: what somebody can judge, pauses, and filters that they keep."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal, visible_to
from evidence.actors import actor_of_user
from evidence.errors import InvalidInput
from evidence.models import (
    QueuedTask,
    QueuePause,
    ReviewerPause,
    ReviewerSkill,
    RiskTier,
    SavedFilter,
    System,
)
from evidence.models.base import KEY_LENGTH
from evidence.selectors.review_tasks import TaskStanding
from evidence.selectors.review_work import is_language
from evidence.services import audit
from evidence.worded import worded

MOST_FILTERS: Final = 20  # that one person keeps


@transaction.atomic
def add_skill(*, principal: Principal, user: User, system: System, language: str = "") -> ReviewerSkill:
    """Say that a person can judge the answers of a system; saying it again changes nothing.

    Args:
        language: the first subtag of a language, as "de"; empty: any.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_change_skill` does.
        InvalidInput: that is no language.
    """
    acts.check_can_change_skill(principal, system, user)
    language = language.strip().lower()
    if language and not is_language(language):
        raise InvalidInput(
            worded("A language is two to eight letters, as in de or zh; none at all means any language.")
        )
    skill, created = ReviewerSkill.objects.get_or_create(user=user, system=system, language=language)
    if created:
        _record_skill("reviewer_skill.added", principal, skill)
    return skill


@transaction.atomic
def end_skill(*, principal: Principal, skill: ReviewerSkill) -> None:
    """Say that a person can judge this no more. Whose last one is ended is given everything again.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_change_skill` does.
    """
    acts.check_can_change_skill(principal, skill.system, skill.user)
    _record_skill("reviewer_skill.ended", principal, skill)
    skill.delete()


@transaction.atomic
def pause_reviewing(*, principal: Principal, until: datetime) -> ReviewerPause:
    """Be given nothing until a time at most, and let go of what one holds.

    Raises:
        AccessDenied: as `acts.check_can_pause_reviewing` does.
        InvalidInput: the time is past.
    """
    acts.check_can_pause_reviewing(principal)
    if until <= clock.now():
        raise InvalidInput(worded("A pause ends later than now."))
    pause, _ = ReviewerPause.objects.update_or_create(user=principal.person, defaults={"until": until})
    QueuedTask.objects.filter(held_by=principal.person).update(held_by=None, held_until=None)
    told = {"until": until.isoformat()}
    audit.record(verb="reviewer_pause.begun", actor=principal.actor, obj=pause, payload=told)
    return pause


@transaction.atomic
def resume_reviewing(*, principal: Principal) -> None:
    """End one's own pause; without one nothing happens.

    Raises:
        AccessDenied: as `acts.check_can_pause_reviewing` does.
    """
    acts.check_can_pause_reviewing(principal)
    pause = ReviewerPause.objects.filter(user=principal.person).first()
    if pause is not None:
        audit.record(verb="reviewer_pause.ended", actor=principal.actor, obj=pause)
        pause.delete()


@transaction.atomic
def pause_queue(*, principal: Principal, system: System, reason: str) -> QueuePause:
    """Give nothing of a system to anybody; due times stay. What somebody is at they may finish.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_pause_queue` does.
        InvalidInput: no reason is given.
    """
    acts.check_can_pause_queue(principal, system)
    if not reason.strip():
        raise InvalidInput(worded("Say why the queue pauses: reviewers are told."))
    pause, created = QueuePause.objects.get_or_create(
        system=system, defaults={"reason": reason.strip(), "paused_by": principal.actor}
    )
    if created:
        told = {"reason": pause.reason}
        audit.record(verb="queue_pause.begun", actor=principal.actor, obj=pause, system=system, payload=told)
    return pause


@transaction.atomic
def resume_queue(*, principal: Principal, pause: QueuePause) -> None:
    """Let the queue of a system go on.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_pause_queue` does.
    """
    acts.check_can_pause_queue(principal, pause.system)
    audit.record(verb="queue_pause.ended", actor=principal.actor, obj=pause, system=pause.system)
    pause.delete()


@transaction.atomic
def save_filter(
    *,
    principal: Principal,
    name: str,
    standing: str = "",
    system: System | None = None,
    risk_tier: str = "",
    reason: str = "",
    language: str = "",
) -> SavedFilter:
    """Keep a way to look at the queue under a name; under the same name it takes the other's place.

    Raises:
        AccessDenied, NotFound: the person may not save one, or the system is not among theirs.
        InvalidInput: it has no name, narrows by what there is not, or there are too many.
    """
    acts.check_can_save_filter(principal, system)
    name = name.strip()
    if not name or max(len(name), len(reason)) > KEY_LENGTH:
        raise InvalidInput(worded("A filter has a name, of %(most)s characters at most.", most=KEY_LENGTH))
    standings, tiers = ("", *TaskStanding), ("", *RiskTier)
    if standing not in standings or risk_tier not in tiers or (language and not is_language(language)):
        raise InvalidInput(worded("The queue has no such standing, risk or language."))
    mine = SavedFilter.objects.filter(user=principal.person)
    if mine.exclude(name=name).count() >= MOST_FILTERS:
        raise InvalidInput(
            worded(
                "You keep %(most_filters)s filters, which is the most: delete one first.",
                most_filters=MOST_FILTERS,
            )
        )
    told = {
        "standing": standing, "system": system, "risk_tier": risk_tier, "reason": reason, "language": language,
    }  # fmt: skip
    kept, _ = SavedFilter.objects.update_or_create(user=principal.person, name=name, defaults=told)
    return kept


@transaction.atomic
def delete_filter(*, principal: Principal, kept: SavedFilter) -> None:
    """Keep a filter no more; of what is not one's own nothing goes."""
    mine = visible_to(SavedFilter.objects.filter(pk=kept.pk), principal)
    SavedFilter.objects.filter(pk__in=mine.values("pk")).delete()


def _record_skill(verb: str, principal: Principal, skill: ReviewerSkill) -> None:
    told = {"person": actor_of_user(skill.user), "language": skill.language}
    audit.record(verb=verb, actor=principal.actor, obj=skill, system=skill.system, payload=told)
