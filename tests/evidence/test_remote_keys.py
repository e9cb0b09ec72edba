"""Keys that another process holds sign the log and binders; no private key is in this one, and nothing is believed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings as product_settings

from config.env import ConfigurationError
from config.key_addresses import refuse_unusable_keys
from config.key_faults import find_key_faults
from evidence.access import principal_of_command_line
from evidence.errors import InvalidInput
from evidence.log import notes
from evidence.log.errors import SignatureRefused
from evidence.models import AuditEvent, Checkpoint
from evidence.outgoing import ask
from evidence.services.keys import remote
from evidence.services.keys.announcing import announce_keys
from evidence.services.keys.binder_signer import SignerKeyUnusable, load_binder_signer
from evidence.services.keys.log_rotation import rotate_log_key
from evidence.services.keys.log_signer import (
    LogKeyUnusable,
    check_log_key,
    load_log_signer,
    load_log_verifier,
)
from evidence.services.keys.remote import RemoteKey, SignerAway, open_remote_key
from evidence.services.keys.rotation import rotate_binder_key
from evidence.services.keys.trust import describe_trust
from evidence.services.log import check_log
from tests.evidence.binder_world import archive_of, export, fill_lightly, verify
from tests.evidence.test_log_api import add_events, publish
from tests.factories import World
from tests.invariants.walk import REPOSITORY

pytestmark = pytest.mark.django_db

TOKEN = "0123456789abcdef" * 2


@dataclass
class Running:
    """A signer in a process of its own."""

    process: subprocess.Popen[str]
    public: str  # in hexadecimal
    url: str

    @property
    def uri(self) -> str:
        return f"kms+{self.url}/keys/one"

    def stop(self) -> str:
        """Stop it and return what it printed since."""
        self.process.terminate()
        said, _ = self.process.communicate(timeout=20)
        return said


def start(folder: Path, name: str) -> Running:
    token = folder / "token"
    token.write_text(TOKEN + "\n")
    arguments = ["signer", "--key", str(folder / f"{name}.pem"), "--token-file", str(token), "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tracebinder", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "client")},
    )
    assert process.stdout is not None
    public, said = process.stdout.readline().strip(), process.stdout.readline().strip()
    return Running(process, public, said.removeprefix("signer on "))


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Running]]:
    """Return a signer of this name: the one that runs, or where a test stopped it, another with the same key."""
    folder, there = tmp_path_factory.mktemp("signers"), dict[str, Running]()

    def named(name: str) -> Running:
        if name not in there or there[name].process.poll() is not None:
            there[name] = start(folder, name)
        return there[name]

    yield named
    for each in there.values():
        each.process.kill()
        each.process.communicate()


@pytest.fixture
def signers(started: Callable[[str], Running], settings: Any) -> dict[str, Running]:
    """One for the log and one for binders, as the settings have it; no file of a key is here."""
    there = {name: started(name) for name in ("log", "binders", "another")}
    settings.KMS_TOKEN = TOKEN
    settings.LOG_KEY, settings.BINDER_KEY = there["log"].uri, there["binders"].uri
    return there


@pytest.fixture
def no_private_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a private key is made or loaded here."""
    for name in ("generate", "from_private_bytes"):

        def refuse(*_: Any) -> Any:
            raise AssertionError("a private key in this process")

        monkeypatch.setattr(Ed25519PrivateKey, name, refuse)


@pytest.mark.usefixtures("no_private_key")
def test_log_and_binders_are_signed_by_others(
    world: World, signers: dict[str, Running], started: Callable[[str], Running], settings: Any
) -> None:
    signers["log"] = started("log of this test alone")
    settings.LOG_KEY = signers["log"].uri
    binder = export(fill_lightly(world))
    note = Checkpoint.objects.latest("size").note
    trusted = notes.VerifierKey(product_settings.LOG_ORIGIN, bytes.fromhex(signers["log"].public))
    notes.open_checkpoint(note, key=trusted, origin=product_settings.LOG_ORIGIN)
    assert load_binder_signer().public.hex() == signers["binders"].public
    assert json.loads(binder.sidecar)["signatures"][0]["keyid"] == load_binder_signer().keyid
    assert not list(Path(product_settings.KEY_ROOT).glob("*.pem"))
    assert find_key_faults() == []
    assert signers["log"].stop().count("signed sha256:") >= 1


@pytest.mark.usefixtures("no_private_key")
def test_public_halves_are_published_as_those_of_files_are(
    signers: dict[str, Running], settings: Any
) -> None:
    announce_keys()
    settings.HOLDS_KEYS = False
    assert load_log_verifier().public_key.hex() == signers["log"].public


def test_nothing_is_signed_while_the_signer_is_away(world: World, signers: dict[str, Running]) -> None:
    add_events(world, 1)
    publish()
    before = Checkpoint.objects.count()
    signers["log"].stop()
    add_events(world, 1)
    with pytest.raises(SignerAway):
        publish()
    assert Checkpoint.objects.count() == before
    assert any(fault.startswith("log key: The signer does not answer") for fault in find_key_faults())


def test_another_key_than_the_one_that_signed_last_signs_nothing(
    world: World, signers: dict[str, Running], settings: Any
) -> None:
    export(fill_lightly(world))
    before = Checkpoint.objects.count()
    settings.LOG_KEY = settings.BINDER_KEY = signers["another"].uri
    with pytest.raises(LogKeyUnusable, match="did not sign the last checkpoint"):
        announce_keys()
    with pytest.raises(SignerKeyUnusable, match="the last one on record"):
        load_binder_signer()
    assert Checkpoint.objects.count() == before


def test_a_binder_key_at_another_address_is_taken_up_on_record(
    world: World, signers: dict[str, Running], settings: Any
) -> None:
    export(fill_lightly(world))
    with pytest.raises(InvalidInput, match="name another first"):
        rotate_binder_key(principal=principal_of_command_line(), reason="years")
    settings.BINDER_KEY = signers["another"].uri
    made = rotate_binder_key(principal=principal_of_command_line(), reason="years")
    assert made.public.hex() == signers["another"].public == load_binder_signer().public.hex()


def replace_log_key() -> str:
    """Replace the log's key by the one that the settings name; return its public half in hexadecimal."""
    return rotate_log_key(principal=principal_of_command_line(), reason="years").public_key.hex()


def test_a_log_key_at_another_address_is_taken_up_on_record_and_the_log_goes_on(
    world: World, signers: dict[str, Running], settings: Any, tmp_path: Path
) -> None:
    filled = fill_lightly(world)
    before, old = export(filled, as_of=None), load_log_verifier()
    with pytest.raises(InvalidInput, match="signs already"):
        replace_log_key()
    settings.LOG_KEY = signers["another"].uri
    assert replace_log_key() == signers["another"].public
    after = export(filled, as_of=None)
    check_log_key()
    assert check_log().holds, check_log().faults
    assert AuditEvent.objects.filter(verb="log_key.rotated").count() == 1
    trust = {**describe_trust(), "requireAuditSlice": False}
    assert trust["log"]["formerKeys"][0]["vkey"] == old.vkey  # type: ignore[index]  # JSON
    for binder in (before, after):
        report = verify(tmp_path, archive_of(binder), binder.sidecar, trust)
        assert report.exit_code == 0, report.problems


def test_a_process_that_still_names_the_old_signer_signs_no_more_for_the_log(
    world: World, signers: dict[str, Running], settings: Any
) -> None:
    add_events(world, 1)
    publish()
    settings.LOG_KEY = signers["another"].uri
    replace_log_key()
    settings.LOG_KEY = signers["log"].uri
    add_events(world, 1)
    before = Checkpoint.objects.count()
    with pytest.raises(LogKeyUnusable, match="was replaced"):
        publish()
    with pytest.raises(InvalidInput, match="was replaced"):
        replace_log_key()
    assert Checkpoint.objects.count() == before


def test_from_a_file_the_log_goes_over_to_another_key_and_both_sign_until_the_file_is_taken_away(
    world: World, signers: dict[str, Running], settings: Any
) -> None:
    settings.LOG_KEY = ""
    add_events(world, 1)
    publish()
    old = load_log_verifier()
    settings.LOG_KEY = signers["another"].uri
    replace_log_key()
    add_events(world, 1)
    publish()
    note = Checkpoint.objects.latest("size").note
    for key in (old, load_log_verifier()):
        notes.open_checkpoint(note, key=key, origin=settings.LOG_ORIGIN)
    (file,) = settings.KEY_ROOT.glob("*.pem")
    assert file.name.startswith("log.ed25519.until-")
    file.unlink()
    add_events(world, 1)
    publish()
    note = Checkpoint.objects.latest("size").note
    with pytest.raises(SignatureRefused):
        notes.open_checkpoint(note, key=old, origin=settings.LOG_ORIGIN)
    assert check_log().holds, check_log().faults


def test_without_the_public_half_of_the_key_in_use_none_is_taken_up(
    world: World, signers: dict[str, Running], settings: Any
) -> None:
    """It could not be said until which size the one counts that signed so far."""
    add_events(world, 1)
    publish()
    settings.LOG_KEY = signers["another"].uri
    (settings.PUBLIC_KEY_ROOT / "log.ed25519.pub").unlink()
    with pytest.raises(LogKeyUnusable, match="start the log worker once"):
        replace_log_key()
    settings.LOG_KEY = signers["log"].uri
    announce_keys()
    settings.LOG_KEY = signers["another"].uri
    assert replace_log_key() == signers["another"].public


def test_a_log_key_that_was_taken_up_halfway_is_taken_up_whole_the_next_time(
    world: World, signers: dict[str, Running], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LOG_KEY = ""
    add_events(world, 1)
    publish()
    settings.LOG_KEY = signers["another"].uri

    def fail(*_: object) -> None:
        raise RuntimeError("killed")

    for step in ("replace_text", "Path.replace", "publish_log_key"):
        with monkeypatch.context() as killed:
            killed.setattr(f"evidence.services.keys.log_rotation.{step}", fail)
            with pytest.raises(RuntimeError):
                replace_log_key()
    assert replace_log_key() == signers["another"].public
    assert len(load_log_verifier().former) == 1
    add_events(world, 1)
    publish()
    assert check_log().holds, check_log().faults


def test_a_signer_that_signs_with_another_key_is_not_believed(signers: dict[str, Running]) -> None:
    url = signers["log"].uri.removeprefix("kms+")
    wrong = RemoteKey(url, bytes.fromhex(signers["another"].public))
    with pytest.raises(SignerAway, match="another key"):
        wrong.sign(b"a checkpoint")
    assert len(open_remote_key(signers["log"].uri).sign(b"a checkpoint")) == 64


@pytest.mark.parametrize(
    ("path", "body", "token", "status"),
    [
        ("", None, "", 401),
        ("", None, "Bearer " + "0" * 32, 401),
        ("/sign", b'{"format": "tracebinder.signer/1", "data": "YQ=="}', "Bearer x", 401),
        ("/sign", b"[]", f"Bearer {TOKEN}", 400),
        ("/sign", b'{"format": "another/1", "data": "YQ=="}', f"Bearer {TOKEN}", 400),
        ("/sign", b'{"format": "tracebinder.signer/1", "data": "?"}', f"Bearer {TOKEN}", 400),
        ("/else", b"{}", f"Bearer {TOKEN}", 404),
        ("/else", b"{}", "", 401),
    ],
)
def test_a_signer_signs_for_nobody_else_and_nothing_else(
    signers: dict[str, Running], path: str, body: bytes | None, token: str, status: int
) -> None:
    told = ask(signers["log"].url + path, timeout=5, body=body, headers={"Authorization": token})
    assert told[0] == status
    assert b"signature" not in told[1]


def test_a_signer_reads_nothing_of_whoever_has_no_token(signers: dict[str, Running]) -> None:
    """Neither waits it for two megabytes that a stranger announces."""
    host, _, port = signers["log"].url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as stranger:
        stranger.sendall(b"POST /keys/one/sign HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n")
        assert stranger.recv(100).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"{}"),
        (200, b"not JSON"),
        (200, b"[]"),
        (200, b'{"format": "another/1"}'),
        (200, b'{"format": "tracebinder.signer/1", "algorithm": "ed25519", "publicKey": "YQ=="}'),
        (
            200,
            b'{"format": "tracebinder.signer/1", "algorithm": "rsa", "publicKey": "%s"}' % (b"A" * 43 + b"="),
        ),
        (200, b'{"format": "tracebinder.signer/1", "algorithm": "ed25519"}'),
    ],
    ids=str,
)
def test_what_is_no_answer_of_a_signer_is_refused(
    answer: tuple[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "ask", lambda *_, **__: answer)
    with pytest.raises(SignerAway):
        open_remote_key("kms+https://keys.example.org/log")


@pytest.mark.parametrize(
    ("uri", "token"),
    [
        ("https://keys.example.org/log", TOKEN),
        ("kms+http://keys.example.org/log", TOKEN),
        ("kms+https://keys.example.org/log?key=1", TOKEN),
        ("kms+https:///log", TOKEN),
        ("kms+https://keys.example.org/log", "short"),
    ],
)
def test_a_key_at_an_address_that_is_not_safe_stops_the_start(uri: str, token: str) -> None:
    refuse_unusable_keys({"TRACEBINDER_LOG_KEY": "kms+https://keys.example.org/log"}, TOKEN)
    with pytest.raises(ConfigurationError, match="TRACEBINDER_LOG_KEY"):
        refuse_unusable_keys({"TRACEBINDER_LOG_KEY": uri}, token)


@pytest.mark.parametrize(
    ("process", "mine", "other"), [("log", "log", "binder"), ("worker", "binder", "log")]
)
def test_each_worker_makes_and_reads_its_own_key_alone(
    settings: Any, tmp_path: Path, process: str, mine: str, other: str
) -> None:
    settings.PROCESS, settings.KEY_ROOT = process, tmp_path / "keys"
    settings.LOG_HEAD_FILE = settings.KEY_ROOT / "log.head"
    announce_keys()
    assert {path.name for path in settings.KEY_ROOT.glob("*.pem")} == {f"{mine}.ed25519.pem"}
    load, unusable = {
        "log": (load_log_signer, LogKeyUnusable),
        "binder": (load_binder_signer, SignerKeyUnusable),
    }[other]
    with pytest.raises(unusable, match="holds no"):
        load()
