from __future__ import annotations

import json
import math

import pytest

from interpret.contracts import (
    ClaimLevel,
    ComparisonKind,
    Estimate,
    ProbeInput,
    ProbeSpecification,
    TestKind,
)
from interpret.errors import BadSpecification, ClaimRefused, ProbeError
from tests.interpret.measurements import (
    make_comparison,
    make_measurement,
    make_result,
    make_tested,
)

INTERVENED = {"control": make_comparison(ComparisonKind.CONTROL), "fire_counts": {"ablate 1.0": 2}}


@pytest.mark.parametrize("field", ["baseline", "null"])
def test_no_measurement_without_baseline_and_null(field: str) -> None:
    with pytest.raises(ClaimRefused, match=field):
        make_measurement(**{field: None})


def test_a_null_cannot_stand_in_for_a_baseline() -> None:
    with pytest.raises(ClaimRefused, match="baseline"):
        make_measurement(baseline=make_comparison(ComparisonKind.NULL))


@pytest.mark.parametrize(
    ("level", "changes", "missing"),
    [
        (ClaimLevel.ASSOCIATIONAL, {"p_value": None}, "p-value"),
        (ClaimLevel.ASSOCIATIONAL, {"correction": ""}, "q-value"),
        (ClaimLevel.INTERVENTIONAL, {}, "matched control, fire counts"),
        (ClaimLevel.INTERVENTIONAL, {"control": INTERVENED["control"]}, "fire counts"),
        (ClaimLevel.REPLICATED, INTERVENED, "a verdict on its second seed, which no probe gives"),
    ],
)
def test_a_higher_claim_is_refused_when_a_field_is_empty(
    level: ClaimLevel, changes: dict[str, object], missing: str
) -> None:
    with pytest.raises(ClaimRefused, match=missing):
        make_measurement(level=level, **changes)


def test_an_intervention_that_never_fired_is_refused() -> None:
    with pytest.raises(ClaimRefused, match="never fired"):
        make_measurement(fire_counts={"ablate 1.0": 0})


def test_a_measurement_says_what_it_does_not_show() -> None:
    with pytest.raises(ClaimRefused, match="does not show"):
        make_measurement(does_not_show="")


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_an_estimate_is_finite(number: float) -> None:
    with pytest.raises(ProbeError, match="finite"):
        Estimate(number, 0, 1, 3, 0.95, "m")


def test_an_estimate_has_an_interval_and_units() -> None:
    with pytest.raises(ProbeError, match="no interval"):
        Estimate(1, 2, 0, 3, 0.95, "m")
    with pytest.raises(ProbeError, match="no interval"):
        Estimate(1, 0, 2, 0, 0.95, "m")


def test_results_and_specifications_are_json() -> None:
    specification = ProbeSpecification("p", "a" * 64, 0, {"k": 1}, (ProbeInput("1", "你好", "zh-Hans"),))
    assert json.loads(json.dumps(specification.as_json()))["inputs"][0]["text"] == "你好"
    measured = json.loads(json.dumps(make_result().as_json()))["measurements"][0]
    assert measured["null"]["estimate"]["n"] == 20


def test_a_specification_refuses_a_bad_seed_and_double_ids() -> None:
    with pytest.raises(BadSpecification, match="seed"):
        ProbeSpecification("p", "a" * 64, -1)
    with pytest.raises(BadSpecification, match="same id"):
        ProbeSpecification("p", "a" * 64, 0, inputs=(ProbeInput("1", "a", "en"), ProbeInput("1", "b", "en")))


def test_a_test_says_the_smallest_effect_that_matters_and_why() -> None:
    for changes in ({"smallest_effect": 0.0}, {"why": ""}):
        with pytest.raises(ClaimRefused, match="smallest effect"):
            make_tested(**changes)


def test_what_was_found_on_a_text_is_not_tested_on_it() -> None:
    with pytest.raises(ClaimRefused, match="2 texts are in both splits"):
        make_tested(kind=TestKind.SEARCH, found_on=("t3", "t4", "another"))
    with pytest.raises(ClaimRefused, match="2 texts are in both splits"):
        make_tested(kind=TestKind.NECESSITY, found_on=("t3", "t4"))
    with pytest.raises(ClaimRefused, match="say which it was found on"):
        make_tested(kind=TestKind.SEARCH)


def test_what_was_found_in_a_cluster_is_not_tested_on_other_texts_of_it() -> None:
    cluster = make_tested().units[3].cluster
    with pytest.raises(ClaimRefused, match=r"1 clusters are in both splits: .* of a template or document"):
        make_tested(kind=TestKind.SEARCH, found_on=("another text", cluster))


def test_an_input_without_a_cluster_is_written_as_before_there_were_any() -> None:
    plain = ProbeInput("1", "a", "en")
    assert plain.as_json() == {
        "id": "1", "text": "a", "language": "en", "continuation": None, "instruction": "",
    }  # fmt: skip
    for item in (plain, ProbeInput("1", "a", "en", cluster="c")):
        assert ProbeInput(**item.as_json()) == item
