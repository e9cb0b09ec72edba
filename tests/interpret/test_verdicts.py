"""The one rule for every probe, and each way in which a status once came of less than it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from interpret.contracts import ClaimLevel, ComparisonKind, Measurement, NullKind, Status, Tested, TestKind
from interpret.models import Finding
from interpret.services.queueing import queue_probe_run
from interpret.tasks import run_probe
from interpret.verdicts import judge
from tests.factories import World, acting
from tests.interpret.conftest import StandInProbe
from tests.interpret.measurements import make_comparison, make_estimate, make_measurement, make_tested

ALL = tuple(str(kind) for kind in NullKind)


def status_of(tested: Tested | None, **changes: object) -> Status:
    return judge(make_measurement(tested=tested, **changes)).status


def intervening(tested: Tested, random_sets: tuple[float, ...]) -> Measurement:
    return make_measurement(
        level=ClaimLevel.INTERVENTIONAL,
        tested=replace(tested, kind=TestKind.NECESSITY, random_sets=random_sets),
        control=make_comparison(ComparisonKind.CONTROL),
        fire_counts={"ablate 1.0": 2},
    )


@pytest.mark.parametrize(
    ("beyond", "expected"),
    [
        (2.0, Status.SUPPORTED),
        (0.52, Status.INCONCLUSIVE),  # the point lies beyond the smallest effect, its bound does not
        (0.48, Status.INCONCLUSIVE),  # the point lies inside, the opposite bound does not
        (0.2, Status.NOT_SUPPORTED),  # there is something, bounded below what matters
        (-1.0, Status.NOT_SUPPORTED),
    ],
)
def test_a_status_follows_bounds_against_the_smallest_effect(beyond: float, expected: Status) -> None:
    assert status_of(make_tested(beyond)) is expected


def test_a_wide_interval_on_the_wrong_side_is_not_absence() -> None:
    assert status_of(make_tested(-0.1, spread=5.0)) is Status.INCONCLUSIVE


def test_a_dead_model_that_does_as_much_leaves_no_support() -> None:
    tested = make_tested(2.0)
    as_much = tuple(
        replace(unit, nulls={**unit.nulls, "dead_model": unit.value + 0.1 * (i % 3 - 1)})
        for i, unit in enumerate(tested.units)
    )
    verdict = judge(make_measurement(tested=replace(tested, units=as_much)))
    assert verdict.status is Status.NOT_SUPPORTED
    assert verdict.reason == "less than 0.5 beyond a dead model"


def test_twelve_copies_of_one_text_are_one() -> None:
    tested = make_tested(n=24)
    copies = tuple(replace(unit, text="the same") for unit in tested.units)
    verdict = judge(make_measurement(tested=replace(tested, units=copies)))
    assert (verdict.status, verdict.clusters) == (Status.INCONCLUSIVE, 1)
    assert verdict.reason == "1 clusters of distinct texts: 20 are needed"


def test_texts_of_three_templates_are_three() -> None:
    tested = make_tested(n=60)
    templates = tuple(replace(unit, cluster=f"template {i % 3}") for i, unit in enumerate(tested.units))
    assert judge(make_measurement(tested=replace(tested, units=templates))).clusters == 3
    assert status_of(replace(tested, units=templates)) is Status.INCONCLUSIVE


def test_values_without_spread_decide_nothing() -> None:
    assert status_of(make_tested(2.0, spread=0.0)) is Status.INCONCLUSIVE
    assert status_of(make_tested(0.0, spread=0.0)) is Status.INCONCLUSIVE


def test_what_chance_explains_is_not_supported_by_size() -> None:
    assert status_of(make_tested(), q_value=0.2) is Status.INCONCLUSIVE


def test_that_a_search_found_nothing_is_not_absence() -> None:
    for beyond, status in ((0.0, Status.INCONCLUSIVE), (2.0, Status.SUPPORTED)):
        assert status_of(make_tested(beyond, kind=TestKind.SEARCH, found_on=("another text",))) is status


def test_a_necessity_test_shows_no_absence() -> None:
    verdict = judge(intervening(make_tested(0.0), (0.0,) * 19))
    assert verdict.status is Status.INCONCLUSIVE
    assert "another part may do the same" in verdict.reason


@pytest.mark.parametrize(
    ("random_sets", "expected"),
    [
        ((0.1,) * 19, Status.SUPPORTED),
        ((0.1,) * 18, Status.INCONCLUSIVE),  # cannot reach p = 0.05
        ((*(0.1,) * 18, 2.5), Status.INCONCLUSIVE),  # one random set does as much
    ],
)
def test_random_sets_are_the_units_of_the_control(random_sets: tuple[float, ...], expected: Status) -> None:
    assert judge(intervening(make_tested(), random_sets)).status is expected


def seen_again(measurement: Measurement, beyond: float, p_value: float = 0.01) -> Measurement:
    """The measurement with a second seed whose numbers lie `beyond` its nulls."""
    assert measurement.tested is not None
    again = make_tested(beyond, kind=measurement.tested.kind, random_sets=measurement.tested.random_sets)
    second = make_estimate(max(beyond, 0.2))
    return replace(
        measurement,
        stability=replace(measurement.stability, second=second, tested=again, p_value=p_value),
    )


@pytest.mark.parametrize(
    ("beyond", "p_value", "second", "rung"),
    [
        (2.0, 0.01, Status.SUPPORTED, ClaimLevel.REPLICATED),
        (2.0, 0.2, Status.INCONCLUSIVE, ClaimLevel.INTERVENTIONAL),
        (0.5, 0.01, Status.INCONCLUSIVE, ClaimLevel.INTERVENTIONAL),
    ],
)
def test_a_second_seed_that_is_judged_the_same_makes_it_replicated(
    beyond: float, p_value: float, second: Status, rung: ClaimLevel
) -> None:
    verdict = judge(seen_again(intervening(make_tested(), (0.1,) * 19), beyond, p_value))
    assert (verdict.status, verdict.second, verdict.rung) == (Status.SUPPORTED, second, rung)


def test_two_overlapping_intervals_replicate_nothing() -> None:
    verdict = judge(intervening(make_tested(), (0.1,) * 19))
    assert (verdict.second, verdict.rung) == (None, ClaimLevel.INTERVENTIONAL)


@pytest.mark.parametrize(("first", "second"), [(2.0, 0.0), (0.0, 2.0)])
def test_seeds_that_say_the_opposite_decide_nothing(first: float, second: float) -> None:
    verdict = judge(seen_again(make_measurement(tested=make_tested(first)), second))
    assert verdict.status is Status.INCONCLUSIVE
    assert "a second seed says the opposite" in verdict.reason


@pytest.mark.parametrize("kind", ALL)
def test_a_claim_without_a_null_is_invalid_by_name(kind: str) -> None:
    tested = make_tested()
    lacking = tuple(
        replace(unit, nulls={name: value for name, value in unit.nulls.items() if name != kind})
        for unit in tested.units
    )
    verdict = judge(make_measurement(tested=replace(tested, units=lacking)))
    assert (verdict.status, verdict.reason) == (Status.INVALID, f"lacks {kind}")


def test_an_intervention_without_random_sets_is_invalid_by_name() -> None:
    verdict = judge(intervening(make_tested(), ()))
    assert (verdict.status, verdict.reason) == (Status.INVALID, "lacks random_sets")


def test_a_description_has_no_verdict_however_far_it_is_from_its_nulls() -> None:
    assert status_of(make_tested(9.0), level=ClaimLevel.DESCRIPTIVE) is Status.DESCRIBED


@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_bounds_hold_as_often_as_they_say_at_twenty_clusters(draw: str) -> None:
    rng = np.random.default_rng(7)
    sample: Callable[[], np.ndarray] = (
        (lambda: rng.normal(1, 1, 20)) if draw == "normal" else (lambda: rng.exponential(1, 20))
    )
    held = 0
    for _ in range(400):
        values, units = sample(), make_tested(n=20).units
        given = tuple(replace(unit, value=float(values[i])) for i, unit in enumerate(units))
        bounds = judge(make_measurement(tested=make_tested(units=given))).differences["dead_model"]
        held += bounds.low <= 1 <= bounds.high
    assert held >= 0.93 * 400


@pytest.fixture
def stored(world: World, probe: StandInProbe, sent: list[int]) -> Finding:
    run_probe(queue_probe_run(release=world.release, probe="induction.heads", principal=acting()).pk)
    return Finding.objects.get()


def test_a_finding_keeps_what_its_status_came_of(stored: Finding) -> None:
    assert stored.verdict is not None
    assert stored.verdict["contract"] == 3
    assert set(stored.verdict["differences"]) == set(ALL)
    assert (stored.verdict["smallest_effect"], stored.verdict["why"]) == (0.5, "half is felt")
    assert stored.verdict["differences"]["dead_model"]["low"] > 0.5


@pytest.mark.parametrize("kind", ALL)
def test_the_database_takes_no_decided_finding_that_lacks_a_null(stored: Finding, kind: str) -> None:
    assert stored.verdict is not None
    differences = {name: each for name, each in stored.verdict["differences"].items() if name != kind}
    stored.pk, stored.ordinal, stored.verdict = None, 2, {**stored.verdict, "differences": differences}
    stored._state.adding = True
    with pytest.raises(IntegrityError, match="interpret_finding_nulls"), transaction.atomic():
        stored.save(force_insert=True)


def test_the_database_takes_no_replicated_finding_whose_second_seed_was_not_judged_so(
    stored: Finding,
) -> None:
    stored.pk, stored.ordinal, stored.rung = None, 2, "replicated"
    stored._state.adding = True
    with pytest.raises(IntegrityError, match="interpret_finding_replicated"), transaction.atomic():
        stored.save(force_insert=True)
