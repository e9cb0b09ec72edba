"""Others attest what the log signs: witnesses and a time-stamping authority, which may be silent, wrong or hostile."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction
from django.test import Client

from evidence import tasks
from evidence.errors import InvalidInput
from evidence.log import notes
from evidence.log.timestamps import ask_timestamp
from evidence.models import Binder
from evidence.models.audit import Checkpoint, CheckpointTimestamp, Cosignature
from evidence.services import log
from evidence.services.keys.log_signer import load_log_verifier
from evidence.services.keys.trust import describe_trust
from evidence.services.log import Attestations, check_log
from tests.client.binders import repack, unpack
from tests.evidence.binder_world import Filled, archive_of, export, fill_lightly, verify
from tests.evidence.test_log_service import add_events, as_owner
from tests.evidence.timestamp_authority import Authority, running_authority
from tests.factories import World
from tracebinder.verify.note import is_signed_by, parse_note, parse_vkey
from tracebinder.witness import Witness, WitnessState, serve

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(world: World) -> Filled:
    return fill_lightly(world)


@contextmanager
def running_witness(folder: Path, name: str = "witness.example/1") -> Iterator[tuple[str, str]]:
    """Have a witness of this log that answers inside the block; yield its URL and vkey."""
    state = WitnessState(folder / f"{name.replace('/', '-')}.json", begin=True)
    logs = [parse_vkey(load_log_verifier().vkey)]
    witness = Witness(name=name, key=Ed25519PrivateKey.generate(), logs=logs, state=state)
    with serve(witness, host="127.0.0.1", port=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/w", witness.vkey
        finally:
            server.shutdown()
            thread.join()
            state.close()


@pytest.fixture
def witness(world: World, settings: Any, tmp_path: Path) -> Iterator[str]:
    """One witness of the settings; its vkey."""
    del world
    with running_witness(tmp_path) as (url, vkey):
        settings.LOG_WITNESSES, settings.WITNESS_QUORUM = [(url, vkey)], 1
        yield vkey


@pytest.fixture
def authority(settings: Any, tmp_path: Path) -> Iterator[Authority]:
    with running_authority(tmp_path / "tsa") as ours:
        settings.TSA_URL, settings.TSA_ROOTS = ours.url, str(ours.root)
        yield ours


def sign(world: World, count: int = 3) -> Checkpoint:
    add_events(world.system, count)
    log.sequence_events()
    checkpoint = log.sign_checkpoint()
    assert checkpoint is not None
    return checkpoint


def attest() -> int:
    """Ask and keep, as the workers do."""
    said = log.ask_about_newest()
    return log.keep_attestations(said) if said else 0


def served() -> str:
    return bytes(Client().get("/log/checkpoint").content).decode()


def test_each_checkpoint_is_cosigned_and_served_so(world: World, witness: str) -> None:
    for count in (3, 300, 1):
        checkpoint = sign(world, count)
        assert attest() == 1
        assert attest() == 0, "nothing more is asked"
        note = served()
        assert note.startswith(checkpoint.note)
        assert is_signed_by(parse_note(note.encode(), member="note"), parse_vkey(witness))
    assert check_log().holds


def test_a_witness_that_knows_another_size_is_asked_once_more(world: World, witness: str) -> None:
    """As after a cosignature that was lost on its way back."""
    sign(world, 5)
    assert log.ask_about_newest()  # and not kept
    checkpoint = sign(world, 7)
    assert attest() == 1
    assert Cosignature.objects.get().checkpoint == checkpoint


def test_the_workers_hand_it_on(world: World, witness: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for task in (tasks.ask_witnesses, tasks.keep_attestations):
        monkeypatch.setattr(task, "delay", task)
    add_events(world.system, 3)
    tasks.bring_log_up_to_date()
    assert Cosignature.objects.get().vkey == witness
    add_events(world.system, 3)
    tasks.sequence_events()
    tasks.sign_checkpoint()
    assert Cosignature.objects.count() == 2


@contextmanager
def dribbling(listening: socket.socket) -> Iterator[None]:
    """Answer a byte at a time inside the block, each in time, and never come to an end."""
    over = threading.Event()

    def answer() -> None:
        peer, _ = listening.accept()
        with peer, suppress(OSError):
            peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not over.wait(0.1):
                peer.sendall(b"x")

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("how", ["refuses", "is silent", "dribbles"])
def test_a_witness_that_does_not_answer_holds_up_nobody_and_the_other_signs(
    world: World, witness: str, settings: Any, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings.WITNESS_TIMEOUT = 0.5
    with ExitStack() as ending:
        silent = ending.enter_context(socket.socket())
        silent.bind(("127.0.0.1", 0))
        if how != "refuses":
            silent.listen()
        if how == "dribbles":
            ending.enter_context(dribbling(silent))
        key = notes.VerifierKey("dead.example", bytes(32), notes.COSIGNATURE)
        settings.LOG_WITNESSES += [(f"http://127.0.0.1:{silent.getsockname()[1]}", key.vkey)]
        started = time.monotonic()
        sign(world)
        signed = time.monotonic()
        assert attest() == 1
        assert signed - started < 5
        assert time.monotonic() - signed < 5
    assert "does not answer" in caplog.text
    assert Cosignature.objects.get().vkey == witness


def test_a_log_that_was_put_back_gets_no_cosignature_and_it_is_said(
    world: World, witness: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    before = sign(world)
    with transaction.atomic():
        sign(world, 30)
        assert log.ask_about_newest()
        transaction.set_rollback(True)
    settings.LOG_HEAD_FILE.write_text(before.note)
    sign(world, 2)
    with caplog.at_level(logging.CRITICAL):
        assert attest() == 0
    assert "it shrank or forked" in caplog.text
    sign(world, 70)
    assert attest() == 0, "nor where it has grown past what the witness saw"
    assert "answered 422" in caplog.text


def test_what_is_kept_is_looked_at_again(world: World, witness: str, settings: Any, tmp_path: Path) -> None:
    """Whoever can send the log worker a message cannot make it keep what does not hold."""
    checkpoint = sign(world)
    said = log.ask_about_newest()
    assert said is not None
    (line,) = said.cosignatures
    other = sign(world)
    with running_witness(tmp_path, "stranger.example") as (url, vkey):
        ours, settings.LOG_WITNESSES = settings.LOG_WITNESSES, [(url, vkey)]
        strange = log.ask_about_newest()
        settings.LOG_WITNESSES = ours
    assert strange is not None
    for wrong in (
        Attestations(other.size, (line,)),
        Attestations(other.size, strange.cosignatures),
        Attestations(checkpoint.size, (line.replace("—", "-"),)),
        Attestations(checkpoint.size + 1000, (line,)),
        Attestations(checkpoint.size, (), "not base64!"),
        Attestations(checkpoint.size, (), base64.b64encode(b"no time-stamp").decode()),
    ):
        with pytest.raises(InvalidInput):
            log.keep_attestations(wrong)
    assert not Cosignature.objects.exists()
    assert not CheckpointTimestamp.objects.exists()
    assert log.keep_attestations(said) == 1


def test_a_binder_carries_its_witnesses_and_a_trust_file_demands_them(
    filled: Filled, witness: str, tmp_path: Path
) -> None:
    binder = export(filled, as_of=None)
    report = verify(tmp_path, archive_of(binder), binder.sidecar)
    assert report.exit_code == 0, report.problems
    assert report.line("witnessed").state == "ok"
    assert report.line("witnessed").detail.startswith("cosigned by 1 of 1")
    members = unpack(archive_of(binder))
    bare = members["attest/binder.tlog-proof"].decode().rpartition("— ")[0].encode()
    archive = repack({**members, "attest/binder.tlog-proof": bare}, top=f"binder-{binder.binder_uuid}")
    refused = verify(tmp_path, archive)
    assert refused.exit_code == 3
    assert "cosigned by 0 trusted witnesses, 1 needed" in refused.line("witnessed").detail


def swap(binder: Binder, folder: Path, stamp: bytes | None, **trusted: object) -> Any:
    """Verify a binder whose time-stamp was replaced, or taken out."""
    members = unpack(archive_of(binder))
    members.pop("attest/binder.tsr", None)
    if stamp is not None:
        members["attest/binder.tsr"] = stamp
    archive = repack(members, top=f"binder-{binder.binder_uuid}")
    return verify(folder, archive, trusted={**describe_trust(), "requireSidecar": False, **trusted})


def test_a_binder_carries_the_time_stamp_of_its_checkpoint(
    filled: Filled, authority: Authority, tmp_path: Path
) -> None:
    binder = export(filled, as_of=None)
    report = verify(tmp_path, archive_of(binder), binder.sidecar)
    assert report.exit_code == 0, report.problems
    assert "time-stamped at 20" in report.line("witnessed").detail
    assert export(filled, as_of=binder.as_of) == binder


def test_a_time_stamp_over_something_else_or_by_a_stranger_is_refused(
    filled: Filled, authority: Authority, tmp_path: Path
) -> None:
    binder = export(filled, as_of=None)
    text = parse_note(
        unpack(archive_of(binder))["attest/binder.tlog-proof"].partition(b"\n\n")[2], member="proof"
    ).text
    honest = bytes(CheckpointTimestamp.objects.get().response)
    assert swap(binder, tmp_path, honest).exit_code == 0
    other = authority.stamp(ask_timestamp("something else\n").request)
    with running_authority(tmp_path / "stranger") as stranger:
        strange = stranger.stamp(ask_timestamp(text).request)
    for wrong, code in (
        (other, 1),
        (strange, 1),
        (honest[:-40] + bytes(40), 1),
        (b"none", 2),
        (honest + b"x", 2),
    ):
        report = swap(binder, tmp_path, wrong)
        assert report.exit_code == code, report.problems
        assert report.problems[0].member == "attest/binder.tsr"
    assert swap(binder, tmp_path, None).exit_code == 3, "the trust file demands one"


def test_without_the_library_a_time_stamp_is_present_and_not_checked(
    filled: Filled, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binder = export(filled, as_of=None)
    honest = bytes(CheckpointTimestamp.objects.get().response)
    monkeypatch.setattr("tracebinder.verify.logged.can_check", lambda: False)
    report = swap(binder, tmp_path, honest, requireTimestamp=False)
    assert report.exit_code == 0
    assert "present, not checked: install tracebinder[timestamps]" in report.line("witnessed").detail
    assert swap(binder, tmp_path, honest).exit_code == 3, "what is demanded and cannot be checked is not met"


def test_an_authority_that_is_away_holds_up_no_export_for_long(
    filled: Filled, settings: Any, tmp_path: Path
) -> None:
    settings.TSA_URL, settings.WITNESS_TIMEOUT = "http://127.0.0.1:9/tsa", 1
    binder = export(filled, as_of=None)
    assert "attest/binder.tsr" not in unpack(archive_of(binder))
    assert verify(tmp_path, archive_of(binder), binder.sidecar).exit_code == 0


def test_the_served_trust_file_names_what_there_is(
    world: World, witness: str, authority: Authority, settings: Any
) -> None:
    checkpoint = sign(world)
    trust: dict[str, Any] = json.loads(json.dumps(describe_trust()))
    assert trust["log"]["minimumTreeSize"] == checkpoint.size > 0
    assert trust["requireSidecar"] is trust["requireAuditSlice"] is trust["requireTimestamp"] is True
    assert (trust["witnesses"], trust["requireWitness"]) == (
        [{"name": "witness.example/1", "vkey": witness}],
        1,
    )
    (root,) = trust["timestampAuthorities"]
    assert root["certificate"].strip() == authority.root.read_text().strip()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE evidence_cosignature SET line = replace(line, 'witness.example', 'nobody.example')",
        "UPDATE evidence_cosignature SET cosigned_at = cosigned_at - interval '1 day'",
        "UPDATE evidence_cosignature SET checkpoint_id = (SELECT max(id) FROM evidence_checkpoint)",
        "UPDATE evidence_checkpointtimestamp SET stamped_at = stamped_at - interval '1 day'",
        "UPDATE evidence_checkpointtimestamp SET checkpoint_id = (SELECT max(id) FROM evidence_checkpoint)",
        "UPDATE evidence_checkpointtimestamp SET response = '\\x3003'",
    ],
)
def test_an_owner_who_changes_what_others_said_is_found_out(
    world: World, witness: str, authority: Authority, change: str
) -> None:
    sign(world)
    assert attest() == 2
    sign(world)
    assert check_log().holds
    table = change.split()[1]
    as_owner(f"ALTER TABLE {table} DISABLE TRIGGER USER; {change}; ALTER TABLE {table} ENABLE TRIGGER USER")
    report = check_log()
    assert report.n_faults == 1, report.faults
    assert report.faults[0].startswith("Checkpoint ")
