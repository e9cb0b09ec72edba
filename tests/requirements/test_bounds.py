"""What was stored before bounds were set is counted with all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from evidence.vocabulary import CriterionVerdict
from requirements.bounds import MOST_HOURS, days_before, hours_of
from requirements.verdicts import Judgement, judge_later

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def test_an_age_beyond_all_time_reaches_back_to_its_beginning() -> None:
    assert days_before(NOW, 30) == NOW - timedelta(days=30)
    assert days_before(NOW, 2**31 - 1) == datetime.min.replace(tzinfo=UTC)
    assert hours_of(8) == timedelta(hours=8)
    assert hours_of(1e300) == timedelta(hours=MOST_HOURS)


def test_a_verdict_with_such_an_age_is_judged_again() -> None:
    met = Judgement(CriterionVerdict.MET, "met")
    again = judge_later(met, observed_to=NOW - timedelta(days=1), max_age_days=2**31 - 1, as_of=NOW)
    assert again.verdict is CriterionVerdict.MET
