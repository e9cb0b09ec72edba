"""Reading doubts: where each stands as of a time, against which releases, and what it says to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.conf import settings
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils import timezone
from django.utils.module_loading import import_string

from evidence import clock
from evidence.clock import AsOf
from evidence.finding_summary import PlainSummary
from evidence.models import Defeater, DefeaterAnswer, Evidence, EvidenceLink, Layer, Release

OPEN: Final = "open"  # nobody has answered, or the answer was taken back
EXPIRED: Final = "expired"  # accepted until a time that has come
_KIND = DefeaterAnswer.Kind
STATES: Final = (OPEN, EXPIRED, _KIND.ACCEPTED.value, _KIND.MITIGATED.value, _KIND.REBUTTED.value)
STANDING: Final = (OPEN, EXPIRED)


def with_state(defeaters: QuerySet[Defeater], as_of: AsOf | None = None) -> QuerySet[Any]:
    """Annotate doubts with `state_now`, one of `STATES`, by the newest answer that is on record; None: now."""
    at, known = (clock.now(), Q()) if as_of is None else (as_of.at, as_of.knew("created_at"))
    answers = DefeaterAnswer.objects.filter(known, defeater=OuterRef("pk")).order_by("-pk")
    newest = {name: Subquery(answers.values(name)[:1]) for name in ("kind", "expires_at")}
    return defeaters.annotate(newest_kind=newest["kind"], newest_ends=newest["expires_at"]).annotate(
        state_now=Case(
            When(newest_kind=None, then=Value(OPEN)),
            When(newest_kind=_KIND.REOPENED, then=Value(OPEN)),
            When(newest_ends__lte=at, then=Value(EXPIRED)),
            default=F("newest_kind"),
        )
    )


def standing_defeaters(as_of: AsOf | None = None) -> QuerySet[Any]:
    """Return the doubts that nobody has laid to rest, oldest first."""
    return with_state(Defeater.objects.all(), as_of).filter(state_now__in=STANDING).order_by("pk")


def against(release: Release) -> Q:
    """Return the condition that a doubt is about a release: it arose on it, or what opened it holds for it as well.

    What was found inside a model holds as the panel of findings says; what else counters, for releases that pin all
    that it was measured on.
    """
    elsewhere = EvidenceLink.objects.filter(evidence=OuterRef("evidence")).exclude(
        version__in=release.pins.values("version")
    )
    held = import_string(settings.MECHANISTIC_EVIDENCE)(release)
    measured = ~Q(evidence__layer=Layer.MECHANISTIC) & ~Q(Exists(elsewhere))
    return Q(evidence__system=release.system_id) & (Q(release=release) | Q(evidence__in=held) | measured)


def newest_answer(defeater: Defeater) -> DefeaterAnswer | None:
    """Return the answer that counts: the one that none takes the place of."""
    return defeater.answers.order_by("-pk").first()


def told_of(defeaters: Iterable[Defeater]) -> Mapping[int, PlainSummary]:
    """Return what each of these doubts says, by its key, in words that anybody may read who may read the release."""
    items = {each.evidence_id: each.pk for each in defeaters}
    inside: Mapping[int, PlainSummary] = import_string(settings.PLAIN_WORDS)(items)
    others = Evidence.objects.filter(pk__in=items.keys() - inside.keys())
    return {
        items[key]: told for key, told in ({item.pk: _titled(item) for item in others} | {**inside}).items()
    }


def _titled(item: Evidence) -> PlainSummary:
    """Return what an item says that is no secret: its title."""
    day = timezone.localdate(item.observed_to)
    return PlainSummary(item.role, item.title, tested="", does_not_show="", findings=1, newest=day)
