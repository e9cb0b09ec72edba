"""What of the queue is given to whom: by what they can judge, by pauses, and by a filter that they keep."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Value, When

from evidence import clock
from evidence.models import (
    Membership,
    QueuedTask,
    QueuePause,
    ReviewerPause,
    ReviewerSkill,
    RiskTier,
    SavedFilter,
    Scope,
    System,
    Trace,
)
from evidence.roles import ROLES
from evidence.selectors.gold import is_given_to_another

RANKS: Final = {RiskTier.HIGH.value: 0, RiskTier.MEDIUM.value: 1, RiskTier.LOW.value: 2}
# Drawn by a sampling plan. Of the same risk and due day they come first: what is missing of a sample bends its rate.
SAMPLING: Final = "sampling"
# Of a task that somebody opened by judging an answer that nobody was asked about: none waits without their review.
BY_JUDGING: Final = "requested_by_reviewer"
_REVIEWERS: Final = [name for name, rules in ROLES.items() if Scope.REVIEW in rules.scopes]


def rank_of_reason(reason: str) -> int:
    """Return where a reason stands among tasks of the same risk and due day: 0 is taken first."""
    return 0 if reason == SAMPLING else 1


def rank_of_risk() -> Case:
    """Return where the risk of a task stands, in the queue or not: its row there may be for somebody else alone."""
    return Case(*(When(risk_tier=tier, then=Value(rank)) for tier, rank in RANKS.items()))


def day_of(moment: datetime) -> date:
    """Return the day of a moment, UTC."""
    return moment.astimezone(UTC).date()


def language_of(trace: Trace) -> str:
    """Return the first subtag of the language of an answer, in lower case; empty: unknown."""
    first = trace.language.replace("_", "-").partition("-")[0].lower()
    return first if is_language(first) and first != "und" else ""


def is_language(subtag: str) -> bool:
    """Whether a text is what the first subtag of a language is: two to eight letters, lower case."""
    return 2 <= len(subtag) <= 8 and subtag.isascii() and subtag.isalpha() and subtag.islower()


def is_given_to(user: User, queued: str = "") -> Q:
    """Return the condition that a row of the queue is given to a person: nobody pauses, and they can judge it.

    Args:
        queued: where a row of the query names its place in the queue; empty: it is one.
    """
    at = f"{queued}__" if queued else ""
    pauses = ReviewerPause.objects.filter(user=user, until__gt=clock.now())
    paused = QueuePause.objects.filter(system=OuterRef(f"{at}system"))
    return ~Exists(pauses) & ~Q(Exists(paused)) & can_judge(user, at)


def can_judge(user: User | OuterRef, at: str) -> Q:
    """Return the condition that a row is in a system, and a language, that a person can judge; no skill: any.

    Args:
        user: a person, or where a row of the query names one.
        at: where it names its place in the queue, with what leads on; empty: it is one.
    """
    skills = ReviewerSkill.objects.filter(user=user)
    here = skills.filter(system=OuterRef(f"{at}system"))
    in_it = here.filter(Q(language="") | Q(language=OuterRef(f"{at}language")))
    return ~Q(Exists(skills)) | Q(Exists(in_it)) | (Q(**{f"{at}language": ""}) & Q(Exists(here)))


def can_judge_in(user: User, system: System, language: str) -> bool:
    """Whether a person can judge an answer of a system in a language, by what is said of them; empty: unknown."""
    skills = list(ReviewerSkill.objects.filter(user=user).values_list("system", "language"))
    return not skills or _covers({told for key, told in skills if key == system.pk}, language)


def pause_of(user: User) -> ReviewerPause | None:
    """Return the pause that a person is in; None: they are given answers."""
    return ReviewerPause.objects.filter(user=user, until__gt=clock.now()).first()


def count_fitting_nobody(systems: Collection[int]) -> int:
    """Return how many answers of systems wait to be judged and fit no reviewer of theirs, by what each can judge.

    Pauses count for nothing here: they end.
    """
    waiting = QueuedTask.objects.filter(
        ~is_given_to_another(None, "pk"), stage=QueuedTask.Stage.JUDGE, system__in=systems
    )
    kinds = waiting.order_by().values_list("system", "language").annotate(n=Count("*"))
    judged = _languages_judged(systems)
    return sum(
        n
        for system, language, n in kinds
        if not any(_covers(one, language) for one in judged.get(system, []))
    )


def narrowed(rows: QuerySet[QueuedTask], by: SavedFilter) -> QuerySet[QueuedTask]:
    """Return the rows of the queue that a filter leaves. Of standings only *overdue* narrows what waits."""
    told: dict[str, object] = {
        "system": by.system_id,
        "risk_rank": RANKS.get(by.risk_tier),
        "task__reason": by.reason or None,
        "language": by.language or None,
        "due_at__lt": clock.now() if by.standing == "overdue" else None,
    }
    return rows.filter(**{name: value for name, value in told.items() if value is not None})


def _languages_judged(systems: Collection[int]) -> dict[int, list[set[str]]]:
    """Return what each reviewer of a system judges in it, by system; an empty text is any language."""
    members = Membership.objects.filter(system__in=systems, user__is_active=True)
    reviewers = list(members.filter(user__groups__name__in=_REVIEWERS).values_list("system", "user"))
    skills: dict[int, dict[int, set[str]]] = {}
    rows = ReviewerSkill.objects.filter(user__in={user for _, user in reviewers})
    for user, system, language in rows.values_list("user", "system", "language"):
        skills.setdefault(user, {}).setdefault(system, set()).add(language)
    found: dict[int, list[set[str]]] = {}
    for system, user in reviewers:
        theirs = skills[user].get(system, set()) if user in skills else {""}
        found.setdefault(system, []).append(theirs)
    return found


def _covers(languages: set[str], language: str) -> bool:
    return bool(languages) and (not language or "" in languages or language in languages)
