"""What may be told of a release's findings to people who may not see internals (decision 0076)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, TypedDict

from django.db.models import Count, Exists, F, Max, OuterRef, QuerySet, Value
from django.db.models.fields.json import KT
from django.utils import timezone

from evidence.finding_summary import PlainSummary
from evidence.models import Evidence, Layer, Release, Role
from evidence.selectors.defeaters import standing_defeaters
from interpret import plain_words
from interpret.contracts import ClaimLevel, Status
from interpret.models import Finding
from interpret.plain_words import Words
from interpret.selectors.findings import items_for

JUDGED: Final = Finding.objects.filter(digest=OuterRef("digest"), verdict__isnull=False)


class _Alike(TypedDict):
    """Items of one role, statistic and rung; those names are not trusted, as whatever lies in a summary."""

    role: str
    statistic: str | None
    level: str | None
    status: str | None
    judged: bool  # by `interpret.verdicts`
    findings: int
    newest: datetime
    standing: int  # doubts that they opened and nobody has laid to rest


def told_of_release(release: Release) -> list[PlainSummary]:
    """Return what findings that hold for a release were put forward as; what counters comes first.

    One stands for all of a statistic that were tested alike. What was described, inconclusive or invalid was put
    forward as nothing, and is not told of. What a probe judged itself, before one rule did for all, is told as that.
    """
    stands = Exists(standing_defeaters().filter(evidence=OuterRef("pk")).values("pk"))
    alike: Any = (
        _with_words(items_for(release))
        .values("role", "statistic", "level", "status", "judged")
        .annotate(findings=Count("pk"), newest=Max("observed_to"), standing=Count("pk", filter=stands))
    )
    told = [_summary(each) for each in alike]
    return sorted(told, key=lambda each: (each.role != Role.COUNTER, each.says))


def told_of_items(keys: Collection[int]) -> dict[int, PlainSummary]:
    """Return what single items say of a finding, by their keys; of others, and of items that are none, nothing."""
    items: Any = _with_words(Evidence.objects.filter(pk__in=keys, layer=Layer.MECHANISTIC)).values(
        "pk",
        "role",
        "statistic",
        "level",
        "status",
        "judged",
        findings=Value(1),
        newest=F("observed_to"),
        standing=Value(0),
    )
    return {each["pk"]: _summary(each) for each in items}


def _with_words(items: QuerySet[Evidence]) -> QuerySet[Any]:
    """Annotate items with what their words follow from."""
    return items.annotate(
        statistic=KT("summary__statistic"),
        level=KT("summary__claim"),
        status=KT("summary__status"),
        judged=Exists(JUDGED),
    )


def _summary(alike: _Alike) -> PlainSummary:
    level = alike["level"] if alike["judged"] else None
    absent = alike["status"] == Status.NOT_SUPPORTED
    return PlainSummary(
        role=alike["role"],
        says=_says(alike["statistic"], absent=absent, judged=level in plain_words.TESTED),
        tested=str(_tested(level, absent=absent)),
        does_not_show=" ".join(map(str, _limits(level, absent=absent))),
        findings=alike["findings"],
        newest=timezone.localdate(alike["newest"]),
        standing=alike["standing"],
    )


def _says(statistic: str | None, *, absent: bool, judged: bool) -> str:
    claim = plain_words.CLAIMS.get(statistic or "")
    if absent and judged and claim is None:
        return str(plain_words.ANOTHER_ABSENT)
    if judged and not absent:
        return str(claim or plain_words.ANOTHER)
    before = plain_words.ABSENT_BEFORE if absent else plain_words.BEFORE
    frame = plain_words.ABSENT if judged else before
    named: Mapping[str, Words] = {"claim": claim or plain_words.ANOTHER}
    return str(frame) % named


def _tested(level: str | None, *, absent: bool) -> Words:
    if absent and level == ClaimLevel.ASSOCIATIONAL:
        return plain_words.ABSENT_UNCHANGED
    return plain_words.TESTED.get(level or "", plain_words.TESTED_BEFORE)


def _limits(level: str | None, *, absent: bool) -> list[Words]:
    if absent:
        return [plain_words.NOT_ELSEWHERE, plain_words.DOES_NOT_SHOW]
    changed = level in {ClaimLevel.INTERVENTIONAL, ClaimLevel.REPLICATED}
    return [plain_words.NOT_ALONE if changed else plain_words.NOT_USE, plain_words.DOES_NOT_SHOW]
