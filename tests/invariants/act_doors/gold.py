"""Gold answers: made, withdrawn, and how they were judged."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from evidence import acts
from evidence.access import principal_of_command_line, principal_of_user
from evidence.models import GoldAnswer
from evidence.services import reviews
from evidence.services.gold import make_gold, withdraw_gold
from evidence.services.people import memberships
from tests.e2e.cases import make_task
from tests.factories import World, make_person
from tests.invariants.act_doors.taking import Act, browse, get, named, post, serve
from tests.invariants.who import TOKEN_WITH

SAID: Final[dict[str, Any]] = {"right": ["approve"], "rationale": "The document says so."}


def closed(world: World) -> Any:
    """A task that has the review it asks for."""
    task = make_task(world, risk="low")
    person = make_person("who-judged", "reviewer")
    memberships.grant_membership(principal=principal_of_command_line(), system=world.system, user=person)
    reviews.record_review(principal=principal_of_user(person), trace=task.trace, decision="approve")
    return task


def made(world: World) -> Any:
    """An answer that is gold."""
    return make_gold(principal=world.principal("approver"), task=closed(world), **SAID)


ACTS: Final[list[Act]] = [
    Act(
        "evidence.acts.check_can_make_gold",
        frozenset({"approver"}),
        serve(lambda _, who, task: make_gold(principal=who, task=task, **SAID)),
        api=post(
            lambda *_: "/api/v1/gold-answers",
            lambda world, task: named(world, trace_id=task.trace.trace_id.hex, **SAID),
        ),
        admin=browse(
            lambda *_: reverse("admin:evidence_goldanswer_add"),
            lambda world, task: {**SAID, "system": world.system.key, "trace_id": task.trace.trace_id.hex},
            lambda *_: GoldAnswer.objects.exists(),
        ),
        prepare=closed,
    ),
    Act(
        "evidence.acts.check_can_withdraw_gold",
        frozenset({"approver"}),
        serve(lambda _, who, gold: withdraw_gold(principal=who, task=gold.task, reason="It is disputed.")),
        api=post(
            lambda _, gold: f"/api/v1/gold-answers/{gold.pk}/transitions",
            lambda *_: {"to_state": "withdrawn", "reason": "It is disputed."},
        ),
        admin=browse(
            lambda _, gold: reverse("admin:evidence_goldanswer_change", args=[gold.pk]),
            lambda *_: {"step": "withdrawn", "reason": "It is disputed."},
            lambda *_: GoldAnswer.objects.filter(is_withdrawn=True).exists(),
        ),
        prepare=made,
    ),
    Act(
        "evidence.acts.check_can_read_gold_results",  # of the readers, a reviewer is told of their own alone
        frozenset({"author", "approver", "researcher", "auditor", TOKEN_WITH}),
        serve(lambda world, who, _: acts.check_can_read_gold_results(who, world.system)),
        api=get(lambda world, _: f"/api/v1/gold-results?system={world.system.key}"),
    ),
]
