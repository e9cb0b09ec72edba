"""Holds, erasure, reading again, and the keys of the log and of binders."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from evidence import acts
from evidence.services import assembly, readings
from evidence.services.disposal import erasure, holds
from tests.evidence.binder_world import PERIOD
from tests.factories import World
from tests.invariants.act_doors.taking import OPERATORS, Act, browse, command, reading_proposal, serve
from tests.invariants.who import COMMAND_LINE
from tests.requirements.builders import make_trace


def approved_reading(world: World) -> Any:
    """A trace, and a reading that was approved after it was sealed."""
    make_trace(world)
    version = reading_proposal(world)
    readings.settle_reading_proposal(
        principal=world.principal("approver"), version=version, to_state="approved"
    )
    return version


def hold(world: World) -> Any:
    """A legal hold."""
    return holds.place_hold(
        principal=world.principal("operator"), system=world.system, reason="case", period_from=PERIOD[0],
        period_to=PERIOD[1],
    )  # fmt: skip


ACTS: Final[list[Act]] = [
    Act(
        "evidence.acts.check_can_read_again",
        OPERATORS,
        serve(lambda world, who, _: assembly.read_again(
            principal=who, system=world.system, since=PERIOD[0], until=PERIOD[1], reason="r"
        )),
        command=command(lambda world, _: [
            "read_again", "--system", world.system.key, "--since", "2026-01-01", "--reason", "r",
        ]),
        admin=browse(
            lambda *_: reverse("admin:read_again"),
            lambda world, _: {"system": world.system.pk, "since": "2026-01-01", "reason": "r"},
        ),
        prepare=approved_reading,
    ),
    Act(
        "evidence.acts.check_can_place_hold",
        OPERATORS,
        serve(
            lambda world, who, _: holds.place_hold(
                principal=who, system=world.system, reason="r", period_from=PERIOD[0], period_to=None
            )
        ),
        command=command(
            lambda world, _: [
                "legal_hold", "place", "--system", world.system.key, "--from", "2026-01-01", "--reason", "r",
            ]
        ),
        admin=browse(
            lambda *_: reverse("admin:evidence_legalhold_add"),
            lambda world, _: {"system": world.system.pk, "period_from": "2026-01-01", "reason": "r"},
        ),
    ),
    Act(
        "evidence.acts.check_can_release_hold",
        OPERATORS,
        serve(lambda world, who, made: holds.release_hold(principal=who, hold=made, reason="r")),
        command=command(lambda _, made: ["legal_hold", "release", str(made.pk), "--reason", "r"]),
        admin=browse(
            lambda _, made: reverse("admin:evidence_legalhold_change", args=[made.pk]),
            lambda *_: {"step": "released", "reason": "r"},
        ),
        prepare=hold,
    ),
    Act(
        "evidence.acts.check_can_erase",
        OPERATORS,
        serve(
            lambda world, who, trace: erasure.erase_trace_payload(
                principal=who, system=world.system, trace_id=trace.trace_id, reason="r"
            )
        ),
        command=command(
            lambda world, trace: [
                "erase", "--system", world.system.key, "--trace", trace.trace_id.hex, "--reason", "r",
            ]
        ),
        prepare=make_trace,
    ),
    Act(
        "evidence.acts.check_can_erase_period",
        OPERATORS,
        serve(
            lambda world, who, _: acts.check_can_erase_period(who, world.system, PERIOD[0], PERIOD[1])
        ),
    ),
    Act(
        "evidence.acts.check_can_resume_log",
        frozenset({COMMAND_LINE}),
        serve(lambda world, who, _: acts.check_can_resume_log(who)),
    ),
    Act(
        "evidence.acts.check_can_put_back",
        frozenset({COMMAND_LINE}),
        serve(lambda world, who, _: assembly.put_back(principal=who, system=world.system)),
    ),
    Act(
        "evidence.acts.check_can_rotate_binder_key",
        frozenset({COMMAND_LINE}),
        serve(lambda world, who, _: acts.check_can_rotate_binder_key(who)),
    ),
    Act(
        "evidence.acts.check_can_rotate_log_key",
        frozenset({COMMAND_LINE}),
        serve(lambda world, who, _: acts.check_can_rotate_log_key(who)),
    ),
]  # fmt: skip
