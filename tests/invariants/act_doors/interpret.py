"""Probe runs."""

from __future__ import annotations

from typing import Final

from evidence.models import Scope
from interpret.services.queueing import queue_probe_run
from tests.invariants.act_doors.taking import Act, named, post, serve
from tests.invariants.who import TOKEN_WITH

ACTS: Final[list[Act]] = [
    Act(
        "interpret.acts.check_can_queue_probe_run",
        frozenset({"researcher", TOKEN_WITH}),
        serve(
            lambda world, who, _: queue_probe_run(principal=who, release=world.release, probe="induction.heads")
        ),
        api=post(
            lambda *_: "/api/v1/probe-runs", lambda world, _: named(world, release="r1", probe="induction.heads")
        ),
        scopes=(Scope.PROBE,), owner="researcher",
    ),
]  # fmt: skip
