"""What may be told of a release's findings to people who may not see internals (decision 0076)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypedDict

from django.db.models import Count, Exists, Max, OuterRef
from django.db.models.fields.json import KT
from django.utils import timezone

from evidence.finding_summary import PlainSummary
from evidence.models import Evidence, Layer, Release, Role
from interpret import plain_words
from interpret.contracts import ClaimLevel
from interpret.models import Finding
from interpret.plain_words import Words
from interpret.selectors.findings import fresh_for

JUDGED: Final = Finding.objects.filter(digest=OuterRef("digest"), verdict__isnull=False)


class _Alike(TypedDict):
    """Items of one role, statistic and rung; those names are not trusted, as whatever lies in a summary."""

    role: str
    statistic: str | None
    level: str | None
    judged: bool  # by `interpret.verdicts`
    findings: int
    newest: datetime


def told_of_release(release: Release) -> list[PlainSummary]:
    """Return what findings that hold for a release were put forward as; what counters comes first.

    One stands for all of a statistic that were tested alike. What was described, inconclusive or invalid was put
    forward as nothing, and is not told of. What a probe judged itself, before one rule did for all, is told as that.
    """
    fresh = Finding.objects.filter(fresh_for(release), run__spec__system=release.system_id)
    items = Evidence.objects.filter(
        system=release.system_id, layer=Layer.MECHANISTIC, digest__in=fresh.values("digest")
    )
    alike: Any = (
        items.annotate(statistic=KT("summary__statistic"), level=KT("summary__claim"), judged=Exists(JUDGED))
        .values("role", "statistic", "level", "judged")
        .annotate(findings=Count("pk"), newest=Max("observed_to"))
    )
    told = [_summary(each) for each in alike]
    return sorted(told, key=lambda each: (each.role != Role.COUNTER, each.says))


def _summary(alike: _Alike) -> PlainSummary:
    level = alike["level"] if alike["judged"] else None
    counters = alike["role"] == Role.COUNTER
    return PlainSummary(
        role=alike["role"],
        says=_says(alike["statistic"], counters=counters, judged=level in plain_words.TESTED),
        tested=str(_tested(level, counters=counters)),
        does_not_show=" ".join(map(str, _limits(level, counters=counters))),
        findings=alike["findings"],
        newest=timezone.localdate(alike["newest"]),
    )


def _says(statistic: str | None, *, counters: bool, judged: bool) -> str:
    claim = plain_words.CLAIMS.get(statistic or "")
    if counters and judged and claim is None:
        return str(plain_words.ANOTHER_ABSENT)
    if judged and not counters:
        return str(claim or plain_words.ANOTHER)
    before = plain_words.ABSENT_BEFORE if counters else plain_words.BEFORE
    frame = plain_words.ABSENT if judged else before
    named: Mapping[str, Words] = {"claim": claim or plain_words.ANOTHER}
    return str(frame) % named


def _tested(level: str | None, *, counters: bool) -> Words:
    if counters and level == ClaimLevel.ASSOCIATIONAL:
        return plain_words.ABSENT_UNCHANGED
    return plain_words.TESTED.get(level or "", plain_words.TESTED_BEFORE)


def _limits(level: str | None, *, counters: bool) -> list[Words]:
    if counters:
        return [plain_words.NOT_ELSEWHERE, plain_words.DOES_NOT_SHOW]
    changed = level in {ClaimLevel.INTERVENTIONAL, ClaimLevel.REPLICATED}
    return [plain_words.NOT_ALONE if changed else plain_words.NOT_USE, plain_words.DOES_NOT_SHOW]
