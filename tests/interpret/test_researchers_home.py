"""Home tells a researcher which runs wait, go on and failed, and which findings nothing was calibrated for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from tests.interpret.test_calibration_figures import written
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
    again = ask(world, 3)
    assert listed(client, figures(client, "researcher")[FAILED].url) == {str(failed)}
    set_state(again, "cancelled")
    assert listed(client, figures(client, "researcher")[FAILED].url) == {str(failed), str(given_up)}


def test_a_supported_finding_waits_of_which_nobody_knows_how_often_such_are_right(
    world: World, probe: StandInProbe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    probe.result = lambda: make_result(*(make_measurement_of(status) for status in Status))
    run_probe(ask(world).pk)
    supported = Finding.objects.get(status=Status.SUPPORTED)
    client = signed_in(world.people["researcher"])
    told = figures(client, "researcher")[UNCALIBRATED]
    assert (told.count, told.oldest) == (1, (clock.now() - supported.observed_at).days)
    assert listed(client, told.url) == {str(supported)}
    code = supported.provenance["code_version"]
    of_it: dict[str, Any] = {"probe": "entropy.next_token", "statistic": supported.statistic}
    of_older_code = written(tmp_path, version=f"{code}0", **of_it)
    spoiled, measured = (
        written(tmp_path, version=code, low=None, **of_it),
        written(tmp_path, version=code, **of_it),
    )
    for file, count in ((of_older_code, 1), (spoiled, 1), (measured, 0)):
        monkeypatch.setattr(calibration, "FIGURES", file)
        assert figures(client, "researcher")[UNCALIBRATED].count == count


def test_a_finding_that_does_not_say_which_code_made_it_has_no_calibration(
    world: World, probe: StandInProbe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    probe.result = lambda: make_result(make_measurement_of(Status.SUPPORTED))
    run_probe(ask(world).pk)
    finding = Finding.objects.get()
    measured = written(
        tmp_path, probe="entropy.next_token", version=finding.provenance["code_version"],
        statistic=finding.statistic,
    )  # fmt: skip
    monkeypatch.setattr(calibration, "FIGURES", measured)
    client = signed_in(world.people["researcher"])
    assert figures(client, "researcher")[UNCALIBRATED].count == 0
    finding.pk, finding.ordinal, finding.title = None, finding.ordinal + 1, "made by who knows what"
    del finding.provenance["code_version"]
    finding._state.adding = True
    finding.save()
    told = figures(client, "researcher")[UNCALIBRATED]
    assert told.count == 1
    assert listed(client, told.url) == {str(finding)}


def test_home_reads_no_finding_to_learn_of_which_kinds_there_are(world: World, probe: StandInProbe) -> None:
    run_probe(ask(world).pk)
    client = signed_in(world.people["researcher"])
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("admin:index"))
    read = [each["sql"] for each in queries if "interpret_finding" in each["sql"]]
    assert len(read) == 1
    assert "DISTINCT" not in read[0]


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
