from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from interpret.contracts import ClaimLevel, Measurement, ProbeInput, ProbeResult, ProbeSpecification, Status
from interpret.errors import BadSpecification, ProbeError
from interpret.parts import measure_all
from interpret.probes.induction import InductionHeads, compare_periods, make_repeats, prefix_scores
from interpret.probes.session import ModelSession
from interpret.probes.weights import LoadedModel
from interpret.verdicts import judge
from tests.probes import planted
from tests.probes.zoo import animals

PARAMETERS = {"sequences": 40, "length": 32, "heads": 1, "control_draws": 19, "permutations": 199}


def run(loaded: LoadedModel, **changes: float) -> ProbeResult:
    specification = ProbeSpecification(
        "induction.heads", loaded.digest, seed=3, parameters={**PARAMETERS, **changes}
    )
    session = ModelSession(loaded={loaded.digest: loaded})
    return measure_all(InductionHeads(), specification, session)


def of(result: ProbeResult, statistic: str) -> Measurement:
    return next(item for item in result.measurements if item.statistic == statistic)


@cache
def of_the_planted_head() -> ProbeResult:
    return run(planted.induction_model())


def test_the_planted_induction_head_is_found_and_ablating_it_costs() -> None:
    result = of_the_planted_head()
    match, cost = of(result, "induction.prefix_match"), of(result, "induction.ablation_cost")
    assert match.holds_for.site == "head 1.0"
    assert judge(match).status is Status.SUPPORTED
    assert match.estimate.low > 0.9
    assert match.null.estimate.high < 0.2
    assert judge(cost).status is Status.SUPPORTED
    assert cost.level is ClaimLevel.INTERVENTIONAL
    assert cost.control is not None
    assert cost.estimate.low > 2 > cost.control.estimate.high  # nats
    assert set(cost.fire_counts) == {"ablate 1.0"}
    assert cost.tested is not None
    assert len(set(cost.tested.random_sets)) == 19
    assert cost.supports.startswith("Without head 1.0, random tokens that repeat are harder to predict")


@pytest.mark.parametrize(
    ("make", "site"),
    [
        (animals.induction, "head 1.0"),
        (animals.twins, "heads 1.0 1.2 together"),  # sparing either is enough, so both do something
    ],
)
def test_a_head_that_does_nothing_is_not_named_with_those_that_do(
    make: Callable[[], LoadedModel], site: str
) -> None:
    cost = of(run(make(), heads=3), "induction.ablation_cost")
    assert cost.holds_for.site == site


def test_where_few_sets_are_left_the_control_says_that_they_are_all() -> None:
    cost = of(run(animals.few()), "induction.ablation_cost")
    assert cost.control is not None
    assert cost.control.what == (
        "all 7 other sets of as many heads, ablated: no p below 1/8 can come of them"
    )
    assert cost.p_value is not None
    assert cost.p_value >= 1 / 8
    assert judge(cost).status is Status.INCONCLUSIVE


def test_a_control_of_a_single_set_is_refused() -> None:
    with pytest.raises(ProbeError, match="1 other sets of 4 heads: a control needs two; ask for fewer heads"):
        run(animals.few(), heads=4, smallest_cost=10)  # none does so much by itself, so all four are ablated


def test_a_sink_matches_no_prefix() -> None:
    at_first = np.zeros((1, 1, 1, 24, 24), dtype=np.float32)
    at_first[..., 0] = 1
    assert prefix_scores(at_first, np.array([6]))[0, 0, 0] == 0


@pytest.mark.soak
def test_a_random_model_shows_nothing_beyond_its_null() -> None:
    result = run(planted.random_model(seed=11))
    assert all(judge(item).status is not Status.SUPPORTED for item in result.measurements)


def test_a_head_that_only_counts_positions_is_not_taken_for_induction() -> None:
    result = run(planted.position_model(lag=11))
    match = of(result, "induction.prefix_match")
    assert judge(match).status is not Status.SUPPORTED
    assert match.estimate.value < 0.3


def test_the_same_seed_gives_the_same_numbers() -> None:
    again = run(planted.induction_model())
    assert json.dumps(of_the_planted_head().as_json()) == json.dumps(again.as_json())


def test_each_sequence_repeats_with_its_own_period() -> None:
    repeats = make_repeats(16, 64, 1000, seed=0)
    assert len(set(repeats.periods.tolist())) == 16
    for row, period in zip(repeats.ids, repeats.periods, strict=True):
        assert (row[period:] == row[:-period]).all()
        assert len(set(row[:period].tolist())) == period


def test_perfect_attention_scores_one_and_even_attention_scores_what_is_even() -> None:
    period, length = 4, 12
    perfect = np.zeros((1, 1, 1, length, length), dtype=np.float32)
    for query in range(length):
        perfect[0, 0, 0, query, max(query - period + 1, 0)] = 1
    assert prefix_scores(perfect, np.array([period]))[0, 0, 0] == 1.0


def test_period_p_values_are_uniform_where_nothing_is_there() -> None:
    scores = np.random.default_rng(0).random((400, 10, 10))
    p_values, _ = compare_periods(scores, seed=1, permutations=199)
    assert 0.4 < p_values.mean() < 0.6
    assert 0.01 < (p_values <= 0.05).mean() < 0.1


def test_too_few_heads_for_a_control_raise() -> None:
    with pytest.raises(ProbeError, match="too few"):
        run(planted.random_model(), heads=32)


def test_prompts_and_unknown_parameters_are_refused() -> None:
    with pytest.raises(BadSpecification, match="no parameter 'sequence'"):
        run(planted.random_model(), sequence=3)
    prompts = (ProbeInput("a", "text", "en"),)
    with pytest.raises(BadSpecification, match="reads no prompts"):
        InductionHeads().check(ProbeSpecification("induction.heads", "0" * 64, 0, inputs=prompts))
