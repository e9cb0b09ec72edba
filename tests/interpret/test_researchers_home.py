"""Home tells a researcher which runs wait, go on and failed, and which findings nothing was calibrated for."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence import clock
from evidence.models import Release
from interpret.contracts import Status
from interpret.models import Finding, ProbeRun
from interpret.selectors import calibration
from interpret.services.queueing import queue_probe_run
from interpret.tasks import run_probe
from tests.evidence.test_admin_pages import signed_in
from tests.factories import World, acting, second_release
from tests.interpret.conftest import INPUTS, StandInProbe
from tests.interpret.measurements import make_measurement_of, make_result
from tests.requirements.test_authors_home import figures, later, listed

pytestmark = pytest.mark.usefixtures("sent")

WAIT, GO_ON = "Probe runs that wait", "Probe runs going on"
FAILED, UNCALIBRATED = "Failed, and not asked for again", "Supported findings that nothing was calibrated for"


def ask(world: World, seed: int = 0, release: Release | None = None) -> ProbeRun:
    return queue_probe_run(
        release=release or world.release,
        probe="entropy.next_token",
        principal=acting(),
        inputs=INPUTS,
        seed=seed,
    )


def set_state(run: ProbeRun, state: str) -> None:
    ProbeRun.objects.filter(pk=run.pk).update(state=state, finished_at=clock.now())


def test_runs_wait_until_they_are_over_and_failed_ones_until_they_are_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, going_on, failed, given_up = (ask(world, seed) for seed in range(4))
    set_state(going_on, "running")
    set_state(failed, "failed")
    set_state(given_up, "failed")
    later(monkeypatch, 2)
    client = signed_in(world.people["researcher"])
    told = figures(client, "researcher")
    assert [(told[each].count, told[each].oldest) for each in (WAIT, GO_ON, FAILED)] == [
        (1, 2),
        (1, 2),
        (2, 2),
    ]
    assert listed(client, told[WAIT].url) == {str(waiting)}
    assert listed(client, told[GO_ON].url) == {str(going_on)}
    assert listed(client, told[FAILED].url) == {str(failed), str(given_up)}
    ask(world, 3)
    assert listed(client, figures(client, "researcher")[FAILED].url) == {str(failed)}


def test_a_supported_finding_waits_of_which_nobody_knows_how_often_such_are_right(
    world: World, probe: StandInProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe.result = lambda: make_result(*(make_measurement_of(status) for status in Status))
    run_probe(ask(world).pk)
    supported = Finding.objects.get(status=Status.SUPPORTED)
    client = signed_in(world.people["researcher"])
    told = figures(client, "researcher")[UNCALIBRATED]
    assert (told.count, told.oldest) == (1, (clock.now() - supported.observed_at).days)
    assert listed(client, told.url) == {str(supported)}
    monkeypatch.setattr(calibration, "calibration_of", lambda **_: "measured")
    assert figures(client, "researcher")[UNCALIBRATED].count == 0


def test_home_of_a_researcher_asks_no_more_where_more_waits(world: World, client: Client) -> None:
    client.force_login(world.people["researcher"])
    asked = []
    for seed in range(2):
        ask(world, seed)
        set_state(ask(world, seed + 10, release=second_release(world, f"r-{seed}")), "failed")
        client.get(reverse("admin:index"))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("admin:index"))
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 25


@pytest.mark.parametrize("role", ["author", "approver", "reviewer", "auditor", "operator"])
def test_nobody_else_is_told_that_there_are_runs(world: World, role: str) -> None:
    ask(world)
    assert WAIT not in signed_in(world.people[role]).get(reverse("admin:index")).content.decode()


def test_somebody_who_waits_for_nothing_is_told_so(world: World) -> None:
    told = figures(signed_in(world.people["researcher"]), "researcher")
    assert {(each.count, each.oldest) for each in told.values()} == {(0, None)}
