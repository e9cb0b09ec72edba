"""Looks at one question are counted, and share its alpha."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.calibration.looks import exact_bound, fewest_to_pass
from bench.calibration.naive import wilson_low
from bench.calibration.page import ALPHA
from evidence.digests import DigestError, sha256_hex
from evidence.statistics.looks import (
    Look,
    LookPlan,
    LookState,
    allow_look,
    evidence_digest,
    question_digest,
)

MODEL, PROMPT, RUN = (sha256_hex(name) for name in (b"model", b"prompt", b"run"))
CRITERION = {"metric": "accuracy", "threshold": 0.9, "direction": "higher"}
ONE, FIVE = LookPlan(1, ALPHA), LookPlan(5, ALPHA)


def looks(*evidence: str, question: str = "q") -> list[Look]:
    return [Look(question, each) for each in evidence]


def test_planned_looks_share_alpha() -> None:
    allowances = [allow_look([FIVE], looks(*"abcd"[:k]), Look("q", "e")) for k in range(5)]
    assert [each.number for each in allowances] == [1, 2, 3, 4, 5]
    assert {each.alpha for each in allowances} == {ALPHA / 5}
    assert allowances[-1].spent == pytest.approx(ALPHA)
    assert {each.state for each in allowances} == {LookState.PLANNED}


def test_a_run_beyond_the_plan_may_spend_nothing() -> None:
    beyond = allow_look([ONE], looks("a"), Look("q", "b"))
    assert (beyond.state, beyond.number, beyond.planned, beyond.alpha) == (LookState.BEYOND_PLAN, 2, 1, None)


def test_a_further_plan_brings_its_own_alpha_and_what_was_spent_is_said() -> None:
    further = allow_look([ONE, LookPlan(2, 0.02)], looks("a"), Look("q", "b"))
    assert (further.state, further.number, further.planned, further.alpha) == (LookState.PLANNED, 2, 3, 0.01)
    assert further.spent == pytest.approx(ALPHA + 0.01)


def test_the_same_evidence_again_is_the_same_look() -> None:
    again = allow_look([LookPlan(2, ALPHA)], looks("a", "b", "b", "a"), Look("q", "a"))
    assert (again.state, again.number, again.alpha) == (LookState.REPEATED, 1, ALPHA / 2)
    assert (
        allow_look([LookPlan(2, ALPHA)], looks("a", "b", "a"), Look("q", "c")).state is LookState.BEYOND_PLAN
    )


def test_looks_at_other_questions_do_not_count() -> None:
    assert allow_look([ONE], looks("a", "b", question="another"), Look("q", "c")).number == 1


@given(
    st.lists(st.sampled_from("abcdefgh"), max_size=30), st.lists(st.integers(1, 4), min_size=1, max_size=3)
)
def test_no_history_spends_more_than_was_approved(evidence: list[str], sizes: list[int]) -> None:
    plans = [LookPlan(size, ALPHA) for size in sizes]
    spent: dict[str, float] = {}
    for k, each in enumerate(evidence):
        allowance = allow_look(plans, looks(*evidence[:k]), Look("q", each))
        assert spent.setdefault(each, allowance.alpha or 0.0) == (allowance.alpha or 0.0)
    assert sum(spent.values()) <= ALPHA * len(plans) + 1e-12


def test_a_question_is_its_content_and_not_its_order() -> None:
    turned = dict(reversed(CRITERION.items()))
    assert question_digest(CRITERION, [MODEL, PROMPT]) == question_digest(
        turned, [f"sha256:{PROMPT}", MODEL, MODEL]
    )
    assert question_digest(CRITERION, [MODEL]) != question_digest(CRITERION, [MODEL, PROMPT])
    assert question_digest({**CRITERION, "threshold": 0.89}, [MODEL]) != question_digest(CRITERION, [MODEL])


def test_a_question_about_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="pinned digests"):
        question_digest(CRITERION, [])


def test_what_is_no_digest_is_refused() -> None:
    with pytest.raises(DigestError):
        question_digest(CRITERION, ["model-7"])
    with pytest.raises(DigestError):
        evidence_digest(["run-7"])
    assert evidence_digest([RUN, MODEL]) == evidence_digest([MODEL, RUN])


@pytest.mark.parametrize(("count", "alpha"), [(0, 0.05), (1, 0.0), (1, 0.5)])
def test_plans_that_are_none_are_refused(count: int, alpha: float) -> None:
    with pytest.raises(ValueError, match=r"plan|alpha"):
        LookPlan(count, alpha)


def test_looks_without_a_plan_are_refused() -> None:
    with pytest.raises(ValueError, match="there is none"):
        allow_look([], [], Look("q", "a"))


@pytest.mark.parametrize(("threshold", "n"), [(0.9, 100), (0.9, 200), (0.95, 400)])
def test_five_runs_keep_the_alpha_of_one(threshold: float, n: int) -> None:
    """Exact: the best of five independent runs passes with 1 - (1 - p)^5."""
    share = allow_look([FIVE], [], Look("q", "a")).alpha or 1.0

    def ever(fewest: int) -> float:
        return float(1 - (1 - stats.binom.sf(fewest - 1, n, threshold)) ** 5)

    assert ever(fewest_to_pass(lambda k, of: exact_bound(k, of, share), n, threshold)) <= ALPHA
    assert ever(fewest_to_pass(wilson_low, n, threshold)) > 3 * ALPHA
