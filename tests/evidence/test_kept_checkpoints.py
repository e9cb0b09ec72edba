"""Who kept a checkpoint sees a log that was cut off or written anew, though it looks whole by itself."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from evidence.binder.statement import PRODUCER_VERSION
from evidence.models import Binder, Blob, Role
from evidence.models.audit import Checkpoint
from evidence.services import binders, log
from evidence.services.keys.trust import describe_trust
from evidence.services.log import LogForked, check_log
from tests.evidence.binder_world import Filled, archive_of, export, fill_lightly, make_finding
from tests.evidence.test_log_service import add_events, as_owner
from tests.factories import World
from tracebinder.cli import checkpoint as checkpoint_command
from tracebinder.cli.main import main
from tracebinder.errors import TracebinderError

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(world: World) -> Filled:
    return fill_lightly(world)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the auditor's; the log's addresses are answered by this server."""

    def get_bytes(url: str) -> bytes:
        answer = Client().get(url.removeprefix("http://server"))
        if answer.status_code != 200:
            raise TracebinderError(f"{url}: {answer.status_code}")
        return bytes(answer.content)

    monkeypatch.setattr(checkpoint_command, "get_bytes", get_bytes)
    folder = tmp_path / "auditor"
    folder.mkdir()
    return folder


def write_trust(folder: Path) -> Path:
    path = folder / "trust.json"
    document = json.loads(json.dumps(describe_trust()))
    document["log"]["minimumTreeSize"] = 0
    document["requireAuditSlice"] = False
    path.write_text(json.dumps(document))
    return path


def keep(folder: Path, *options: str) -> int:
    """Keep a checkpoint as the auditor does."""
    trust = str(write_trust(folder))
    return main(["checkpoint", "--keep", str(folder / "kept.json"), "--trust", trust, *options])


def verify(folder: Path, binder: Binder, *options: str, name: str = "new.zip") -> int:
    path = receive(folder, binder, name)
    return main(["verify", str(path), "--trust", str(write_trust(folder)), *options])


def receive(folder: Path, binder: Binder, name: str) -> Path:
    path = folder / name
    path.write_bytes(archive_of(binder))
    path.with_name(f"{name}.intoto.jsonl").write_text(binder.sidecar)
    return path


def sign(filled: Filled, count: int) -> Checkpoint:
    add_events(filled.world.system, count)
    log.sequence_events()
    checkpoint = log.sign_checkpoint()
    assert checkpoint is not None
    return checkpoint


def test_a_kept_checkpoint_is_found_in_a_later_binder(
    filled: Filled, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for count in (3, 300, 5):
        newest = sign(filled, count)
        assert keep(files, "--url", "http://server") == 0
        assert capsys.readouterr().out == newest.note
    assert verify(files, export(filled, as_of=None), "--kept", str(files / "kept.json")) == 0
    assert "3 of 3 kept checkpoints are in this log" in " ".join(capsys.readouterr().out.split())
    kept = json.loads((files / "kept.json").read_text())["checkpoints"]
    assert len(kept) > 3, "those of the binder are kept from now on"


@pytest.mark.parametrize("since", [1, 7, 400], ids=["shorter", "as long", "longer"])
def test_a_binder_of_a_log_that_was_put_back_is_refused_with_both_roots(
    filled: Filled, files: Path, settings: Any, since: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sign(filled, 4)
    with transaction.atomic():
        shown = sign(filled, 70)
        assert keep(files, "--url", "http://server") == 0
        transaction.set_rollback(True)
    settings.LOG_HEAD_FILE.write_text(before.note)
    sign(filled, since)
    assert check_log().holds, "the log looks whole by itself"
    _seen(files, timedelta(hours=1))
    capsys.readouterr()
    assert verify(files, export(filled, as_of=None), "--kept", str(files / "kept.json")) == 1
    told = capsys.readouterr().out
    assert shown.root.hex() in told
    assert f"{shown.size} leaves" in told


def _seen(folder: Path, ago: timedelta) -> None:
    """Have what is kept been seen that long ago."""
    path = folder / "kept.json"
    document = json.loads(path.read_text())
    for entry in document["checkpoints"]:
        entry["seenAt"] = (datetime.now(UTC) - ago).isoformat()
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("since", [1, 70, 400], ids=["shorter", "as long", "longer"])
def test_a_log_that_does_not_continue_what_is_kept_is_told_at_once(
    filled: Filled, files: Path, settings: Any, since: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sign(filled, 4)
    with transaction.atomic():
        shown = sign(filled, 70)
        assert keep(files, "--url", "http://server") == 0
        transaction.set_rollback(True)
    settings.LOG_HEAD_FILE.write_text(before.note)
    now = sign(filled, since)
    kept = (files / "kept.json").read_bytes()
    capsys.readouterr()
    assert keep(files, "--url", "http://server") == 1
    told = capsys.readouterr().out
    assert shown.root.hex() in told
    assert now.root.hex() in told
    assert (files / "kept.json").read_bytes() == kept, "what was kept stays"


def test_two_auditors_who_were_shown_two_logs_find_out(
    filled: Filled, files: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sign(filled, 4)
    with transaction.atomic():
        shown = sign(filled, 3)
        transaction.set_rollback(True)
    settings.LOG_HEAD_FILE.write_text(before.note)
    assert sign(filled, 3).size == shown.size
    assert keep(files, "--url", "http://server") == 0
    mail = files / "note.txt"
    mail.write_text(shown.note)
    assert keep(files, "--from", str(mail)) == 1
    assert "the log forked" in capsys.readouterr().out


def test_a_checkpoint_of_nobody_is_not_kept(filled: Filled, files: Path) -> None:
    signed = sign(filled, 4)
    mail = files / "note.txt"
    mail.write_text(signed.note.replace(f"\n{signed.size}\n", f"\n{signed.size + 1}\n"))
    assert keep(files, "--from", str(mail)) == 1
    assert not (files / "kept.json").exists()


def test_kept_checkpoints_that_are_not_there_are_no_reason_to_accept_anything(
    filled: Filled, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(files, export(filled), "--kept", str(files / "mistyped.json")) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_an_older_binder_is_no_contradiction(
    filled: Filled, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binder = export(filled, as_of=None)
    sign(filled, 30)
    assert keep(files, "--url", "http://server") == 0
    assert verify(files, binder, "--kept", str(files / "kept.json")) == 0
    assert "1 cannot be compared offline" in capsys.readouterr().out


def test_a_binder_without_a_slice_of_the_log_does_not_meet_what_was_kept(
    filled: Filled, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Leaving the slice out must not be the way around the comparison."""
    sign(filled, 3)
    assert keep(files, "--url", "http://server") == 0
    assert verify(files, export(filled), "--kept", str(files / "kept.json")) == 3
    assert "no slice of the log to compare what was kept with" in capsys.readouterr().out


def test_a_binder_names_the_one_before_it_and_the_verifier_lists_what_changed(
    filled: Filled, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = export(filled, as_of=None)
    make_finding(filled.world, Role.COUNTER, number=2)
    new = export(filled, as_of=None)
    receive(files, old, "old.zip")
    capsys.readouterr()
    assert verify(files, new, "--previous", str(files / "old.zip"), "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["statement"]["previousBinder"] == {
        "binderId": f"urn:uuid:{old.binder_uuid}",
        "asOf": old.as_of.isoformat().replace("+00:00", "Z"),
        "zipSha256": old.archive_id,
    }
    assert report["differences"]["namedAsPrevious"] is True
    files_that_differ = {file["path"]: file for file in report["differences"]["files"]}
    counter = files_that_differ["data/evidence/counter.jsonl"]
    assert (counter["change"], counter["rowsAdded"], counter["rowsGone"]) == ("changed", 1, 0)
    assert export(filled, as_of=new.as_of) == new, "the same scope still gives the same bytes"


def test_a_binder_of_an_older_version_than_the_one_before_it_is_refused(
    filled: Filled, files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(files, export(filled, as_of=None), "old.zip")
    monkeypatch.setattr(binders, "PRODUCER_VERSION", 1)
    assert verify(files, export(filled, as_of=None), "--previous", str(files / "old.zip")) == 3
    assert f"the previous binder is of binder/{PRODUCER_VERSION}" in capsys.readouterr().out


def test_the_first_binder_of_a_scope_and_one_of_another_period_name_none(
    filled: Filled, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = export(filled, as_of=None)
    other = export(filled, as_of=None, period_to=filled.as_of)
    for binder in (first, other):
        assert verify(files, binder, "--json") == 0
        assert json.loads(capsys.readouterr().out)["statement"]["previousBinder"] is None
    receive(files, first, "old.zip")
    assert verify(files, other, "--previous", str(files / "old.zip")) == 1
    assert "is of another period" in capsys.readouterr().out


def test_what_an_earlier_binder_had_and_a_later_has_not_is_named(
    filled: Filled, files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a server that does not look whether what it packs is what is on record."""
    monkeypatch.setattr(binders, "check_scope_is_bound", lambda _scope: None)
    make_finding(filled.world, Role.COUNTER, number=2)
    rich = export(filled, as_of=None)
    receive(files, rich, "old.zip")
    tables = ("evidence_defeater", "evidence_evidencelink", "evidence_evidence")
    as_owner("".join(f"ALTER TABLE {t} DISABLE TRIGGER USER; DELETE FROM {t};" for t in tables))
    assert verify(files, export(filled, as_of=None), "--previous", str(files / "old.zip")) == 0
    told = capsys.readouterr().out
    assert re.search(r"changed: data/evidence/counter.jsonl \(0 rows added, [12] gone\): \w+ \w+", told), told


def test_the_server_exports_nothing_from_a_log_that_does_not_continue_its_last_binder(
    filled: Filled, settings: Any
) -> None:
    """Not even where the head outside the database was put back as well."""
    before = sign(filled, 4)
    with transaction.atomic():
        old = export(filled, as_of=None)
        kept = {field.attname: getattr(old, field.attname) for field in Binder._meta.fields}
        transaction.set_rollback(True)
    settings.LOG_HEAD_FILE.write_text(before.note)
    sign(filled, 50)
    Blob.objects.get_or_create(
        digest=kept["archive_id"], defaults={"size": 1, "media_type": "application/zip"}
    )
    Binder.objects.create(**kept)
    with pytest.raises(LogForked, match="the one that the binder of"):
        export(filled, as_of=None)
