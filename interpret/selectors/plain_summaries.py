"""What may be told of a release's findings to people who may not see internals (decision 0076)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from evidence.finding_summary import PlainSummary
from evidence.models import Evidence, Layer, Release, Role
from interpret import plain_words
from interpret.contracts import ClaimLevel
from interpret.models import Finding
from interpret.selectors.findings import fresh_for


def told_of_release(release: Release) -> list[PlainSummary]:
    """Return what findings that hold for a release were put forward as; what counters comes first.

    One stands for all of a statistic that were tested alike. What was described, inconclusive or invalid was put
    forward as nothing, and is not told of.
    """
    fresh = Finding.objects.filter(fresh_for(release), run__spec__system=release.system_id)
    items = Evidence.objects.filter(
        system=release.system_id, layer=Layer.MECHANISTIC, digest__in=fresh.values("digest")
    )
    alike = defaultdict[tuple[str, str, str], list[Evidence]](list)
    for item in items:
        alike[item.role, item.summary["statistic"], item.summary["claim"]].append(item)
    told = [_summary(*key, items) for key, items in alike.items()]
    return sorted(told, key=lambda each: (each.role != Role.COUNTER, each.says))


def _summary(role: str, statistic: str, level: str, items: Sequence[Evidence]) -> PlainSummary:
    claim = str(plain_words.CLAIMS.get(statistic, plain_words.ANOTHER))
    counters = role == Role.COUNTER
    limits = [plain_words.DOES_NOT_SHOW]
    if counters:
        limits.insert(0, plain_words.NOT_ELSEWHERE)
    elif level == ClaimLevel.ASSOCIATIONAL:
        limits.insert(0, plain_words.NOT_USE)
    return PlainSummary(
        role=role,
        says=str(plain_words.ABSENT) % {"claim": claim} if counters else claim,
        tested=str(plain_words.TESTED[level]),
        does_not_show=" ".join(map(str, limits)),
        findings=len(items),
        observed_to=max(item.observed_to for item in items),
    )
