"""Samples of a period's answers: planned, frozen, drawn, and read."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from unittest import mock

from django.urls import reverse
from django.utils import timezone

from evidence import acts, clock
from evidence.models import FrozenPopulation, SampleDraw, SamplingPlan
from evidence.services.sampling import PlanDraft, draw_sample, freeze_population, plan_sample
from tests.evidence.test_log_api import publish
from tests.factories import World, acting
from tests.invariants.act_doors.taking import Act, browse, get, later, named, post, serve
from tests.invariants.who import TOKEN_WITH
from tests.requirements.builders import make_trace


def plan_body(**changes: Any) -> dict[str, Any]:
    told = {
        "period_from": timezone.now() - timedelta(days=1), "period_to": later(), "tolerable_rate": Decimal("0.05"),
        "confidence": Decimal("0.95"),
    }  # fmt: skip
    return told | changes


def plan_form(world: World, _: Any) -> dict[str, Any]:
    days = {
        name: plan_body()[name].date().isoformat() for name in ("period_from", "period_to")
    }  # as the form takes them
    return {
        **plan_body(), **days, "scope": f"system {world.system.pk}", "expected_exceptions": 0, "fewest_of_each": 5,
    }  # fmt: skip


def ended(world: World) -> Any:
    """A plan whose period has ended, with one answer in it."""
    make_trace(world, age=timedelta(hours=2))
    now = timezone.now()
    with mock.patch.object(clock, "now", return_value=now - timedelta(hours=2)):
        draft = PlanDraft(**plan_body(period_to=now - timedelta(hours=1)))
        return plan_sample(principal=acting(), system=world.system, draft=draft)


def frozen(world: World) -> Any:
    """A plan whose answers are frozen, under a checkpoint."""
    plan = ended(world)
    freeze_population(principal=acting(), plan=plan)
    publish()
    return plan


def drawn(world: World) -> Any:
    """A plan whose sample is drawn; its one answer waits for the reviewer."""
    plan = frozen(world)
    draw_sample(principal=acting(), plan=plan)
    return plan


def page(_: World, plan: Any) -> str:
    return reverse("admin:evidence_samplingplan_change", args=[plan.pk])


def steps(_: World, plan: Any) -> str:
    return f"/api/v1/sampling-plans/{plan.pk}/transitions"


ACTS: Final[list[Act]] = [
    Act(
        "evidence.acts.check_can_plan_sample",
        frozenset({"approver"}),
        serve(
            lambda world, who, _: plan_sample(
                principal=who, system=world.system, draft=PlanDraft(**plan_body())
            )
        ),
        api=post(lambda *_: "/api/v1/sampling-plans", lambda world, _: named(world, **plan_body())),
        admin=browse(
            lambda *_: reverse("admin:evidence_samplingplan_add"),
            plan_form,
            lambda *_: SamplingPlan.objects.exists(),
        ),
    ),
    Act(
        "evidence.acts.check_can_freeze_population",
        frozenset({"approver"}),
        serve(lambda _, who, plan: freeze_population(principal=who, plan=plan)),
        api=post(steps, lambda *_: {"to_state": "frozen"}),
        admin=browse(page, lambda *_: {"step": "frozen"}, lambda *_: FrozenPopulation.objects.exists()),
        prepare=ended,
    ),
    Act(
        "evidence.acts.check_can_draw_sample",
        frozenset({"approver"}),
        serve(lambda _, who, plan: draw_sample(principal=who, plan=plan)),
        api=post(steps, lambda *_: {"to_state": "drawn"}),
        admin=browse(page, lambda *_: {"step": "drawn"}, lambda *_: SampleDraw.objects.exists()),
        prepare=frozen,
    ),
    Act(
        "evidence.acts.check_can_read_sample_results",  # of the readers, the reviewer still has to judge
        frozenset({"author", "approver", "researcher", "auditor", TOKEN_WITH}),
        serve(lambda _, who, plan: acts.check_can_read_sample_results(who, plan)),
        api=get(lambda _, plan: f"/api/v1/sampling-plans/{plan.pk}/results"),
        prepare=drawn,
    ),
]
