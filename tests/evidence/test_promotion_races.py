"""A decision and a deployment beside each other, in whatever order their statements come: one of them was first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from evidence.errors import PromotionRefused
from evidence.models import Admission, Deployment, GateDecision
from evidence.services import deployments, gates
from evidence.services.gates import CriterionReference, decision
from tests import factories
from tests.factories import World, acting, define_gate, make_world
from tests.interleaving import interleave, raise_problems

pytestmark = pytest.mark.django_db(transaction=True)

SEEDS = range(8)
DOUBTER = "user:dora"  # whom the assessor below answers that nothing is met


def assessor(*, actor: str, **asked: Any) -> Any:
    """Answer the doubter that the criterion is not met, and everybody else that it is."""
    return (factories.not_met if actor == DOUBTER else factories.met)(**asked)


@pytest.fixture
def world(transactional_db: None, settings: Any) -> World:
    """A world that is committed, whose gate protects production and has passed r1."""
    settings.GATE_ASSESSOR = "tests.evidence.test_promotion_races.assessor"
    world = make_world()
    define_gate(
        system=world.system, key="release", protects=["production"],
        references=[CriterionReference(requirement="r", criterion="c")],
    )  # fmt: skip
    decide(world, "user:ana")
    return world


def decide(world: World, actor: str) -> GateDecision:
    return gates.decide_gate(
        principal=acting(actor), system=world.system, gate="release", release=world.release
    )


def record(world: World, at: Any) -> Deployment:
    return deployments.record_deployment(
        principal=acting(),
        system=world.system,
        environment="production",
        release=world.release,
        effective_from=at,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_let_in_had_no_later_decision_when_the_gate_was_looked_at(world: World, seed: int) -> None:
    acts = interleave(seed, [partial(record, world, timezone.now()), partial(decide, world, DOUBTER)])
    raise_problems(acts, expected=(PromotionRefused,))
    failed = GateDecision.objects.get(verdict="fail")
    admission = Admission.objects.first()
    assert (admission is None) == isinstance(acts[0].problem, PromotionRefused)
    if admission is not None and admission.decision is not None:
        assert admission.decision.as_of < admission.as_of < failed.as_of
        assert admission.decision.verdict == "pass"


def once_before(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, act: Callable[[], object]) -> None:
    """Have an act happen just before a function is called for the first time: after the moment was read."""
    real, waiting = getattr(where, name), [act]

    def call(*given: Any, **named: Any) -> Any:
        if waiting:
            waiting.pop()()
        return real(*given, **named)

    monkeypatch.setattr(where, name, call)


def test_a_decision_that_a_deployment_overtook_is_made_as_of_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    once_before(monkeypatch, decision, "find_deciding_gate", partial(record, world, timezone.now()))
    failed = decide(world, DOUBTER)
    assert (failed.verdict, Admission.objects.get().as_of < failed.as_of) == ("fail", True)


def test_a_deployment_that_a_decision_overtook_is_recorded_as_of_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    once_before(monkeypatch, gates, "find_protecting", partial(decide, world, "user:ben"))
    (admission,) = record(world, timezone.now()).admissions.all()
    assert admission.decision == GateDecision.objects.latest("pk")
    assert admission.decision.decided_by == "user:ben"
    assert admission.decision.as_of < admission.as_of


def test_both_orders_come_to_pass(world: World) -> None:
    """The races above would show nothing if one of the two always came first."""
    outcomes = set()
    for seed in range(30):
        acts = interleave(seed, [partial(record, world, timezone.now()), partial(decide, world, DOUBTER)])
        raise_problems(acts, expected=(PromotionRefused,))
        outcomes.add(acts[0].problem is None)
        decide(world, "user:ana")
        if outcomes == {True, False}:
            return
    pytest.fail(f"only {outcomes}")


@pytest.mark.parametrize("seed", range(4))
def test_two_that_say_the_same_record_one_deployment(world: World, seed: int) -> None:
    at = timezone.now()
    acts = interleave(seed, [partial(record, world, at)] * 2)
    raise_problems(acts)
    assert acts[0].result == acts[1].result
    assert Deployment.objects.count() == Admission.objects.count() == 1
