"""Probe runs."""

from __future__ import annotations

from typing import Final

from evidence.models import Scope
from interpret.models import ProbeRun
from interpret.services.queueing import AskedProbe, cancel_probe_run, queue_probe_plan, queue_probe_run
from tests.factories import World, acting
from tests.invariants.act_doors.taking import Act, browse, named, post, serve
from tests.invariants.who import TOKEN_WITH


def queued(world: World) -> ProbeRun:
    """Return a run that waits."""
    return queue_probe_run(principal=acting(), release=world.release, probe="induction.heads")


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
    Act(
        "interpret.acts.check_can_queue_probe_run",
        frozenset({"researcher", TOKEN_WITH}),
        serve(
            lambda world, who, _: queue_probe_plan(
                principal=who, release=world.release, probes=[AskedProbe("induction.heads")]
            )
        ),
        api=post(
            lambda *_: "/api/v1/probe-plans",
            lambda world, _: named(world, release="r1", probes=[{"probe": "induction.heads"}]),
        ),
        scopes=(Scope.PROBE,), owner="researcher", step="several",
    ),
    Act(
        "interpret.acts.check_can_cancel_probe_run",
        frozenset({"researcher", TOKEN_WITH}),
        serve(lambda _, who, run: cancel_probe_run(principal=who, run=run)),
        api=post(lambda _, run: f"/api/v1/probe-runs/{run.pk}/cancel", lambda *_: {}),
        admin=browse(
            lambda _, run: f"/admin/interpret/proberun/{run.pk}/change/", lambda *_: {"step": "cancelled"},
            lambda _, run: ProbeRun.objects.get(pk=run.pk).state == ProbeRun.State.CANCELLED,
        ),
        prepare=queued, scopes=(Scope.PROBE,), owner="researcher",
    ),
]  # fmt: skip
