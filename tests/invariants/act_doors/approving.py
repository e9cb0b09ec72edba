"""Approving, and what one person asks for and another grants: waivers and retractions."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from evidence import acts
from evidence.models import Scope, Waiver
from evidence.services import evals, gates
from tests.evidence.eval_files import eval_file
from tests.factories import World, acting, ask_for_waiver, find_unmet
from tests.invariants.act_doors.taking import AUTHORS, Act, browse, later, named, post, serve
from tests.invariants.who import EVERYBODY, STRANGER, TOKEN_WITH, TOKEN_WITHOUT


def eval_run(world: World) -> Any:
    """A run on record."""
    return evals.record_eval_run(
        principal=acting("token:ci"), system=world.system, raw=eval_file([1.0]), format_name="native"
    ).run


def retraction_asked(world: World) -> Any:
    """A retraction that waits for an approver, asked for by the world's author."""
    return evals.ask_retraction(principal=world.principal("author"), run=eval_run(world), reason="r")


def waiver_asked(world: World) -> Any:
    """A waiver that waits for an approver, asked for by the world's author."""
    return ask_for_waiver(world, "r/c")


def waiver(world: World) -> Any:
    """A waiver that the world's approver granted."""
    return Waiver.objects.create(
        system=world.system, release=world.release, criterion_ref="r/c", reason="r", requested_by="user:a",
        approved_by=world.principal("approver").actor, expires_at=later(),
    )  # fmt: skip


def waiver_body() -> dict[str, Any]:
    return {"criterion_ref": "r/c", "reason": "r", "expires_at": later()}


def waiver_form(world: World, _: Any) -> dict[str, Any]:
    unmet, expires_at = f"{world.release.pk} r/c", later().date().isoformat()
    return {"unmet": unmet, "expires_at": expires_at, "reason": "r"}


def retraction_step(check: str, to_state: str, *allowed: str, **over: Any) -> Act:
    """Return the entry of one way in which a requested retraction is settled."""
    return Act(
        f"evidence.acts.check_can_{check}_retraction",
        frozenset(allowed),
        serve(
            lambda world, who, asked: evals.settle_retraction(
                principal=who, request=asked, to_state=to_state, reason="r"
            )
        ),
        api=post(
            lambda _, asked: f"/api/v1/retractions/{asked.pk}/transitions",
            lambda *_: {"to_state": to_state, "reason": "r"},
        ),
        admin=browse(
            lambda _, asked: reverse("admin:evidence_retractionrequest_change", args=[asked.pk]),
            lambda *_: {"step": to_state, "reason": "r"},
        ),
        prepare=retraction_asked,
        scopes=(Scope.PUSH_EVAL, Scope.READ),
        **over,
    )


def waiver_step(check: str, to_state: str, *allowed: str, **over: Any) -> Act:
    """Return the entry of one way in which a requested waiver is settled."""
    return Act(
        f"evidence.acts.check_can_{check}",
        frozenset(allowed),
        serve(
            lambda world, who, asked: gates.settle_waiver(
                principal=who, request=asked, to_state=to_state, reason="r"
            )
        ),
        api=post(
            lambda _, asked: f"/api/v1/waiver-requests/{asked.pk}/transitions",
            lambda *_: {"to_state": to_state, "reason": "r"},
        ),
        admin=browse(
            lambda _, asked: reverse("admin:evidence_waiverrequest_change", args=[asked.pk]),
            lambda *_: {"step": to_state, "reason": "r"},
        ),
        prepare=waiver_asked,
        scopes=(Scope.IMPORT, Scope.READ),
        **over,
    )


ACTS: Final[list[Act]] = [
    Act(
        "evidence.acts.check_can_approve",
        frozenset({"approver", STRANGER}),
        serve(lambda world, who, _: acts.check_can_approve(who)),
        owner="approver",
    ),
    Act(
        "evidence.acts.check_can_ask_waiver",
        AUTHORS,
        serve(
            lambda world, who, _: gates.ask_waiver(principal=who, release=world.release, **waiver_body())
        ),
        api=post(
            lambda *_: "/api/v1/waiver-requests", lambda world, _: named(world, release="r1", **waiver_body())
        ),
        admin=browse(lambda *_: reverse("admin:evidence_waiverrequest_add"), waiver_form),
        prepare=lambda world: find_unmet(world.release, "r/c"),
        scopes=(Scope.IMPORT,),
    ),
    waiver_step("waive", "granted", "approver"),
    waiver_step("decline_waiver", "declined", "approver"),
    waiver_step("withdraw_waiver", "withdrawn", "author", TOKEN_WITH, owner="author"),
    Act(
        "evidence.acts.check_can_use_waiver",  # the gate's door: test_gates shows it there
        frozenset(EVERYBODY) - {"approver", TOKEN_WITH, TOKEN_WITHOUT},
        serve(lambda world, who, made: acts.check_can_use_waiver(who.actor, made)),
        prepare=waiver, owner="approver",
    ),
    Act(
        "evidence.acts.check_can_ask_retraction",
        AUTHORS,
        serve(lambda world, who, run: evals.ask_retraction(principal=who, run=run, reason="r")),
        api=post(
            lambda *_: "/api/v1/retractions", lambda world, run: named(world, run_key=run.run_key, reason="r")
        ),
        admin=browse(
            lambda _, run: reverse("admin:evidence_evalrun_change", args=[run.pk]),
            lambda *_: {"step": "retraction", "reason": "r"},
        ),
        prepare=eval_run, scopes=(Scope.PUSH_EVAL,),
    ),
    retraction_step("confirm", "confirmed", "approver"),
    retraction_step("decline", "declined", "approver"),
    retraction_step("withdraw", "withdrawn", "author", TOKEN_WITH, owner="author"),
]  # fmt: skip
