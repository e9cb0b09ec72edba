from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.binder.files import RequirementStatus
from evidence.evals.contracts import Direction
from evidence.statistics import estimate_successes, two_sided
from evidence.vocabulary import CriterionVerdict
from requirements.checks.contracts import Measured
from requirements.drafts import Comparator
from requirements.verdicts import SEVERITY, Judgement, Rule, judge, judge_later, status_of, worst
from tracebinder.verify.criteria import expected_status

AT_LEAST = Rule(Comparator.AT_LEAST, 0.8, "share", 10)
AT_MOST = Rule(Comparator.AT_MOST, 0.1, "share", 10)


def share(successes: int, n: int, **over: Any) -> Measured:
    estimate = estimate_successes(successes, n, two_sided(0.95))
    measured = Measured(
        value=estimate.value if estimate else None,
        n=n,
        successes=successes,
        low=estimate.low if estimate else None,
        high=estimate.high if estimate else None,
        bound_confidence=0.95,
        unit="share",
        direction=Direction.HIGHER,
        observed_from=None,
        observed_to=datetime(2026, 11, 1, tzinfo=UTC),
        inputs={},
        estimate=estimate,
    )
    return dataclasses.replace(measured, **over)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (share(100, 100), "met"),
        (share(50, 100), "not_met"),
        (share(9, 9), "insufficient"),  # fewer than min_n
        (share(0, 0), "insufficient"),
        (share(9, 11), "insufficient"),  # the value reaches 0.8, its lower bound does not
        (share(100, 100, obstacles=("wrong evaluator",)), "insufficient"),
        (share(100, 100, unit="ms"), "insufficient"),
        (share(100, 100, direction=Direction.LOWER), "insufficient"),
        (share(100, 100, low=None, high=None), "insufficient"),
    ],
)
def test_at_least_is_judged_on_the_lower_bound(measured: Measured, verdict: str) -> None:
    assert judge(AT_LEAST, measured, None).verdict == verdict


@pytest.mark.parametrize(
    ("bad", "n", "verdict"),
    [(0, 100, "met"), (0, 12, "insufficient"), (5, 20, "not_met"), (9, 100, "insufficient")],
)
def test_at_most_is_judged_on_the_upper_bound(bad: int, n: int, verdict: str) -> None:
    assert judge(AT_MOST, share(bad, n, direction=Direction.LOWER), None).verdict == verdict


def test_three_of_three_cannot_meet_ninety_five_per_cent() -> None:
    assert judge(Rule(Comparator.AT_LEAST, 0.95, "share", 3), share(3, 3), None).verdict == "insufficient"


def test_old_evidence_is_stale_and_none_at_all_is_insufficient() -> None:
    assert judge(AT_LEAST, share(0, 0), share(100, 100)).verdict == "stale"
    assert judge(AT_LEAST, share(3, 3), share(100, 100)).verdict == "stale"
    assert judge(AT_LEAST, share(3, 3), share(5, 5)).verdict == "insufficient"


def test_a_criterion_without_a_minimum_still_needs_an_observation() -> None:
    assert judge(Rule(Comparator.AT_LEAST, 0.0, "share", 0), share(0, 0), None).verdict == "insufficient"


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 400), st.data(), st.floats(0.01, 0.99), st.integers(0, 50))
def test_met_means_that_the_bound_and_the_value_reach_the_threshold(
    n: int, data: st.DataObject, threshold: float, min_n: int
) -> None:
    measured = share(data.draw(st.integers(0, n)), n)
    judgement = judge(Rule(Comparator.AT_LEAST, threshold, "share", min_n), measured, None)
    assert measured.low is not None
    assert measured.value is not None
    reached = min(measured.low, measured.value) >= threshold
    assert (judgement.verdict == "met") == (reached and n >= min_n)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(SEVERITY), min_size=1))
def test_the_whole_is_met_only_when_every_slice_is(verdicts: list[Any]) -> None:
    judgement = worst(Judgement(verdict, "") for verdict in verdicts)
    assert (judgement.verdict == "met") == (set(verdicts) == {"met"})


MET = Judgement(CriterionVerdict.MET, "value 1")
LAST_SEEN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stored", "observed_to", "max_age_days", "verdict"),
    [
        (MET, LAST_SEEN, 30, CriterionVerdict.MET),
        (MET, LAST_SEEN, 29, CriterionVerdict.STALE),
        (MET, None, 30, CriterionVerdict.STALE),  # nobody can say how old it is
        (MET, LAST_SEEN, None, CriterionVerdict.MET),  # what does not age
        (Judgement(CriterionVerdict.NOT_MET, "value 0"), LAST_SEEN, 1, CriterionVerdict.NOT_MET),
    ],
)
def test_a_pass_grows_stale_with_what_it_rests_on_and_nothing_else_does(
    stored: Judgement, observed_to: datetime | None, max_age_days: int | None, verdict: CriterionVerdict
) -> None:
    as_of = datetime(2026, 12, 1, tzinfo=UTC)
    later = judge_later(stored, observed_to=observed_to, max_age_days=max_age_days, as_of=as_of)
    assert later.verdict is verdict
    assert later.detail.endswith(stored.detail)


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(CriterionVerdict)),
    st.dictionaries(st.sampled_from("abc"), st.booleans()),
    st.sampled_from(["approved", "draft", "retired"]),
)
def test_a_status_is_what_the_offline_verifier_works_out(
    verdicts: dict[str, CriterionVerdict], waivers: dict[str, bool], state: str
) -> None:
    """The two share no code. A waiver is in force (true) until a day after the binder's date."""
    status = status_of(
        verdicts, waived={key for key, in_force in waivers.items() if in_force}, approved=state == "approved"
    )
    document: dict[str, object] = {
        "state": state,
        "criteria": [{"key": key, "verdict": verdict.value} for key, verdict in verdicts.items()],
        "waivers": [
            {"criterion": key, "expiresAt": "2026-12-02T00:00:00Z" if in_force else "2026-12-01T00:00:00Z"}
            for key, in_force in waivers.items()
        ],
    }
    assert status == expected_status(document, datetime(2026, 12, 1, tzinfo=UTC), member="r.json")
    assert status in set(RequirementStatus)
