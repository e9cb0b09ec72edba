"""The log over HTTP: what anybody may fetch, what only members may, and that a stranger can verify both."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from evidence.digests import sha256_hex
from evidence.log import notes, tiles, tree
from evidence.log.proof import verify_log_proof
from evidence.models import AuditEvent, Scope
from evidence.services import audit, log
from evidence.services.keys.log_signer import load_log_verifier
from tests import factories

ORIGIN = "tracebinder.local/log"


def add_events(world: factories.World, count: int) -> list[AuditEvent]:
    with transaction.atomic():
        return [
            audit.record(verb="thing.done", actor="user:olga", obj=world.system, system=world.system)
            for _ in range(count)
        ]


def publish() -> notes.Checkpoint:
    while log.sequence_events():
        pass
    row = log.sign_checkpoint()
    assert row is not None
    return notes.open_checkpoint(row.note, key=load_log_verifier(), origin=ORIGIN)


def test_before_the_first_checkpoint_there_is_nothing_to_fetch(
    api: APIClient, world: factories.World
) -> None:
    for url in ("/log/checkpoint", "/log/tile/0/000.p/1"):
        response = api.get(url)
        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"


def test_a_stranger_rebuilds_the_root_from_open_tiles(api: APIClient, world: factories.World) -> None:
    add_events(world, 300)
    publish()
    response = api.get("/log/checkpoint")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    head = notes.open_checkpoint(response.content.decode(), key=load_log_verifier(), origin=ORIGIN)
    frontier = tree.Frontier()
    for tile in tiles.tiles_of(head.size):
        fetched = api.get(f"/log/{tile.path}")
        assert fetched.status_code == 200
        assert "immutable" in fetched["Cache-Control"]
        if tile.level == 0:
            for value in tiles.split_hashes(fetched.content):
                frontier.append(value)
    assert (frontier.size, frontier.root()) == (head.size, head.root)


@pytest.mark.parametrize(
    "resource",
    [
        "tile/0/0",
        "tile/0/999",
        "tile/0/000.p/300",
        "tile/9/000",
        "tile/entries/000/000",
        "tile/0/000.p/0",
        "tile/x/000",
    ],
)
def test_what_the_log_has_not_is_not_found(api: APIClient, world: factories.World, resource: str) -> None:
    publish()
    response = api.get(f"/log/{resource}", **world.headers(Scope.READ, Scope.BINDER))
    assert response.status_code == 404


def test_entries_need_every_system_in_the_bundle(api: APIClient, world: factories.World) -> None:
    size = publish().size  # registering the system is itself in the log, some of it under no system
    url = f"/log/{tiles.Bundle(0, size).path}"
    assert api.get(url).status_code == 401
    headers = world.headers(Scope.READ, Scope.BINDER)
    response = api.get(url, **headers)
    assert response.status_code == 200
    entries = tiles.unpack_entries(response.content)
    hashes = tiles.split_hashes(api.get(f"/log/{tiles.Tile(0, 0, size).path}").content)
    assert [tree.leaf_hash(entry) for entry in entries] == hashes
    factories.make_world("aml-copilot")
    size = publish().size
    response = api.get(f"/log/{tiles.Bundle(0, size).path}", **headers)
    assert response.status_code == 403
    assert response.json()["code"] == "access_denied"


def test_an_event_is_followed_into_the_log_and_proved(api: APIClient, world: factories.World) -> None:
    (event,) = add_events(world, 1)
    headers = world.headers(Scope.READ)
    url = f"/api/v1/log/events/{event.event_uuid}"
    state: dict[str, Any] = api.get(url, **headers).json()
    assert (state["state"], state["index"], state["entry_digest"]) == (
        "pending",
        None,
        sha256_hex(bytes(event.entry)),
    )
    assert api.get(f"{url}/proof", **headers).status_code == 404
    log.sequence_events()
    assert api.get(url, **headers).json()["state"] == "sequenced"
    publish()
    assert api.get(url, **headers).json()["state"] == "checkpointed"
    told = api.get(f"{url}/proof", **headers).json()
    entry = told["entry"].encode()
    proof, head = verify_log_proof(told["tlog_proof"], entry=entry, key=load_log_verifier(), origin=ORIGIN)
    assert (proof.index, head.size, head.root.hex()) == (told["index"], told["size"], told["root_hash"])
    assert [value.hex() for value in proof.hashes] == told["hashes"]
    assert entry == bytes(event.entry)
    assert api.get(f"{url}/proof?size={head.size}", **headers).json() == told
    assert api.get(f"{url}/proof?size={head.size + 1}", **headers).status_code == 404
    assert api.get(f"{url}/proof?size=many", **headers).status_code == 422


def test_events_of_other_systems_are_not_known_to_exist(api: APIClient, world: factories.World) -> None:
    other = factories.make_world("aml-copilot")
    (event,) = add_events(other, 1)
    publish()
    for uuid in (event.event_uuid, uuid4()):
        for url in (f"/api/v1/log/events/{uuid}", f"/api/v1/log/events/{uuid}/proof"):
            assert api.get(url, **world.headers(Scope.READ, Scope.BINDER)).status_code == 404
            assert api.get(url).status_code == 401
            assert api.get(url, **world.headers(Scope.INGEST)).status_code == 403


def test_two_checkpoints_are_shown_to_be_one_log(api: APIClient, world: factories.World) -> None:
    old = publish()
    add_events(world, 40)
    new = publish()
    headers = world.headers(Scope.READ)
    told = api.get(f"/api/v1/log/consistency?old={old.size}&new={new.size}", **headers).json()
    tree.verify_consistency(
        old_size=old.size,
        old_root=old.root,
        new_size=new.size,
        new_root=new.root,
        proof=[bytes.fromhex(value) for value in told["hashes"]],
    )
    assert (told["old_root"], told["new_root"]) == (old.root.hex(), new.root.hex())
    for query, status in [(f"old={new.size}&new={old.size}", 422), (f"old={old.size}&new={new.size + 1}", 404),
                          (f"old={old.size}", 422), ("old=-1&new=1", 422)]:  # fmt: skip
        assert api.get(f"/api/v1/log/consistency?{query}", **headers).status_code == status
