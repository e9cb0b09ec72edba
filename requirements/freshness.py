"""How recent evidence has to be, and whether it is: apart from what it shows. Pure.

Verdict and freshness are two axes. What a criterion came to by all that was observed is one thing, and whether enough
of that is recent is another: "met, stale since 3 May" is neither a pass nor "not met". The stored verdict of a gate's
reason and of a binder stays one word, in which *stale* outranks a pass (`requirements.verdicts`); here it is taken
apart again. Why so: docs/decisions/0060.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from evidence.statistics import End, judge_bounds
from evidence.vocabulary import CriterionVerdict as Verdict
from requirements.drafts import Comparator

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)  # nothing was observed before, however old it may be
_VERDICT_OF: Final = {
    End.PASS: Verdict.MET,
    End.FAIL: Verdict.NOT_MET,
    End.INSUFFICIENT: Verdict.INSUFFICIENT,
}
_WORST_FIRST: Final = (Verdict.NOT_MET, Verdict.INSUFFICIENT, Verdict.MET)


@dataclass(frozen=True, slots=True)
class Recency:
    """What a criterion came to, and whether that is recent."""

    verdict: Verdict  # by all that was observed, never `stale`
    is_stale: bool
    stale_since: datetime | None  # None: it is fresh, or nobody knows since when it is not

    @property
    def is_pass(self) -> bool:
        """Whether it is met by recent evidence: nothing else is a pass."""
        return self.verdict is Verdict.MET and not self.is_stale


def oldest_allowed(at: datetime, max_age_days: int) -> datetime:
    """Return from when on evidence is recent enough at a time; the beginning, where that is longer ago."""
    days = (at - BEGINNING) // timedelta(days=1)
    return at - timedelta(days=max_age_days) if max_age_days <= days else BEGINNING


def too_old_from(observed_to: datetime, max_age_days: int) -> datetime | None:
    """Return when what was observed then becomes too old; None where no calendar goes so far."""
    try:
        return observed_to + timedelta(days=max_age_days)
    except OverflowError:
        return None


def standing_of(
    verdict: Verdict,
    *,
    whatever_its_age: Verdict,
    observed_to: datetime | None,
    max_age_days: int | None,
    judged_at: datetime,
    at: datetime,
) -> Recency:
    """Return how an assessment stands at a time.

    Args:
        verdict: as it was stored, in one word.
        whatever_its_age: what the same facts come to with no age limit (`judge_whatever_its_age`).
        judged_at: as of when it was judged; what was found stale then has been since then at least.
    """
    ends = too_old_from(observed_to, max_age_days) if observed_to and max_age_days is not None else None
    if ends is not None and ends < at:
        return Recency(whatever_its_age, is_stale=True, stale_since=ends)
    if verdict is Verdict.STALE:
        return Recency(whatever_its_age, is_stale=True, stale_since=judged_at)
    return Recency(whatever_its_age, is_stale=False, stale_since=None)


def judge_whatever_its_age(
    verdict: Verdict,
    parts: Sequence[Mapping[str, Any]],
    *,
    comparator: Comparator,
    threshold: float,
    min_n: int,
) -> Verdict:
    """Return what a stored assessment comes to without an age limit, from its inputs; its own verdict unless stale.

    Args:
        parts: `Assessment.inputs["measured"]`: the whole and each slice, with and without the limit.
    """
    if verdict is not Verdict.STALE:
        return verdict
    found = [_judge_part(part, comparator, threshold, min_n) for part in parts]
    return min(found, key=_WORST_FIRST.index, default=Verdict.INSUFFICIENT)


def judge_stale(measured: Any, comparator: str, threshold: float, min_n: int) -> Verdict:
    """Return what a stored assessment that is stale comes to without an age limit, from its columns.

    Args:
        measured: `Assessment.inputs["measured"]`, as its value or as JSON text; None: it has none.
    """
    parts = json.loads(measured) if isinstance(measured, str) else measured
    rule = Comparator(comparator)
    return judge_whatever_its_age(
        Verdict.STALE, parts or (), comparator=rule, threshold=threshold, min_n=min_n
    )


def _judge_part(part: Mapping[str, Any], comparator: Comparator, threshold: float, min_n: int) -> Verdict:
    ever = cast("Mapping[str, Any]", part.get("ever") or {})
    estimate = cast("Mapping[str, Any]", ever.get("inputs") or {}).get("estimate")
    if not estimate or part["recent"]["obstacles"] or estimate["n"] < max(min_n, 1):
        return Verdict.INSUFFICIENT
    higher = comparator is Comparator.AT_LEAST
    return _VERDICT_OF[judge_bounds(estimate["low"], estimate["high"], threshold, higher_is_better=higher)]
