"""What the front page tells a person: what waits for them, and how their systems stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Min, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence import clock
from evidence.actors import remembering_people
from evidence.acts import (
    can_answer_defeater,
    can_approve,
    can_approve_gate,
    can_approve_reading,
    can_confirm_access,
    can_draw_sample,
    can_freeze_population,
    can_judge,
    can_operate,
    may_confirm_retraction,
    may_waive,
)
from evidence.admin.frame.base import admin_of
from evidence.admin.frame.display import list_url
from evidence.admin.frame.visibility import visible
from evidence.admin.review.queue import TITLES
from evidence.models import (
    INSTRUMENT_KINDS,
    AccessProposal,
    Artefact,
    ArtefactKind,
    ArtefactVersion,
    GateDecision,
    GateState,
    ReadingState,
    ReviewTask,
    SamplingPlan,
    System,
)
from evidence.pages.reader import principal_of
from evidence.selectors.counting import Counted, Waits, count_each
from evidence.selectors.defeaters import standing_defeaters
from evidence.selectors.gates import with_standing
from evidence.selectors.readings import readings_with_standing
from evidence.selectors.retractions import WAITING, waiting_retractions
from evidence.selectors.review_tasks import TaskStanding, in_standing
from evidence.selectors.review_work import count_fitting_nobody
from evidence.selectors.sampling import ENDED, FROZEN, with_state
from evidence.selectors.unread_libraries import UnreadLibraries, find_unread_libraries
from evidence.selectors.waivers import waiting_waivers

_WEEK: Final = timedelta(days=7)
_MOST_GATES: Final = 3  # of one system; the list of decisions has those of all
_VERDICTS: Final = (GateDecision.Verdict.FAIL, GateDecision.Verdict.INSUFFICIENT, GateDecision.Verdict.PASS)

_MOST_PLANS: Final = 20  # of samples, likewise: each takes two queries
MOST_ASKED: Final = 200  # proposals of which a front page asks, one by one, whether they wait for the person


@dataclass(frozen=True, slots=True)
class Waiting:
    """A figure of the queue and where it leads."""

    text: StrOrPromise
    count: (
        int | None
    )  # as `count_some` counts, where there may be many; None: the text says why nobody counted
    url: str
    oldest: int | None = (
        None  # days since the oldest began to wait; None where nothing does, or nobody is told
    )


def waiting_of(
    text: StrOrPromise, rows: Iterable[Any], since: Callable[[Any], datetime], url: str
) -> Waiting:
    """Return a figure of what waits for a person, with the age of the oldest.

    Args:
        rows: that wait for this person.
        since: when one began to.
    """
    began = [since(row) for row in rows]
    return Waiting(text, len(began), url, days_since(min(began)) if began else None)


def waiting_since(text: StrOrPromise, counted: Counted, url: str) -> Waiting:
    """Return a figure of what was counted where it is stored."""
    return Waiting(text, counted.n, url, days_since(counted.since) if counted.since else None)


@dataclass(frozen=True, slots=True)
class Section:
    """What waits for whoever has a role, and where they begin something new."""

    key: str  # within the page
    title: StrOrPromise
    ways: tuple[tuple[StrOrPromise, str], ...]  # what is begun there, and its address
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """The front page of one person."""

    waiting: tuple[Waiting, ...]
    approvals: tuple[Waiting, ...]  # empty for those who approve nothing
    sections: tuple[Section, ...]  # of authors and researchers, from apps that evidence must not import
    systems: list[Any]  # each with the last decision of each of its `gates`, and its `strip`
    may_judge: bool


def work_of(request: HttpRequest) -> Work | None:
    """Return what waits for the person, or nothing for those who see no evidence."""
    queue = admin_of(admin.site, ReviewTask)
    if queue is None or not queue.has_view_permission(request):
        return None
    systems = list(visible(System.objects.all(), request))
    decided = _last_of_each_gate(request)
    strips = import_string(settings.FRONT_PAGE_STRIPS)(principal_of(request), {each.pk for each in systems})
    for each in systems:
        last = decided.get(each.pk, [])
        each.gates, each.n_more_gates = last[:_MOST_GATES], len(last[_MOST_GATES:])
        each.strip = strips.get(each.pk)
    with remembering_people():
        approvals = _approvals(request)
        sections = [import_string(each)(request, strips) for each in settings.FRONT_PAGE_WORK]
    return Work(
        _waiting(request),
        approvals,
        tuple(each for each in sections if each is not None),
        systems,
        can_judge(principal_of(request)),
    )


def _last_of_each_gate(request: HttpRequest) -> dict[int, list[GateDecision]]:
    """Return the last decision of each gate, by system, with what keeps a release out first.

    One gate's pass says nothing of what another found, so that no decision stands for all.
    """
    decisions = visible(GateDecision.objects.all(), request)
    last = decisions.filter(gate_version__artefact=OuterRef("pk")).order_by("-decided_at", "-pk")
    gates = visible(Artefact.objects.filter(kind=ArtefactKind.GATE), request)
    keys = [pk for pk in gates.values_list(Subquery(last.values("pk")[:1]), flat=True) if pk is not None]
    rows = decisions.filter(pk__in=keys).select_related("release", "gate_version__artefact")
    by_system: dict[int, list[GateDecision]] = {}
    for each in sorted(rows.defer("reasons", "inputs"), key=_worst_first):
        by_system.setdefault(each.system_id, []).append(each)
    return by_system


def _worst_first(decision: GateDecision) -> tuple[int, str]:
    return _VERDICTS.index(decision.verdict), decision.gate_version.artefact.key


def unread_of(request: HttpRequest) -> UnreadLibraries | None:
    """Return the libraries that nothing reads, for operators; nothing for others, and where all are read."""
    if not can_operate(principal_of(request)):
        return None
    unread = find_unread_libraries(clock.now() - _WEEK)
    return unread if unread.libraries else None


def proposals_of(request: HttpRequest) -> tuple[Waiting, ...]:
    """Return what other operators proposed and this one may confirm, and what waits and fits no reviewer of theirs.

    Empty for those who confirm nothing.
    """
    if request.user.pk is None or not can_operate(principal := principal_of(request)):
        return ()
    waiting = visible(AccessProposal.objects.all(), request).filter(
        confirmation=None, expires_at__gt=clock.now()
    )[:MOST_ASKED]
    count = sum(can_confirm_access(principal, proposal) for proposal in waiting)
    n_lost = count_fitting_nobody(principal.system_ids)
    return (
        Waiting(_("Access proposals to confirm"), count, list_url("evidence.accessproposal")),
        Waiting(_("Answers that no reviewer can judge"), n_lost, list_url("evidence.reviewerskill")),
    )


def _waiting(request: HttpRequest) -> tuple[Waiting, ...]:
    principal = principal_of(request)
    first = TaskStanding.WAITING if can_judge(principal) else TaskStanding.OPEN
    standings = (first, TaskStanding.OVERDUE, TaskStanding.DISPUTED)
    tasks = visible(ReviewTask.objects.all(), request)
    counted = count_each(
        {each.value: Waits(in_standing(tasks, each, principal.person), "created_at") for each in standings}
    )
    return tuple(
        waiting_since(TITLES[each], counted[each.value], list_url("evidence.reviewtask", standing=each.value))
        for each in standings
    )


def days_since(moment: datetime) -> int:
    """Return how many whole days ago something was."""
    return (clock.now() - moment).days


def _approvals(request: HttpRequest) -> tuple[Waiting, ...]:
    """Return what waits for this approver, of their systems: what they proposed waits for another."""
    principal = principal_of(request)
    if not can_approve(principal):
        return ()
    versions = visible(ArtefactVersion.objects.all(), request)
    proposed = with_standing(versions).filter(state_now=GateState.PROPOSED)[:MOST_ASKED]
    drafted = readings_with_standing(versions).filter(state_now=ReadingState.PROPOSED)[:MOST_ASKED]
    asked = visible(waiting_retractions(), request).select_related("run__release", "run__system")[:MOST_ASKED]
    waivers = visible(waiting_waivers(), request).select_related("release__system")[:MOST_ASKED]
    plans = with_state(visible(SamplingPlan.objects.all(), request)).filter(state_now__in=[ENDED, FROZEN])
    due = plans.select_related("system", "release", "population__draw")[:_MOST_PLANS]
    of_others = [import_string(path)(request) for path in settings.FRONT_PAGE_APPROVALS]
    made = attrgetter("created_at")
    return (
        waiting_of(
            _("Versions of gates to approve"),
            (version for version in proposed if can_approve_gate(principal, version)),
            made,
            list_url("evidence.artefactversion", gate=GateState.PROPOSED.value),
        ),
        waiting_of(
            _("Readings of traces to approve"),
            (version for version in drafted if can_approve_reading(principal, version)),
            made,
            list_url("evidence.artefactversion", reading=ReadingState.PROPOSED.value),
        ),
        _unregistered(versions),
        waiting_of(
            _("Retractions to confirm"),
            (each for each in asked if may_confirm_retraction(principal, each)),
            made,
            list_url("evidence.retractionrequest", state=WAITING),
        ),
        waiting_of(
            _("Waivers to grant"),
            (each for each in waivers if may_waive(principal, each)),
            made,
            list_url("evidence.waiverrequest", state=WAITING),
        ),
        waiting_of(
            _("Sampling plans to freeze or draw"),
            (
                plan
                for plan in due
                if can_freeze_population(principal, plan) or can_draw_sample(principal, plan)
            ),
            attrgetter("period_to"),
            list_url("evidence.samplingplan"),
        ),
        *(waiting for each in of_others for waiting in each),
        _doubts(request),
    )


def _unregistered(versions: QuerySet[ArtefactVersion]) -> Waiting:
    """Return what decides what passes and nobody vouches for; there may be many, so they are counted where they are."""
    rows = versions.filter(artefact__kind__in=INSTRUMENT_KINDS, registration__isnull=True)
    found = rows.aggregate(count=Count("pk"), first=Min("created_at"))
    oldest = days_since(found["first"]) if found["first"] else None
    url = list_url("evidence.artefactversion", registered="approver")
    return Waiting(_("Suites, evaluators and datasets to register"), found["count"], url, oldest)


def _doubts(request: HttpRequest) -> Waiting:
    """Return the doubts that this person may answer, and for how long the oldest has stood."""
    principal = principal_of(request)
    standing = visible(standing_defeaters(), request).select_related("evidence", "release__system")[
        :MOST_ASKED
    ]
    mine = [each for each in standing if can_answer_defeater(principal, each)]
    oldest = (clock.now().date() - mine[0].opened_on).days if mine else None
    return Waiting(_("Doubts to answer"), len(mine), list_url("evidence.defeater", state="standing"), oldest)
