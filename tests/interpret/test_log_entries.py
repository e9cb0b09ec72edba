"""Entries of the log that speak of the inside of a model, for those who may not see internals: they are not there."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from evidence.log import notes, tiles, tree
from evidence.models import AuditEvent, Scope
from evidence.selectors import log_proofs
from evidence.services import audit
from evidence.services.keys.log_signer import load_log_verifier
from tests.evidence.test_log_api import ORIGIN, publish
from tests.factories import World, make_world

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


def entries_for(world: World, role: str) -> dict[str, Any]:
    client = APIClient()
    client.force_login(world.people[role])
    response = client.get("/api/v1/log/entries")
    assert response.status_code == 200
    return dict(response.json())


def root_of(entries: list[dict[str, Any]]) -> bytes:
    """Return the root over leaves: from the entries where they are given, and from the hash where one is withheld."""
    frontier = tree.Frontier()
    for index, each in enumerate(entries):
        assert each["index"] == index
        said = bytes.fromhex(each["leaf_hash"])
        frontier.append(said if each["entry"] is None else tree.leaf_hash(each["entry"].encode()))
    return frontier.root()


def test_entries_that_are_withheld_keep_their_place_in_the_tree(world: World, event: AuditEvent) -> None:
    head = publish()
    for role in ("auditor", "researcher"):
        said = entries_for(world, role)
        assert notes.open_checkpoint(said["checkpoint"], key=load_log_verifier(), origin=ORIGIN) == head
        assert root_of(said["entries"]) == head.root
    index = log_proofs.read_event_state(event)[1]
    of_auditor, of_researcher = (entries_for(world, role)["entries"] for role in ("auditor", "researcher"))
    assert of_auditor[index] == {**of_researcher[index], "entry": None}
    assert "probe_run.queued" in of_researcher[index]["entry"]
    assert "evidence.Release" in str(of_auditor)


def test_withheld_for_internals_is_told_apart_from_nothing(world: World, event: AuditEvent) -> None:
    with transaction.atomic():
        other = audit.record(verb="thing.done", actor="user:olga", obj=make_world("aml").system)
    publish()
    said = entries_for(world, "researcher")["entries"][log_proofs.read_event_state(other)[1] or 0]
    hidden = entries_for(world, "auditor")["entries"][log_proofs.read_event_state(event)[1] or 0]
    assert (said["entry"], hidden["entry"], said.keys()) == (None, None, hidden.keys())


def test_beyond_the_signed_log_there_are_no_entries(world: World, event: AuditEvent) -> None:
    del event
    size = publish().size
    client = APIClient()
    client.force_login(world.people["auditor"])
    assert client.get("/api/v1/log/entries", {"begin": size}).status_code == 404
    last = client.get("/api/v1/log/entries", {"begin": size - 1}).json()["entries"]
    assert [each["index"] for each in last] == [size - 1]
    assert client.get("/api/v1/log/entries", {"count": 257}).status_code == 422
