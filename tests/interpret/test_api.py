from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from evidence.models import Scope
from interpret.models import ProbeRun
from interpret.services.queueing import queue_probe_run
from interpret.tasks import run_probe
from tests.factories import World, acting, make_world
from tests.interpret.conftest import StandInProbe

pytestmark = pytest.mark.usefixtures("sent")
BODY = {"system": "credit-assistant", "release": "r1", "probe": "induction.heads", "seed": 3}


def ask(world: World, role: str) -> APIClient:
    client = APIClient()
    client.force_login(world.people[role])
    return client


@pytest.fixture
def run(world: World, probe: StandInProbe) -> ProbeRun:
    del probe
    run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    run_probe(run.pk)
    return run


def test_a_researcher_asks_for_a_run_and_follows_it(world: World) -> None:
    client = ask(world, "researcher")
    answer = client.post("/api/v1/probe-runs", BODY, format="json")
    assert answer.status_code == 201, answer.content
    body = client.get(f"/api/v1/probe-runs/{answer.json()['id']}").json()
    assert (body["state"], body["probe"], body["seed"]) == ("queued", "induction.heads", 3)
    assert body["queued_by"] == world.principal("researcher").actor


def test_the_same_request_twice_is_one_run(world: World) -> None:
    client = ask(world, "researcher")
    first, second = (client.post("/api/v1/probe-runs", BODY, format="json").json() for _ in range(2))
    assert first == second


def test_a_researcher_sees_findings_whole(world: World, run: ProbeRun) -> None:
    client = ask(world, "researcher")
    rows = client.get("/api/v1/findings", {"run": run.pk}).json()["results"]
    assert rows[0]["internals"].keys() == {"per_item", "details", "tested"}
    assert client.get(f"/api/v1/findings/{rows[0]['id']}").json() == rows[0]


@pytest.mark.parametrize("role", ["auditor", "reviewer", "approver", "author"])
def test_without_view_internals_there_is_nothing_to_see(world: World, run: ProbeRun, role: str) -> None:
    client = ask(world, role)
    finding = run.findings.first()
    assert finding is not None
    for listing in ("/api/v1/probe-runs", "/api/v1/findings"):
        assert client.get(listing).json()["results"] == []
    for detail in (f"/api/v1/probe-runs/{run.pk}", f"/api/v1/findings/{finding.pk}"):
        assert client.get(detail).status_code == 404


def test_a_probe_token_of_somebody_who_is_no_researcher_any_more_cannot_run_one(
    world: World, api: APIClient
) -> None:
    headers = world.headers(Scope.PROBE, Scope.READ)
    world.people["researcher"].groups.set(Group.objects.filter(name="author"))
    answer = api.post("/api/v1/probe-runs", BODY, format="json", **headers)
    assert answer.status_code == 403
    assert api.get("/api/v1/findings", **headers).json().get("results", []) == []
    assert not ProbeRun.objects.exists()


def test_a_researcher_of_another_system_finds_nothing(world: World, run: ProbeRun) -> None:
    stranger = ask(make_world("aml-copilot"), "researcher")
    assert stranger.get("/api/v1/findings").json()["results"] == []
    assert stranger.get(f"/api/v1/probe-runs/{run.pk}").status_code == 404
    assert stranger.post("/api/v1/probe-runs", BODY, format="json").status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"probe": "induction.haeds"}, 422, "unknown_probe"),
        ({"parameters": {"heads": 0}}, 422, "bad_probe_specification"),
        ({"seed": -1}, 422, "invalid_input"),
        ({"release": "r9"}, 404, "not_found"),
        ({"inputs": [{"id": "a"}]}, 422, "invalid_input"),
    ],
)
def test_a_bad_request_says_what_is_wrong(
    world: World, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = ask(world, "researcher").post("/api/v1/probe-runs", {**BODY, **changes}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert not ProbeRun.objects.exists()
