"""How the reviewers of a system agree over a period: all of them, by pair, by reason, and on single claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.access import Principal, find_system, known_reviews, visible_to
from evidence.admin.frame.display import badge, list_url
from evidence.admin.frame.people import names_of
from evidence.errors import PeriodTooFull
from evidence.figures import in_figures
from evidence.models import ClaimJudgement, Review, System
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.period import FROM, TO, Days, read_days
from evidence.selectors.review_agreement import (
    Counted,
    Figure,
    NoNumber,
    ReviewAgreement,
    agreement_of_reviewers,
)
from evidence.statistics.intervals import Estimate
from evidence.statistics.ratings import FEWEST_UNITS

_SYSTEM: Final = "system"
_SAYS: Final[Mapping[NoNumber, object]] = {
    NoNumber.NOT_JUDGED_TWICE: gettext_lazy("nobody judged the same"),
    NoNumber.ALL_ALIKE: gettext_lazy("all judgements are the same: chance would explain as much"),
}


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """A row of a table."""

    name: object
    n: int
    n_units: int
    share: str
    alpha: str


@page_view(permission="evidence.view_review", parameters=[_SYSTEM, FROM, TO])
def review_agreement(request: HttpRequest, principal: Principal) -> Page:
    """Show how reviewers agree, by the reviews that whoever opens it may read."""
    systems = list(visible_to(System.objects.order_by("name"), principal))
    key = request.GET.get(_SYSTEM) or (systems[0].key if systems else "")
    days = read_days(request)
    context = {"systems": systems, "key": key, "first": days.first, "last": days.last}
    if key:
        context |= _figures(principal, find_system(principal, key), days)
    trail = [Step(gettext_lazy("Reviews"), list_url("evidence.review"))]
    return Page("pages/review_agreement.html", gettext_lazy("How reviewers agree"), context, trail)


def _figures(principal: Principal, system: System, days: Days) -> dict[str, object]:
    """Return what the page shows of a period; of one that holds too much, that."""
    try:
        return _show(
            agreement_of_reviewers(
                visible_to(Review.objects.all(), principal),
                visible_to(ClaimJudgement.objects.all(), principal),
                system,
                days.since,
                days.until,
                known=known_reviews(principal),
            )
        )
    except PeriodTooFull as exc:
        return {"too_full": exc.most}


def _show(found: ReviewAgreement) -> dict[str, object]:
    names = names_of(person for pair in found.pairs for person in pair.people)
    return {
        "counted": list(_counted(found.counted)),
        "whole": [
            _row(_("Decisions"), found.decisions),
            _row(_("Single claims"), found.claims),
        ],
        "pairs": [
            _row(" – ".join(names.get(person, person) for person in pair.people), pair.decisions)
            for pair in found.pairs
        ],
        "reasons": [
            (_row(badge(each.reason_code), each.named), each.n_named) for each in found.reasons
        ],
        "fewest": FEWEST_UNITS,
    }  # fmt: skip


def _counted(counted: Counted) -> Iterable[str]:
    """Yield what the figures are made of, and what they are not where there is any."""
    told = {"reviews": counted.reviews, "answers": counted.answers}
    yield _("%(reviews)s reviews of %(answers)s answers in the period") % told
    if n := counted.judged_by_one:
        yield _("judged by one person: %(n)s") % {"n": n}
    if n := counted.second_awaited:
        yield _("of these, a second is awaited for: %(n)s") % {"n": n}
    if n := counted.earlier_revisions:
        yield _("reviews of earlier revisions, not counted: %(n)s") % {"n": n}
    if n := counted.kept_from_reader:
        yield _("answers that wait for you, not counted: %(n)s") % {"n": n}


def _row(name: object, found: Figure) -> ShownFigure:
    return ShownFigure(name, found.n, found.n_units, _shown(found.share), _shown(found.alpha) or _why(found))


def _shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    return f"{in_figures(estimate.value, 3)} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _why(found: Figure) -> str:
    if found.why is NoNumber.TOO_FEW:
        return _("too few: %(n)s of %(fewest)s") % {"n": found.n_units, "fewest": FEWEST_UNITS}
    return str(_SAYS[found.why]) if found.why else ""
