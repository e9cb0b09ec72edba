"""Release after release until one passes: no verdict hangs on it, and each decision names them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from evidence.models import GateDecision
from evidence.services import registry
from evidence.services.gates import CriterionReference
from requirements.selectors.tried_releases import Tried, since_last_pass
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, define_gate, register_release, second_release
from tests.requirements.builders import decide, make_criterion
from tests.requirements.test_declared_checks import post_of

PARAMETERS = "{suite: {key: behaviour}, metric: grounded}"
SHORT, GOOD = [1.0] * 26 + [0.0] * 4, [1.0] * 40


@pytest.fixture
def gated(world: World) -> World:
    register_eval_versions(world)
    make_criterion(world, check="evals.metric", parameters=PARAMETERS)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    return world


def try_release(world: World, name: str, values: list[float]) -> GateDecision:
    release = world.release if name == "r1" else second_release(world, name)
    post_of(world, name, values)
    return decide(world, release)


def tried_in(decision: GateDecision) -> dict[str, Any] | None:
    tried: dict[str, Any] | None = decision.reasons[0].get("tried")
    return tried


@pytest.mark.django_db
def test_five_releases_until_one_passes_are_named_with_what_they_cost(gated: World, client: Client) -> None:
    """Each had a count of its own, and one of five at the threshold passes in 23 of 100 cases."""
    assert tried_in(try_release(gated, "r1", SHORT)) is None
    for name in ("r2", "r3", "r4"):
        try_release(gated, name, SHORT)
    passed = try_release(gated, "r5", GOOD)
    assert passed.verdict == "pass"
    assert tried_in(passed) == {
        "releases": ["r1", "r2", "r3", "r4", "r5"], "number": 5, "alpha": 0.05, "together": 0.2262190625,
    }  # fmt: skip
    client.force_login(gated.people["auditor"])
    page = client.get(reverse("admin:evidence_gatedecision_change", args=[passed.pk])).content.decode()
    assert "release 5 that the criterion judged since one met it (r1, r2, r3, r4, r5)" in page
    assert "22.6 %" in page


@pytest.mark.django_db
def test_after_a_pass_a_release_is_the_first_again(gated: World) -> None:
    try_release(gated, "r1", SHORT)
    assert try_release(gated, "r2", GOOD).verdict == "pass"
    assert tried_in(try_release(gated, "r3", SHORT)) is None
    tried = tried_in(try_release(gated, "r4", GOOD))
    assert tried is not None
    assert tried["releases"] == ["r3", "r4"]


@pytest.mark.django_db
def test_what_was_never_measured_was_not_tried_and_the_same_pins_are_one_release(gated: World) -> None:
    decide(gated, second_release(gated, "r2"))  # nothing posted of it
    try_release(gated, "r1", SHORT)
    pins = [
        registry.PinSpec(pin.slot, of.artefact.kind, of.artefact.key, of.label, of.digest)
        for pin in gated.release.pins.select_related("version__artefact")
        for of in [pin.version]
    ]
    again = register_release(gated.system, registry.ReleaseManifest(name="r1-again", pins=pins))
    post(gated, eval_file(SHORT, release="r1-again", run_key="again"))
    assert tried_in(decide(gated, again)) is None
    tried = tried_in(try_release(gated, "r3", GOOD))
    assert tried is not None
    assert tried["releases"] == ["r1", "r3"]


def test_a_release_in_use_that_is_looked_at_each_night_is_one_pass_long_ago() -> None:
    """The day of its first pass counts, not that of the last night, or nothing since would ever be told."""
    day = datetime(2026, 11, 1, tzinfo=UTC)

    def tried(name: str, first: int, met: int | None = None) -> Tried:
        of_met = None if met is None else day + timedelta(days=met)
        return Tried(name, frozenset({name}), day + timedelta(days=first), of_met)

    judged = [tried("used", 1, 1), tried("before", 0), tried("b", 3), tried("a", 2), tried("own", 4, 4)]
    assert [each.name for each in since_last_pass(judged, frozenset({"own"}))] == ["a", "b"]
