"""Every run on a model counts in what later ones may call found, whatever came of it, and nothing is decided twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from evidence.digests import sha256_hex
from interpret.contracts import Measurement, Status
from interpret.errors import ProbeError
from interpret.models import Finding, ProbeRun
from interpret.services import claims
from interpret.services.queueing import queue_probe_run
from interpret.services.replay import replay_finding
from interpret.tasks import run_probe
from interpret.verdicts import ALPHA, History, judge
from tests.factories import World, acting, make_world, manifest, register_release, second_release
from tests.interpret.conftest import StandInProbe
from tests.interpret.measurements import make_measurement, make_measurement_of, make_result

pytestmark = pytest.mark.usefixtures("sent")
_SEEDS = count(1)


def queue(world: World) -> ProbeRun:
    return queue_probe_run(
        release=world.release, probe="induction.heads", principal=acting(), seed=next(_SEEDS)
    )


def carry_out(world: World) -> ProbeRun:
    run = queue(world)
    run_probe(run.pk)
    return ProbeRun.objects.get(pk=run.pk)


def with_q(q_value: float) -> Measurement:
    return make_measurement(q_value=q_value)


def test_a_model_searched_long_enough_has_nothing_found_by_chance_alone(
    world: World, probe: StandInProbe
) -> None:
    probe.result = lambda: make_result(make_measurement_of(Status.NOT_SUPPORTED))
    for _ in range(4):
        carry_out(world)
    probe.result = lambda: make_result(with_q(0.01))  # below 0.05: found, had nobody looked before
    finding = Finding.objects.get(run=carry_out(world))
    assert finding.status == Status.INCONCLUSIVE
    assert finding.verdict is not None
    assert finding.verdict["history"] == {"runs_before": 4, "found_before": 0}
    assert "above the level of 0.00167" in finding.verdict["reason"]
    assert judge(with_q(0.01), History(0, 0)).status is Status.SUPPORTED


def test_what_was_found_before_lets_later_runs_spend_more(world: World, probe: StandInProbe) -> None:
    for before in range(3):
        run = carry_out(world)
        assert (run.runs_before, run.found_before) == (before, before)
    probe.result = lambda: make_result(with_q(0.005))
    finding = Finding.objects.get(run=carry_out(world))
    assert finding.status == Status.SUPPORTED  # at 0.006; without the three it is at 0.0024
    assert judge(with_q(0.005), History(3, 0)).status is Status.INCONCLUSIVE


def test_a_run_that_failed_counts_and_one_that_is_tried_again_counts_once(
    world: World, probe: StandInProbe
) -> None:
    def fail() -> Any:
        raise ProbeError("no tokens")

    probe.result = fail
    with pytest.raises(ProbeError):
        carry_out(world)
    run = queue(world)
    for _ in range(2):
        claimed = claims.claim_run(run.pk)
        assert claimed is not None
        assert claimed.history == History(1, 0)
        ProbeRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_runs_of_before_this_was_counted_count(world: World, probe: StandInProbe) -> None:
    for _ in range(3):
        carry_out(world)
    ProbeRun.objects.update(runs_before=None, found_before=None)
    assert carry_out(world).runs_before == 3
    assert carry_out(world).runs_before == 4


def test_the_model_counts_and_not_the_release(world: World, probe: StandInProbe) -> None:
    carry_out(world)
    pins = manifest().pins
    other_policy = replace(pins[-1], digest=sha256_hex(b"another"), label="another")
    same_model = register_release(world.system, replace(manifest(name="r2"), pins=[*pins[:-1], other_policy]))
    assert carry_out(replace(world, release=same_model)).runs_before == 1
    assert carry_out(replace(world, release=second_release(world, "r3"))).runs_before == 0
    assert (
        carry_out(make_world("other")).runs_before == 0
    )  # the same model in another system: nobody sees its runs there


def test_a_verdict_is_decided_once(world: World, probe: StandInProbe) -> None:
    probe.result = lambda: make_result(with_q(0.012))
    for _ in range(4):
        carry_out(world)
    assert [finding.status for finding in Finding.objects.order_by("pk")] == [
        Status.SUPPORTED,
        *[Status.INCONCLUSIVE] * 3,
    ]
    for finding in Finding.objects.order_by("pk"):
        assert replay_finding(finding).agrees


def test_no_level_is_above_what_is_promised() -> None:
    assert History(0, 0).level(1) < ALPHA
    assert History(0, 10_000).level(1) == ALPHA
