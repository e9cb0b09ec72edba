"""Every blob has its bytes, or a command says which has not and ends with 1."""

from __future__ import annotations

import errno
import io
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from evidence import clock
from evidence.access import principal_of_token
from evidence.digests import sha256_hex
from evidence.errors import BlobStoreAway
from evidence.models import AccessToken, Blob, BlobRemoval, Disposal, Scope
from evidence.services import assembly, blob_checks, ingest, log
from evidence.services.blob_checks import check_blobs, last_fault, note_check
from evidence.services.blob_sweep import sweep_unreferenced
from evidence.services.blobs import blob_path, store_blob
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.factories import World

pytestmark = pytest.mark.django_db


def run(*command: str) -> str:
    said = io.StringIO()
    call_command(*command, stdout=said)
    return said.getvalue()


def refused(*command: str) -> tuple[str, CommandError]:
    """What a command printed that ended with an exit code other than 0, and how it ended."""
    said = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command(*command, stdout=said)
    assert raised.value.returncode == 1
    return said.getvalue(), raised.value


@pytest.fixture
def stored() -> Path:
    """The file of a blob, among some that are as they should be."""
    for number in range(3):
        store_blob(b"body %d" % number, "text/plain")
    return blob_path(store_blob(b"the body", "text/plain").digest)


def test_all_that_is_there_holds(stored: Path) -> None:
    del stored
    said = run("verify_blobs")
    assert "Every blob has its bytes." in said
    assert "FAULT" not in said


def test_what_was_removed_costs_no_question_each(stored: Path) -> None:
    """Each request that retention took is such a row."""
    del stored

    def count_queries(removed: range) -> int:
        for number in removed:
            digest = Blob.objects.create(digest=f"{number:064x}", size=1, media_type="text/plain").digest
            removed_on_record(digest)
        with CaptureQueriesContext(connection) as queries:
            assert check_blobs(reads=False).holds
        return len(queries)

    assert count_queries(range(3)) == count_queries(range(3, 30))


def test_a_small_store_is_asked_for_at_once_and_a_large_one_is_told_the_same(
    stored: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.unlink()
    stray = settings.BLOB_ROOT / "ab" / ("ab" + 62 * "0")
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"nobody's")
    with CaptureQueriesContext(connection) as queries:
        small = check_blobs(reads=True)
    assert len(queries) < 20
    assert (small.blobs, small.n_faults, small.unreferenced) == (4, 1, [str(stray)])
    monkeypatch.setattr(blob_checks, "_AT_ONCE", 2)
    assert check_blobs(reads=True) == small


def test_a_missing_file_is_named(stored: Path) -> None:
    stored.unlink()
    for quick in ([], ["--quick"]):
        said, ended = refused("verify_blobs", *quick)
        assert f"FAULT  Blob {stored.name}: its file is missing (8 bytes)." in said
        assert "1 faults. Restore" in str(ended)


def test_a_file_of_another_size_is_named(stored: Path) -> None:
    stored.write_bytes(b"the bod")
    assert (
        f"Blob {stored.name}: its file has 7 bytes, its row says 8." in refused("verify_blobs", "--quick")[0]
    )


def test_a_file_of_the_same_size_and_other_content_is_named_by_reading_it(stored: Path) -> None:
    stored.write_bytes(b"the b0dy")
    assert f"Blob {stored.name}: its file was changed." in refused("verify_blobs")[0]
    assert check_blobs(reads=False).holds, "so much a look at the size cannot tell"


def test_a_file_that_no_row_names_is_listed_and_no_fault(stored: Path, settings: Settings) -> None:
    stray = stored.with_name("f" * 64)
    for path in (stray, settings.BLOB_ROOT / ".incoming-x"):
        path.write_bytes(b"of a crash")
    said = run("verify_blobs")
    assert f"unreferenced  {stray}\n" in said
    assert ".incoming-x" in said


def test_what_was_removed_on_record_is_not_missing_and_must_stay_away(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed_on_record(stored.name)
    assert check_blobs(reads=True).holds, "it may go this moment"
    later = timezone.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    said = refused("verify_blobs")[0]
    assert f"Blob {stored.name}: it was removed on record, and its file is there: run `manage.py ret" in said
    stored.unlink()
    assert check_blobs(reads=True).holds


def test_a_store_that_is_not_mounted_is_not_every_blob_missing(stored: Path, settings: Settings) -> None:
    del stored
    settings.BLOB_ROOT = settings.BLOB_ROOT.with_name("elsewhere")
    with pytest.raises(BlobStoreAway, match="mount the blob store"):
        check_blobs(reads=False)


def test_the_log_does_not_hold_where_bytes_that_it_names_are_missing(stored: Path) -> None:
    log.sign_checkpoint()
    run("verify_log")
    stored.unlink()
    assert f"FAULT  Blob {stored.name}: its file is missing" in refused("verify_log")[0]


def test_what_one_blob_sets_off_ends_no_check(stored: Path) -> None:
    lost = blob_path(store_blob(b"body 0", "text/plain").digest)
    lost.unlink()
    stored.unlink()
    stored.mkdir()
    for quick in ([], ["--quick"]):
        said, _ = refused("verify_blobs", *quick)
        assert f"FAULT  Blob {stored.name}: what stands in its place is no file." in said
        assert f"FAULT  Blob {lost.name}: its file is missing (6 bytes)." in said


def test_a_file_that_nobody_may_open_is_a_fault_and_named(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refuse(path: Path, *args: Any, **more: Any) -> Any:
        if path == stored:
            raise OSError(errno.EIO, "Input/output error")
        return opened(path, *args, **more)

    monkeypatch.setattr(Path, "open", refuse)
    for reads in (True, False):
        assert check_blobs(reads=reads).faults == [
            f"Blob {stored.name}: its file cannot be read (Input/output error)."
        ]


def test_a_look_at_the_sizes_does_not_clear_what_reading_found(stored: Path) -> None:
    stored.write_bytes(b"the b0dy")
    note_check(check_blobs(reads=True))
    note_check(check_blobs(reads=False))
    assert "its file was changed" in last_fault()
    stored.write_bytes(b"the body")
    note_check(check_blobs(reads=True))
    assert last_fault() == ""
    stored.unlink()
    note_check(check_blobs(reads=False))
    assert "is missing" in last_fault()
    stored.write_bytes(b"the body")
    note_check(check_blobs(reads=True))
    assert last_fault() == ""


def removed_on_record(digest: str) -> None:
    disposal = Disposal.objects.create(
        kind="bodies", subject="bodies", period_to=timezone.now(), n_items=1, digest="0" * 64, reason="old",
        disposed_by="system:retention", disposed_at=timezone.now(),
    )  # fmt: skip
    BlobRemoval.objects.create(blob_id=digest, disposal=disposal, removed_by="system:retention")


def test_a_body_that_was_sent_again_is_no_fault_until_it_should_have_been_swept(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed_on_record(stored.name)
    stored.unlink()
    store_blob(b"the body", "text/plain")
    assert check_blobs(reads=True).holds
    later = timezone.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert not check_blobs(reads=True).holds


def test_a_file_that_no_row_names_is_swept_once_it_is_old(stored: Path, settings: Settings) -> None:
    old, young = stored.with_name("e" * 64), stored.with_name("f" * 64)
    draft, other = settings.BLOB_ROOT / ".incoming-x", settings.BLOB_ROOT / "notes.txt"
    for path in (old, young, draft, other):
        path.write_bytes(b"of a crash")
    for path in (stored, old, draft, other):
        os.utime(path, (1, 1))
    assert sweep_unreferenced() == 2
    assert [path.exists() for path in (old, draft, young, other, stored)] == [False, False, True, True, True]


def test_bytes_that_are_stored_while_their_old_file_is_swept_are_there(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file was left by a crash, and somebody sends the same bytes at each moment of the sweep."""
    del stored
    rename, n_moments = Path.rename, 0

    def store_first(path: Path, target: Path) -> Path:
        store_blob(b"of a crash", "text/plain")
        return rename(path, target)

    def store_after(path: Path, target: Path) -> Path:
        moved = rename(path, target)
        store_blob(b"of a crash", "text/plain")
        return moved

    for moment in (store_first, store_after):
        with transaction.atomic():
            path = blob_path(sha256_hex(b"of a crash"))
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"of a crash")
            os.utime(path, (1, 1))
            monkeypatch.setattr(Path, "rename", moment)
            sweep_unreferenced()
            assert path.read_bytes() == b"of a crash"
            assert list(path.parent.glob(".*")) == []
            n_moments += 1
            transaction.set_rollback(True)
    assert n_moments == 2


def test_a_trace_does_not_replay_without_a_value_it_was_read_from(world: World, settings: Settings) -> None:
    settings.OTLP_MAX_ATTRIBUTE = 1_000
    world.token(Scope.INGEST)
    span = make_span(attributes={"gen_ai.prompt": "p" * 5_000, "unread": "u" * 5_000})
    ingest.ingest_traces(
        body=make_request(span).SerializeToString(),
        content_type=PROTOBUF,
        content_encoding="",
        principal=principal_of_token(AccessToken.objects.get()),
    )
    settings.ASSEMBLY_QUIET = 0
    assert assembly.assemble_due_traces(limit=10) == 1
    run("replay", "evidence.Trace")
    for name, faulty in (("u", False), ("p", True)):
        blob_path(store_blob(name.encode() * 5_000, "text/plain").digest).unlink()
        if faulty:
            said, ended = refused("replay", "evidence.Trace")
            assert "(the bytes of gen_ai.prompt are missing)" in said
            assert "did not come out the same" in str(ended)
        else:
            run("replay", "evidence.Trace")


def test_what_a_crash_left_of_a_note_is_swept_as_any_unfinished_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", crash)
        with pytest.raises(BlobStoreAway):
            note_check(check_blobs(reads=False))
    [draft] = settings.BLOB_ROOT.iterdir()
    os.utime(draft, (1, 1))
    assert sweep_unreferenced() == 1
    assert not draft.exists()
