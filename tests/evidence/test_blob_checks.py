"""Every blob has its bytes, or a command says which has not and ends with 1."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from evidence.access import principal_of_token
from evidence.errors import BlobStoreAway
from evidence.models import AccessToken, BlobRemoval, Disposal, Scope
from evidence.services import assembly, ingest, log
from evidence.services.blob_checks import check_blobs
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


def test_what_was_removed_on_record_is_not_missing_and_must_stay_away(stored: Path) -> None:
    disposal = Disposal.objects.create(
        kind="bodies", subject="bodies", period_to=timezone.now(), n_items=1, digest="0" * 64, reason="old",
        disposed_by="system:retention", disposed_at=timezone.now(),
    )  # fmt: skip
    BlobRemoval.objects.create(blob_id=stored.name, disposal=disposal, removed_by="system:retention")
    assert (
        f"Blob {stored.name}: it was removed on record, and its file is there." in refused("verify_blobs")[0]
    )
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
