"""Probe runs, dictionaries, and labels of their features."""

from __future__ import annotations

from typing import Final

from evidence.models import Scope
from interpret.models import ProbeRun
from interpret.pages.addresses import ask_url
from interpret.pages.asking import LOOKED, looked_at
from interpret.pages.probe_fields import ProbeForm
from interpret.services.dictionaries import label_feature, register_dictionary
from interpret.services.queueing import AskedProbe, cancel_probe_run, queue_probe_plan, queue_probe_run
from tests.factories import World, acting
from tests.interpret.dictionary_store import shipped, shipped_feature
from tests.invariants.act_doors.taking import Act, browse, named, post, serve
from tests.invariants.who import TOKEN_WITH


def queued(world: World) -> ProbeRun:
    """Return a run that waits."""
    return queue_probe_run(principal=acting(), release=world.release, probe="induction.heads")


def asked_on_the_page(world: World, _: object) -> dict[str, str]:
    """Return what the form sends once whoever fills it in has looked at what the run takes."""
    form = ProbeForm("induction.heads", models=(), datasets=())
    asked = form.read(form.defaults())
    return {"act": "ask", LOOKED: looked_at(world.release, "induction.heads", asked)}


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
        admin=browse(
            lambda world, _: ask_url(world.system, release="r1", probe="induction.heads"), asked_on_the_page,
            lambda world, _: ProbeRun.objects.filter(release=world.release).exists(),
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
    Act(
        "interpret.acts.check_can_register_dictionary",
        frozenset({"researcher", TOKEN_WITH}),
        serve(
            lambda world, who, digest: register_dictionary(principal=who, system=world.system, digest=digest)
        ),
        api=post(lambda *_: "/api/v1/dictionaries", lambda world, digest: named(world, digest=digest)),
        prepare=lambda world: shipped(world.system), scopes=(Scope.PROBE,), owner="researcher",
    ),
    Act(
        "interpret.acts.check_can_label_feature",
        frozenset({"researcher"}),
        serve(lambda _, who, feature: label_feature(principal=who, feature=feature, concept="animals")),
        api=post(lambda _, feature: f"/api/v1/features/{feature.pk}/labels", lambda *_: {"concept": "animals"}),
        admin=browse(
            lambda _, feature: f"/admin/features/{feature.pk}/", lambda *_: {"concept": "animals"},
            lambda _, feature: feature.labels.exists(),
        ),
        prepare=lambda world: shipped_feature(world.system), scopes=(Scope.PROBE,), owner="researcher",
    ),
]  # fmt: skip
