"""Entries of the log that speak of the inside of a model, for those who may not see internals: they are not there."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from evidence.log import tiles
from evidence.models import AuditEvent, Scope
from tests.evidence.test_log_api import publish
from tests.factories import World

pytestmark = pytest.mark.usefixtures("sent")


@pytest.fixture
def event(world: World) -> AuditEvent:
    """That a probe run was queued."""
    client = APIClient()
    client.force_login(world.people["researcher"])
    body = {"system": world.system.key, "release": "r1", "probe": "induction.heads"}
    assert client.post("/api/v1/probe-runs", body, format="json").status_code == 201
    return AuditEvent.objects.get(verb="probe_run.queued")


def statuses(client: APIClient, event: AuditEvent, size: int, **headers: Any) -> list[int]:
    addresses = [
        f"/log/{tiles.Bundle(0, size).path}",
        f"/api/v1/log/events/{event.event_uuid}",
        f"/api/v1/log/events/{event.event_uuid}/proof",
    ]
    return [client.get(address, **headers).status_code for address in addresses]


def test_a_reader_gets_neither_bundle_nor_state_nor_proof(
    world: World, event: AuditEvent, api: APIClient
) -> None:
    size = publish().size
    headers = world.headers(Scope.READ, Scope.BINDER)
    assert statuses(api, event, size, **headers) == [403, 404, 404]
    assert api.get("/api/v1/audit-events", {"verb": event.verb}, **headers).json()["results"] == []


def test_a_bundle_refused_for_internals_says_no_more_than_one_refused_for_a_system(
    world: World, event: AuditEvent, api: APIClient
) -> None:
    size = publish().size
    told = api.get(f"/log/{tiles.Bundle(0, size).path}", **world.headers(Scope.READ, Scope.BINDER)).json()
    assert told["code"] == "access_denied"
    assert "probe" not in told["detail"]


def test_a_researcher_follows_it_into_the_log(world: World, event: AuditEvent) -> None:
    size = publish().size
    client = APIClient()
    client.force_login(world.people["researcher"])
    assert statuses(client, event, size)[1:] == [200, 200]
