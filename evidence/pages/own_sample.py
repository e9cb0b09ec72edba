"""A sample of a release's answers that whoever inspects draws for themselves. Its address draws the same again."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import list_url, record_url
from evidence.errors import Fault, InvalidInput, NotFound
from evidence.figures import in_percent
from evidence.models import Release, Trace
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.period import FROM, TO, read_days
from evidence.selectors.own_samples import CONFIDENCE, LONGEST_SEED, MOST_DRAWN, draw_own_sample
from evidence.worded import worded

SIZE: Final = "n"
SEED: Final = "seed"
_ENOUGH: Final = 59  # without a fault among them, fewer than 5 in 100 are at fault, at 95 % confidence


@page_view(permission="evidence.view_trace", parameters=[FROM, TO, SIZE, SEED], may_be_empty=True)
def own_sample(request: HttpRequest, principal: Principal, release_id: int) -> Page:
    """Ask for days, number and seed; with a seed in the address, show what it draws."""
    release = visible_to(Release.objects.select_related("system"), principal).filter(pk=release_id).first()
    if release is None:
        raise NotFound(worded("There is no such release among those that you may see."))
    days, seed, n = read_days(request), request.GET.get(SEED, ""), _read_size(request)
    context: dict[str, Any] = {
        "release": release, "days": days, "seed": seed, "n": n, "most": MOST_DRAWN, "longest": LONGEST_SEED,
        "confidence": in_percent(float(CONFIDENCE)),
    }  # fmt: skip
    if seed:
        began = {"started_at__gte": days.since, "started_at__lt": days.until}
        answers = visible_to(Trace.objects.filter(release=release, **began), principal)
        lean = answers.only(
            "trace_id", "revision", "question", "language", "risk_tier", "started_at", "payload_salt"
        )
        context["sample"] = draw_own_sample(lean, seed=seed, n=n)
    trail = [
        Step(gettext_lazy("Releases"), list_url("evidence.release")),
        Step(release.name, record_url(release)),
        Step(gettext_lazy("Dossier"), reverse("admin:dossier", args=[release.pk])),
    ]
    return Page("pages/own_sample.html", gettext_lazy("Draw a sample of your own"), context, trail)


def _read_size(request: HttpRequest) -> int:
    given = request.GET.get(SIZE, "") or str(_ENOUGH)
    if not given.isdecimal() or not 1 <= int(given[:9]) <= MOST_DRAWN or len(given) > len(str(MOST_DRAWN)):
        raise InvalidInput(
            faults=[Fault("query", SIZE, "invalid", worded("a number from 1 to %(most)s", most=MOST_DRAWN))]
        )
    return int(given)
