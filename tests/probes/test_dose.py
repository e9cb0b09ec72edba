"""What comes of less and of more of a change, beside placebos: shown, judged by nobody, and nothing else is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import pytest

from interpret import registry
from interpret.contracts import Measurement, ProbeSpecification
from interpret.finding_parts import DoseValue, read_doses
from interpret.parts import measure_all
from interpret.probes.dose import by_dose, dose_response, places_of_placebos
from interpret.probes.estimates import Estimates
from interpret.probes.facts import study as facts_study
from interpret.probes.forward import ForwardPasses
from interpret.probes.head_patching import HeadPatching, Patch
from interpret.probes.paths import study as paths_study
from interpret.probes.patterns import study as patterns_study
from interpret.probes.patterns.kinds import PATTERNS
from interpret.probes.proxies import study as proxies_study
from interpret.probes.refusal import study as refusal_study
from interpret.probes.session import ModelSession
from interpret.probes.sites import Head
from interpret.probes.token_patching import Restoring, TokenPatching
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import animals, facts, paths, proxies, readers, refusal

SEED: Final = 4
PATTERN: Final = "bracket_match"  # the one of four that is measured at every change
SHARES: Final = [0.25, 0.5, 0.75, 1.0]
STEPS: Final = [*SHARES, 1.5, 2.0]
# Of each probe a model that does what it looks for, and the doses of each of its changes.
ASKED: Final[Mapping[str, tuple[Any, dict[str, Any], dict[str, list[float]]]]] = {
    "refusal.direction": (
        refusal.using,
        {"prompt_set": refusal.PROMPTS, "control_draws": 30, "permutations": 99},
        {"refusal.ablation": STEPS, "refusal.addition": STEPS},
    ),
    "attribute.proxies": (
        proxies.using,
        {"prompt_set": proxies.PROMPTS, "control_draws": 30, "permutations": 99},
        {"proxies.removal": SHARES, "proxies.reinjection": STEPS},
    ),
    "answer.path": (
        paths.counting,
        {"heads": 1, "control_draws": 7, "checked_heads": 8},
        {"path.patching": SHARES},
    ),
    "fact.tracing": (facts.telling, {"facts": 32, "control_draws": 19}, {"fact.restoring": SHARES}),
    "induction.heads": (
        animals.induction,
        {"sequences": 40, "length": 24, "heads": 1, "control_draws": 7, "permutations": 99},
        {"induction.ablation_cost": SHARES},
    ),
    "attention.patterns": (
        readers.closer,
        {"texts": 40, "length": 24, "heads": 1, "control_draws": 7, "permutations": 99},
        {"patterns.bracket_match_cost": SHARES},
    ),
}
LONG: Final = ("answer.path", "attention.patterns")  # to measure twice
# Induction had doses before there were placebos.
STUDIES: Final[Mapping[str, type[Any]]] = {
    "refusal.direction": refusal_study.Study,
    "attribute.proxies": proxies_study.Study,
    "answer.path": paths_study.Study,
    "fact.tracing": facts_study.Study,
    "attention.patterns": patterns_study.Study,
}


@pytest.mark.parametrize("probe", ASKED)
def test_what_was_found_grows_with_the_dose_and_placebos_stay_behind(probe: str) -> None:
    for statistic, wanted in ASKED[probe][2].items():
        told = doses_of(probe, statistic)
        assert [each.dose for each in told] == wanted
        values = [each.value for each in told]
        assert values == sorted(values)
        for each in told:
            assert each.low <= each.value <= each.high
            assert None not in (each.control, each.control_low, each.control_high)
        whole = told[3]
        assert whole.control_high is not None
        assert whole.control_high < whole.low


@pytest.mark.parametrize("probe", ASKED)
def test_at_dose_one_stands_what_the_finding_says(probe: str) -> None:
    for statistic in ASKED[probe][2]:
        finding = measured(probe)[statistic]
        (whole,) = (each for each in doses_of(probe, statistic) if each.dose == 1)
        estimate = finding.estimate
        assert (whole.value, whole.low, whole.high) == (estimate.value, estimate.low, estimate.high)
        assert finding.tested is not None
        sets = finding.tested.random_sets
        assert whole.control == pytest.approx(
            np.mean([sets[place] for place in places_of_placebos(len(sets))])
        )


@pytest.mark.parametrize(
    ("probe", "patterns"),
    [
        *((probe, frozenset({PATTERN})) for probe in STUDIES if probe not in LONG),
        *(pytest.param(probe, frozenset({PATTERN}), marks=pytest.mark.soak) for probe in LONG),
        pytest.param("attention.patterns", frozenset(PATTERNS), marks=pytest.mark.soak),
    ],
)
def test_doses_change_nothing_else_and_what_was_measured_without_them_is_still_reported(
    probe: str, patterns: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that a worker of before measured have no doses; the findings are the same to the last digit."""
    with_doses = measured(probe, patterns)
    monkeypatch.setattr(STUDIES[probe], "_doses", lambda *_: {})
    without = run(probe, patterns)
    assert without.keys() == with_doses.keys()
    for statistic, item in with_doses.items():
        assert "dose_response" not in without[statistic].details
        details = {name: told for name, told in item.details.items() if name != "dose_response"}
        assert replace(item, details=details) == without[statistic]


def test_what_only_reads_has_no_doses() -> None:
    for statistic, item in measured("refusal.direction").items():
        assert ("dose_response" in item.details) == (statistic in ASKED["refusal.direction"][2])


@pytest.mark.parametrize(
    ("drawn", "many"), [(0, 0), (2, 2), (3, 3), (19, 3), (59, 3), (79, 5), (99, 6), (9999, 6)]
)
def test_placebos_are_one_in_fifteen_of_what_was_drawn_and_spread_over_it(drawn: int, many: int) -> None:
    places = places_of_placebos(drawn)
    assert len(set(places)) == len(places) == many
    if many:
        assert (places[0], places[-1]) == (0, drawn - 1)


def test_without_placebos_a_dose_stands_by_itself() -> None:
    values = by_dose({0.5: np.array([1.0, 2.0])})
    told = dose_response(
        Estimates(0, "pairs"),
        values=values,
        whole=np.array([2.0, 4.0]),
        placebos={},
        drawn=[1, 2],
        what="sets",
    )
    assert [(each["dose"], each["value"]) for each in told] == [(0.5, 1.5), (1, 3)]
    assert all("control" not in each for each in told)


def test_half_of_a_patch_lies_half_of_the_way() -> None:
    """In a model whose last layer alone is patched, what is read of the head moves the answer by a straight line."""
    loaded, texts = paths.untrained(3), ([3, 5, 8, 2, 9], [4, 6, 1, 9, 7])
    patching = HeadPatching(ForwardPasses(), loaded)
    reading = patching.read(texts, [(4, 7)] * 2)
    patches = [Patch(0, 1, (Head(1, 0),)), Patch(0, 0, (Head(1, 0),))]
    whole = patching.patched(reading, patches)
    assert (patching.patched(reading, patches, 1.0) == whole).all()
    half, most = (patching.patched(reading, patches, share) for share in (0.5, 0.999999))
    assert half[1] == pytest.approx(reading.odds[0], abs=1e-4)  # its own output, put back in part
    assert most[0] == pytest.approx(whole[0], abs=1e-4)
    assert half[0] != pytest.approx(whole[0], abs=1e-4)


def test_half_of_a_residual_lies_between() -> None:
    loaded, texts = paths.untrained(3), ([3, 5, 8, 2, 9], [4, 6, 1, 9, 7])
    patching = TokenPatching(ForwardPasses(), loaded)
    reading = patching.read(texts, [(4, 7)] * 2)
    wanted = [Restoring(0, 1, 4, 0, 0), Restoring(0, 0, 4, 0, 0)]
    whole = patching.restored(reading, wanted)
    half, most = (patching.restored(reading, wanted, share) for share in (0.5, 0.999999))
    assert half[1] == pytest.approx(reading.odds[0], abs=1e-4)
    assert most[0] == pytest.approx(whole[0], abs=1e-4)
    assert half[0] != pytest.approx(whole[0], abs=1e-4)


def doses_of(probe: str, statistic: str) -> list[DoseValue]:
    """Return the doses of a finding as its page reads them."""
    return read_doses(measured(probe)[statistic].details)


@cache
def measured(probe: str, patterns: frozenset[str] = frozenset({PATTERN})) -> dict[str, Measurement]:
    """Return what a probe says of the model that does what it looks for, by statistic."""
    return run(probe, patterns)


def run(probe: str, patterns: frozenset[str]) -> dict[str, Measurement]:
    """Run a probe; a statistic that is said of several heads is that of the last.

    Args:
        patterns: of attention that there are meanwhile: the probe of patterns measures each.
    """
    make, given, _ = ASKED[probe]
    loaded: LoadedModel = make()
    asked = ProbeSpecification(probe, loaded.digest, SEED, given)
    session = ModelSession(loaded={loaded.digest: loaded})
    with patch.dict(PATTERNS, {name: PATTERNS[name] for name in patterns}, clear=True):
        told = measure_all(registry.load(probe), asked, session).measurements
    return {item.statistic: item for item in told}
