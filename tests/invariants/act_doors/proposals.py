"""Gates and readings: proposed by one person and settled by another."""

from __future__ import annotations

import uuid
from typing import Any, Final

from evidence.models import Scope, Trace
from evidence.services import assembly, gates, readings
from tests.evidence.semconv_spans import make_span as semconv_span
from tests.evidence.stored_spans import store_spans
from tests.factories import World, acting, define_gate
from tests.invariants.act_doors.taking import (
    AUTHORS,
    MACHINES,
    Act,
    browse,
    named,
    post,
    reading_proposal,
    serve,
    version_page,
)
from tests.invariants.who import TOKEN_WITH


def gate(world: World) -> Any:
    """A gate on record."""
    references = [gates.CriterionReference(requirement="b")]
    return define_gate(principal=acting(), system=world.system, key="g", references=references)


def proposal(world: World) -> Any:
    """A version of a gate that waits for an approver, proposed by the world's author."""
    return gates.propose_gate(
        principal=world.principal("author"), system=world.system, key="g",
        references=[gates.CriterionReference(requirement="b")],
    )  # fmt: skip


def stored_trace(world: World) -> Any:
    """A trace with its spans."""
    store_spans(world.system, uuid.UUID(int=7), [semconv_span("00000000000000a1", parent="")])
    assembly.assemble_due_traces(limit=1)
    return Trace.objects.get(trace_id=uuid.UUID(int=7))


def gate_step(check: str, to_state: str, *allowed: str, **over: Any) -> Act:
    """Return the entry of one way in which a proposed version of a gate is settled."""
    return Act(
        f"evidence.acts.check_can_{check}_gate",
        frozenset(allowed),
        serve(
            lambda world, who, version: gates.settle_gate_proposal(
                principal=who, version=version, to_state=to_state, reason="r"
            )
        ),
        api=post(
            lambda _, version: f"/api/v1/gates/g/versions/{version.number}/transitions",
            lambda world, _: named(world, to_state=to_state, reason="r"),
        ),
        admin=browse(version_page, lambda *_: {"step": to_state, "reason": "r"}),
        prepare=proposal,
        scopes=(Scope.IMPORT, Scope.READ),
        **over,
    )


def reading_step(check: str, to_state: str, *allowed: str, **over: Any) -> Act:
    """Return the entry of one way in which a proposed version of a reading is settled."""
    return Act(
        f"evidence.acts.check_can_{check}_reading",
        frozenset(allowed),
        serve(
            lambda world, who, version: readings.settle_reading_proposal(
                principal=who, version=version, to_state=to_state, reason="r"
            )
        ),
        api=post(
            lambda _, version: f"/api/v1/readings/{version.number}/transitions",
            lambda world, _: named(world, to_state=to_state, reason="r"),
        ),
        admin=browse(version_page, lambda *_: {"step": to_state, "reason": "r"}),
        prepare=reading_proposal,
        scopes=(Scope.IMPORT, Scope.READ),
        **over,
    )


ACTS: Final[list[Act]] = [
    Act(
        "evidence.acts.check_can_propose_gate",
        AUTHORS,
        serve(lambda world, who, _: gates.propose_gate(
            principal=who, system=world.system, key="g", references=[gates.CriterionReference(requirement="b")]
        )),
        api=post(lambda *_: "/api/v1/gates", lambda world, _: named(world, key="g", criteria=[{"requirement": "b"}])),
        scopes=(Scope.IMPORT,),
    ),
    gate_step("approve", "approved", "approver"),
    gate_step("decline", "declined", "approver"),
    gate_step("withdraw", "withdrawn", "author", TOKEN_WITH, owner="author"),
    Act(
        "evidence.acts.check_can_propose_reading",
        AUTHORS,
        serve(lambda world, who, _: readings.propose_reading(
            principal=who, system=world.system, document={"leave_out": [{"span": "title"}]}
        )),
        api=post(lambda *_: "/api/v1/readings", lambda world, _: named(world, document={})),
        scopes=(Scope.IMPORT,),
    ),
    reading_step("approve", "approved", "approver"),
    reading_step("decline", "declined", "approver"),
    reading_step("withdraw", "withdrawn", "author", TOKEN_WITH, owner="author"),
    Act(
        "evidence.acts.check_can_try_reading",
        frozenset({"author", "approver", "reviewer", "researcher", "auditor", TOKEN_WITH}),
        serve(lambda world, who, trace: assembly.try_reading(
            principal=who, system=world.system, document={}, trace=trace.trace_id.hex
        )),
        api=post(
            lambda *_: "/api/v1/readings/try",
            lambda world, trace: named(world, document={}, trace=trace.trace_id.hex),
        ),
        prepare=stored_trace,
    ),
    Act(
        "evidence.acts.check_can_ask_gate",
        MACHINES,
        serve(
            lambda world, who, _: gates.decide_gate(
                principal=who, system=world.system, gate="g", release=world.release
            )
        ),
        api=post(lambda *_: "/api/v1/gates/g/decisions", lambda world, _: named(world, release="r1")),
        prepare=gate, scopes=(Scope.GATE,),
    ),
]  # fmt: skip
