"""A web process has no signing key in reach, and serves all the same: what it shows of keys is public, others sign."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rest_framework.test import APIClient

from config import heartbeats, tasks
from config.key_faults import find_key_faults
from evidence.access import principal_of_command_line
from evidence.models import Binder, BinderRequest, Checkpoint, Scope
from evidence.services import binder_requests
from evidence.services.keys.announcing import announce_keys
from evidence.services.keys.log_rotation import rotate_log_key
from evidence.services.keys.log_signer import load_log_verifier
from tests.evidence.binder_world import PERIOD, fill_lightly
from tests.evidence.test_log_api import add_events, publish
from tests.factories import World

pytestmark = pytest.mark.django_db(transaction=True)


class Signer:
    """The process that holds the keys. Outside it they cannot be reached, as on a volume that is not mounted."""

    def __init__(self, settings: Any, keys: Path) -> None:
        self.settings, self.keys = settings, keys

    def __enter__(self) -> None:
        self.settings.HOLDS_KEYS, self.settings.KEY_ROOT = True, self.keys
        self.settings.LOG_HEAD_FILE = self.keys / "log.head"

    def __exit__(self, *_: object) -> None:
        nowhere = self.keys.with_name("not-mounted") / "keys"
        self.settings.HOLDS_KEYS, self.settings.KEY_ROOT = False, nowhere
        self.settings.LOG_HEAD_FILE = nowhere / "log.head"


@pytest.fixture
def signer(settings: Any, tmp_path: Path) -> Signer:
    """A worker that has started and published what is public; from here on this process is a web process."""
    (tmp_path / "not-mounted").write_bytes(b"no folder: nothing below it can be made or read")
    there = Signer(settings, tmp_path / "keys")
    with there:
        announce_keys()
    return there


@pytest.fixture(autouse=True)
def no_private_key_is_read(monkeypatch: pytest.MonkeyPatch, settings: Any, signer: Signer) -> None:
    """Fail where a private key is made or loaded while this is a web process."""
    del signer
    for name in ("generate", "from_private_bytes"):
        real = getattr(Ed25519PrivateKey, name)

        def refuse(*given: Any, real: Any = real) -> Any:
            assert settings.HOLDS_KEYS, "a private key in a web process"
            return real(*given)

        monkeypatch.setattr(Ed25519PrivateKey, name, refuse)


def test_it_serves_what_is_signed_and_the_keys_to_check_it_by(
    world: World, signer: Signer, api: APIClient
) -> None:
    (event,) = add_events(world, 1)
    with signer:
        publish()
    trust = api.get("/api/v1/trust", **world.headers(Scope.BINDER)).json()
    assert len(base64.b64decode(trust["signers"][0]["publicKey"])) == 32
    assert trust["log"]["vkey"].startswith(trust["log"]["origin"])
    assert api.get("/log/checkpoint").status_code == 200
    proof = api.get(f"/api/v1/log/events/{event.event_uuid}/proof", **world.headers(Scope.READ))
    assert proof.status_code == 200


def test_a_binder_asked_for_there_is_signed_by_the_worker(
    world: World, signer: Signer, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = fill_lightly(world)

    def carry_out(request_id: int) -> None:
        with signer:
            binder_requests.carry_out_request(request_id)

    monkeypatch.setattr("evidence.tasks.export_binder.delay", carry_out)
    answer = ask(api, filled.world)
    assert answer.status_code == 201, answer.content
    assert Binder.objects.get().sidecar
    download: Any = api.get(f"/api/v1/binders/{answer.json()['id']}/download", **world.headers(Scope.BINDER))
    assert b"".join(download.streaming_content).startswith(b"PK")


def test_where_no_worker_comes_in_time_the_binder_is_fetched_later(
    world: World, signer: Signer, api: APIClient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled, settings.EXPORT_WAIT = fill_lightly(world), 0
    monkeypatch.setattr("evidence.tasks.export_binder.delay", lambda _: None)
    answer = ask(api, filled.world)
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    with signer:
        binder_requests.carry_out_request(BinderRequest.objects.get().pk)
    assert (
        api.get(f"/api/v1/binders/{answer.json()['id']}", **world.headers(Scope.BINDER)).json()["state"]
        == "ready"
    )


def test_a_worker_that_cannot_sign_is_told_to_whoever_waits(
    world: World, signer: Signer, api: APIClient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = fill_lightly(world)
    (signer.keys / "binder.ed25519.pem").chmod(0o644)

    def carry_out(request_id: int) -> None:
        with signer, pytest.raises(Exception, match="can be read by others"):
            binder_requests.carry_out_request(request_id)

    monkeypatch.setattr("evidence.tasks.export_binder.delay", carry_out)
    answer = ask(api, filled.world)
    assert (answer.status_code, answer.json()["code"]) == (500, "export_failed")
    assert "can be read by others" in answer.json()["detail"]


def test_before_any_worker_has_started_the_trust_file_is_not_there_yet(
    world: World, api: APIClient, settings: Any, tmp_path: Path
) -> None:
    settings.PUBLIC_KEY_ROOT = tmp_path / "nothing"
    answer = api.get("/api/v1/trust", **world.headers(Scope.BINDER))
    assert (answer.status_code, answer.json()["code"]) == (503, "public_key_missing")


def test_what_is_wrong_with_the_keys_is_told_by_those_who_hold_them(
    world: World, signer: Signer, monitor: APIClient
) -> None:
    add_events(world, 1)
    with signer:
        publish()
    (signer.keys / "log.ed25519.pem").unlink()
    with signer:
        tasks.note_worker("log")
    faults = monitor.get("/readyz").json()["faults"]
    assert [fault for fault in faults if fault.startswith("log key: ") and "is missing" in fault]
    heartbeats.note_key_faults("log", [])


def ask(api: APIClient, world: World) -> Any:
    asked = {
        "system": world.system.key, "release": world.release.name,
        "period_from": PERIOD[0].isoformat(), "period_to": PERIOD[1].isoformat(),
    }  # fmt: skip
    return api.post("/api/v1/binders", asked, format="json", **world.headers(Scope.BINDER))


def test_it_knows_the_logs_keys_of_before(world: World, signer: Signer, api: APIClient) -> None:
    """A replaced key is named by the trust file, and what it signed is read by all, from public halves alone."""
    add_events(world, 1)
    with signer:
        publish()
        size, old = Checkpoint.objects.latest("size").size, load_log_verifier().vkey
        rotate_log_key(principal=principal_of_command_line(), reason="an exercise")
    log = api.get("/api/v1/trust", **world.headers(Scope.BINDER)).json()["log"]
    assert log["vkey"] != old
    assert log["formerKeys"] == [{"vkey": old, "untilSize": size}]


@pytest.mark.parametrize(
    ("process", "lost", "told"),
    [
        ("log", "log.ed25519.pem", True),
        ("log", "binder.ed25519.pem", False),
        ("worker", "log.ed25519.pem", False),
        ("worker", "binder.ed25519.pem", True),
    ],
)
def test_a_worker_tells_of_the_key_that_it_signs_with(
    signer: Signer, settings: Any, process: str, lost: str, told: bool
) -> None:
    (signer.keys / lost).chmod(0o644)
    settings.PROCESS = process
    with signer:
        assert bool(find_key_faults()) is told
