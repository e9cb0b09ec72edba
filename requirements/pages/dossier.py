"""The dossier of a release: all that stands behind it, as of now, with the way to each record.

A list that is cut says how many there are and leads to all of them. What colleagues said of answers that wait for
whoever reads is told nowhere (`access.visible_to`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence import clock, drawings
from evidence.access import Principal, known_reviews, visible_to
from evidence.admin.decision_page import show_reasons
from evidence.admin.defeater import show_state
from evidence.admin.frame.display import badge, drawing, figure, list_url, record_url, tone_of
from evidence.admin.frame.people import PeopleOfPage
from evidence.errors import InvalidInput, NotFound
from evidence.models import (
    Adjudication,
    Binder,
    BinderRequest,
    Defeater,
    Deployment,
    EvalRun,
    EvalScore,
    GateDecision,
    Release,
    Review,
    Scope,
    Trace,
    Waiver,
    WaiverRequest,
)
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.period import FROM, TO, Days, read_days
from evidence.selectors.counting import CountsOfPage
from evidence.selectors.defeaters import STANDING, against, told_of
from evidence.selectors.defeaters import with_state as doubts_with_state
from evidence.selectors.release_activity import (
    MOST_UNASKED,
    Activity,
    Rate,
    Said,
    activity_of,
    expected_answers,
    reviewed_of,
    reviews_of,
    said_of,
)
from evidence.selectors.release_activity import Step as Stretch
from evidence.selectors.waivers import WAITING, is_in_force
from evidence.selectors.waivers import with_state as waivers_with_state
from evidence.statistics.intervals import BOUND_CONFIDENCE
from evidence.worded import worded
from requirements import acts
from requirements.covered import Standing
from requirements.selectors.coverage import Coverage, cover, layer_map

BY: Final = "by"
MOST: Final = 20  # rows of a list
MOST_REQUIREMENTS: Final = 100
_MANY_DAYS: Final = 62  # from then on a trend is by week, unless the address says otherwise

_TRENDS: Final[Mapping[str, StrOrPromise]] = {
    "answers": gettext_lazy("Answers"),
    "material": gettext_lazy("Claims a source could confirm"),
    "unsupported": gettext_lazy("Claims not supported"),
    "citations": gettext_lazy("Citations"),
    "not_found": gettext_lazy("Citations not found"),
    "denied": gettext_lazy("Policy checks that denied"),
    "escalated": gettext_lazy("Policy checks that escalated"),
    "reviews": gettext_lazy("Reviews"),
    "changed": gettext_lazy("Reviews that override or reject"),
}
_OF_REVIEWS: Final = ("reviews", "changed")


@dataclass(frozen=True, slots=True)
class Listed:
    """The newest rows of a list, how many there are in the period, how many in all, and where all of them are."""

    rows: Sequence[Any]
    url: str
    count: Callable[[], int]
    count_in_all: Callable[[], int]

    @property
    def n(self) -> int:
        """How many there are in the period."""
        return self.count()

    @property
    def n_in_all(self) -> int:
        """How many there are in all."""
        return self.count_in_all()

    @property
    def is_cut(self) -> bool:
        """Whether there are more than are shown here."""
        return self.n_in_all > len(self.rows)


@dataclass(frozen=True, slots=True)
class Trend:
    """A column of the activity, as a small drawing and its sum."""

    name: StrOrPromise
    total: int
    svg: SafeString


@dataclass(frozen=True, slots=True)
class ShownRate:
    """A count with its share."""

    name: SafeString
    count: int
    share: str


@page_view(permission="evidence.view_release", parameters=[FROM, TO, BY])
def dossier(request: HttpRequest, principal: Principal, release_id: int) -> Page:
    """Show a release with everything that stands behind it."""
    release = _find(principal, release_id)
    days = read_days(request)
    step = _step(request, days)
    see = _Seeing(request, principal, release, days)
    shown = {
        "pins": _pins(see),
        "deployments": _deployments(see),
        "decisions": _decisions(see),
        "runs": _runs(see),
        "waivers": _waivers(see),
        "n_waivers_asked": see.counts.ask(_waivers_asked(see)),
        "doubts": _doubts(see),
        "binders": _binders(see),
    }
    context: dict[str, Any] = {
        "release": release,
        "now": clock.now(),
        "days": days,
        "step": step,
        "steps": [(Stretch.DAY, _("day")), (Stretch.WEEK, _("week"))],
        **shown,
        **_coverage(see),
        **_over_time(see, step),
        "created_by": see.people.show(release.created_by),
        "may_export": principal.may(Scope.BINDER),
        "asked": urlencode({FROM: days.first.isoformat(), TO: days.last.isoformat()}),
    }
    trail = [
        Step(gettext_lazy("Releases"), list_url("evidence.release")),
        Step(release.name, record_url(release)),
    ]
    return Page(
        "pages/dossier.html", _("Dossier of %(release)s") % {"release": release.name}, context, trail, here=_("Dossier")
    )  # fmt: skip


class _Seeing:
    """Who looks at which release, over which days."""

    def __init__(self, request: HttpRequest, principal: Principal, release: Release, days: Days) -> None:
        self.request, self.principal, self.release, self.days = request, principal, release, days
        self.now, self.people, self.counts = clock.now(), PeopleOfPage(), CountsOfPage()

    def visible(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow to what the person may see; nothing where the noun is not for them."""
        options = rows.model._meta
        may = self.request.user.has_perm(f"{options.app_label}.view_{options.model_name}")
        return visible_to(rows, self.principal) if may else rows.none()

    def of_period(self, column: str) -> dict[str, datetime]:
        return {f"{column}__gte": self.days.since, f"{column}__lt": self.days.until}

    def listed(
        self, rows: QuerySet[Any], column: str, *, most: int = MOST, related: Sequence[str] = ()
    ) -> Listed:
        """Return the newest rows of the period, with how many there are in it and in all.

        Args:
            column: when each was; empty: the period does not narrow this list.
        """
        of_period = rows.filter(**self.of_period(column)) if column else rows
        newest = of_period.select_related(*related) if related else of_period
        url = list_url(rows.model._meta.label_lower, release__id__exact=self.release.pk)
        in_all = self.counts.ask(rows)
        count = self.counts.ask(of_period) if column else in_all
        return Listed(list(newest.order_by("-pk")[:most]), url, count, in_all)


def _find(principal: Principal, release_id: int) -> Release:
    release = visible_to(Release.objects.select_related("system"), principal).filter(pk=release_id).first()
    if release is None:
        raise NotFound(worded("There is no such release among those that you may see."))
    return release


def _step(request: HttpRequest, days: Days) -> Stretch:
    given = request.GET.get(BY, "")
    if given and given not in set(Stretch):
        raise InvalidInput(worded("A trend is by day or by week."))
    return Stretch(given or (Stretch.WEEK if days.n > _MANY_DAYS else Stretch.DAY))


def _pins(see: _Seeing) -> list[tuple[Any, str]]:
    """Return each pin, with who vouches for its version."""
    rows = see.visible(see.release.pins.select_related("version__artefact", "version__registration"))
    pins = list(rows.order_by("slot"))
    vouched = [getattr(pin.version, "registration", None) for pin in pins]
    return [
        (pin, see.people.show(each.registered_by) if each else "")
        for pin, each in zip(pins, vouched, strict=True)
    ]


def _deployments(see: _Seeing) -> Listed:
    """Return where the release was live, since when and until when."""
    after = Deployment.objects.filter(
        Q(effective_from__gt=OuterRef("effective_from"))
        | Q(effective_from=OuterRef("effective_from"), pk__gt=OuterRef("pk")),
        system=OuterRef("system"),
        environment=OuterRef("environment"),
    ).order_by("effective_from", "pk")
    rows = see.visible(Deployment.objects.filter(release=see.release))
    found = see.listed(rows.annotate(until=Subquery(after.values("effective_from")[:1])), "")
    for each in found.rows:
        each.shown_by = see.people.show(each.deployed_by)
        each.shown_basis = badge(f"by_{each.basis}")
        each.is_live = each.effective_from <= see.now and (each.until is None or each.until > see.now)
    return found


def _decisions(see: _Seeing) -> Listed:
    rows = see.visible(GateDecision.objects.filter(release=see.release).defer("inputs"))
    found = see.listed(rows, "decided_at", related=["gate_version__artefact"])
    for each in found.rows:
        each.shown_by = see.people.show(each.decided_by)
        each.told, each.tone = show_reasons(each), tone_of(each.verdict)
    return found


def _runs(see: _Seeing) -> Listed:
    rows = see.visible(EvalRun.objects.filter(release=see.release))
    related = ["suite__artefact", "retraction"]
    found = see.listed(rows, "received_at", related=related)
    scores: dict[int, list[tuple[str, str]]] = {}
    whole = see.visible(EvalScore.objects.filter(run__in=[each.pk for each in found.rows], slice={}))
    for score in whole.order_by("metric"):
        scores.setdefault(score.run_id, []).append((score.metric, _figure(score)))
    for each in found.rows:
        each.shown_by = see.people.show(each.posted_by)
        each.whole = scores.get(each.pk, [])
        each.is_retracted = hasattr(each, "retraction")
    return found


def _figure(score: EvalScore) -> str:
    return figure(
        value=score.value,
        unit=score.unit,
        low=score.low,
        high=score.high,
        n=score.n,
        confidence=score.confidence,
    )


def _waivers(see: _Seeing) -> Listed:
    found = see.listed(see.visible(Waiver.objects.filter(release=see.release)), "")
    for each in found.rows:
        each.asked_by, each.granted_by = (
            see.people.show(one) for one in (each.requested_by, each.approved_by)
        )
        each.in_force = is_in_force(each, see.now)
    return found


def _waivers_asked(see: _Seeing) -> QuerySet[Any]:
    asked = waivers_with_state(see.visible(WaiverRequest.objects.filter(release=see.release)))
    return asked.filter(state_now=WAITING)


def _doubts(see: _Seeing) -> Listed:
    """Return the doubts, those that stand first; of these it tells how many there are."""
    rows = doubts_with_state(see.visible(Defeater.objects.filter(against(see.release))))
    stands_first = Case(When(state_now__in=STANDING, then=Value(0)), default=Value(1))
    newest = list(rows.select_related("release").order_by(stands_first, F("pk").desc())[:MOST])
    told = told_of(newest)
    for each in newest:
        each.told, each.state = told[each.pk], show_state(each.state_now)
    url = list_url("evidence.defeater", against=see.release.pk)
    standing = see.counts.ask(rows.filter(state_now__in=STANDING))
    return Listed(newest, url, standing, see.counts.ask(rows))


def _binders(see: _Seeing) -> dict[str, Any]:
    rows = see.visible(Binder.objects.filter(release=see.release).defer("sidecar"))
    found = see.listed(rows, "created_at")
    waiting = see.visible(BinderRequest.objects.filter(release=see.release)).filter(
        state__in=[BinderRequest.State.QUEUED, BinderRequest.State.RUNNING]
    )
    for each in found.rows:
        each.shown_by = see.people.show(each.created_by)
    return {
        "list": found,
        "n_waiting": see.counts.ask(waiting),
        "waiting_url": list_url("evidence.binderrequest", release__id__exact=see.release.pk),
    }


def _coverage(see: _Seeing) -> dict[str, Any]:
    """Return requirements by criteria; to a reviewer whom verdicts could lead, that they are not told."""
    if not see.request.user.has_perm("requirements.view_assessment"):
        return {"coverage": None}
    found = cover(see.release)
    if not acts.can_read_coverage(see.principal, see.release, counts_reviews=found.counts_reviews):
        return {"coverage": None, "is_kept": True}
    return {
        "coverage": found,
        "layers": layer_map(found),
        "standings": list(Standing),
        "rows": _worst_first(found)[:MOST_REQUIREMENTS],
        "n_requirements": len(found.requirements),
    }


def _worst_first(found: Coverage) -> list[Any]:
    order = list(Standing)
    return sorted(found.requirements, key=lambda each: (order.index(each.standing), each.key))


def _over_time(see: _Seeing, step: Stretch) -> dict[str, Any]:
    """Return what the release did and what reviewers said; of a great many answers, only where it is asked for."""
    answers = see.visible(Trace.objects.all())
    if BY not in see.request.GET:
        expected = expected_answers(see.release, answers, see.days.since, see.days.until)
        if expected > MOST_UNASKED:
            return {"uncounted": expected}
    period = (see.days.since, see.days.until)
    said = said_of(see.release, see.visible(Review.objects.all()), *period)
    return {**_reviews(see, said), **_activity(activity_of(see.release, answers, said, *period, step))}


def _reviews(see: _Seeing, said: Said) -> dict[str, Any]:
    if not see.request.user.has_perm("evidence.view_review"):
        return {"reviews": None}
    known = reviewed_of(see.release, known_reviews(see.principal), see.days.since, see.days.until)
    found = reviews_of(said, count_known=see.counts.ask(known))
    settled = see.visible(
        Adjudication.objects.filter(task__trace__release=see.release, **see.of_period("created_at"))
    )
    return {
        "reviews": found,
        "decisions_made": [_shown_rate(name, rate) for name, rate in found.decisions.items()],
        "reasons_given": [_shown_rate(name, rate) for name, rate in found.reasons.items()],
        "n_settled": see.counts.ask(settled),
        "settled_url": list_url("evidence.adjudication", task__trace__release__id__exact=see.release.pk),
        "reviews_url": list_url("evidence.review", task__trace__release__id__exact=see.release.pk),
        "agreement": urlencode(
            {
                "system": see.release.system.key,
                FROM: see.days.first.isoformat(),
                TO: see.days.last.isoformat(),
            }
        ),
    }


def _shown_rate(name: str, rate: Rate) -> ShownRate:
    share = rate.share
    told = share and figure(
        value=share.value, unit=_("share of reviews"), low=share.low, high=share.high, n=rate.n,
        bound_confidence=BOUND_CONFIDENCE,
    )  # fmt: skip
    return ShownRate(badge(name), rate.count, told or "")


def _activity(activity: Activity) -> dict[str, Any]:
    names = [name for name in _TRENDS if activity.is_counted or name in _OF_REVIEWS]
    return {
        "is_counted": activity.is_counted,
        "trends": list(_trends(activity, names)),
        "columns": [_TRENDS[name] for name in names],
        "table": [(each.first, [getattr(each, name) for name in names]) for each in activity.stretches],
    }


def _trends(activity: Activity, names: Iterable[str]) -> Iterable[Trend]:
    for name in names:
        title = f"{_TRENDS[name]}, {_('by day') if activity.step is Stretch.DAY else _('by week')}"
        yield Trend(
            _TRENDS[name],
            activity.total(name),
            drawing(drawings.sparkline(activity.column(name), title=title)),
        )
