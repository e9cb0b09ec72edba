"""What was stored before bounds were set is counted with all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from evidence.vocabulary import CriterionVerdict
from requirements.bounds import MOST_HOURS, hours_of
from requirements.verdicts import Judgement, judge_later

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def test_a_time_beyond_all_bounds_is_the_longest_there_is() -> None:
    assert hours_of(8) == timedelta(hours=8)
    assert hours_of(1e300) == timedelta(hours=MOST_HOURS)


def test_a_verdict_with_such_an_age_is_judged_again() -> None:
    met = Judgement(CriterionVerdict.MET, "met")
    again = judge_later(met, observed_to=NOW - timedelta(days=1), max_age_days=2**31 - 1, as_of=NOW)
    assert again.verdict is CriterionVerdict.MET
