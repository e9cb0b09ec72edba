"""The sequencer, the signing and the check, on real PostgreSQL with the rights of the web process."""

from __future__ import annotations

import json
import random
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError
from hypothesis import HealthCheck, given
from hypothesis import settings as configure
from hypothesis import strategies as st

from evidence.errors import NotFound
from evidence.log import notes, tiles, tree
from evidence.log.proof import verify_log_proof
from evidence.models import AuditEvent, AuditPayload, Checkpoint, Leaf, System, Tile
from evidence.selectors import log_proofs as stored
from evidence.services import audit, log
from evidence.services.keys.log_signer import LogKeyUnusable, load_log_signer, load_log_verifier
from evidence.services.log import LogForked, sequencing
from evidence.services.log.checking import check_log
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def system() -> System:
    owner = factories.make_person("olga")
    return System.objects.create(key="credit", name="Credit", risk_tier="high", owner=owner)


def add_events(system: System, count: int, payload: dict[str, Any] | None = None) -> list[AuditEvent]:
    """Record events as a service does; of two, one belongs to no system."""
    with transaction.atomic():
        return [
            audit.record(
                verb="thing.done",
                actor="user:olga",
                obj=system,
                system=system if i % 2 else None,
                payload=payload,
            )
            for i in range(count)
        ]


def sequence_all(limit: int = log.BATCH) -> int:
    """Sequence until nothing is left, and return how many were."""
    total = 0
    while done := log.sequence_events(limit=limit):
        total += done
    return total


def recomputed_root() -> bytes:
    frontier = tree.Frontier()
    for entry in Leaf.objects.order_by("seq").values_list("event__entry", flat=True):
        frontier.append(tree.leaf_hash(bytes(entry)))
    return frontier.root()


def as_owner(sql: str) -> None:
    """Change what cannot be changed, as somebody who owns the database could."""
    tables = [model._meta.db_table for model in (AuditEvent, Leaf, Tile, Checkpoint)]
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER tracebinder_append_only")
        cursor.execute(sql)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER tracebinder_append_only")


def test_an_event_gets_one_leaf_and_one_number_in_its_stream(system: System) -> None:
    events = add_events(system, 5)
    assert log.sequence_events() == 5
    assert log.sequence_events() == 0
    rows = Leaf.objects.order_by("seq").values_list("seq", "event_id", "stream", "stream_seq")
    streams = ["*", "credit", "*", "credit", "*"]
    numbers = [0, 0, 1, 1, 2]
    assert list(rows) == [(i, events[i].pk, streams[i], numbers[i]) for i in range(5)]
    add_events(system, 2)
    sequence_all()
    last = Leaf.objects.order_by("-seq").values_list("seq", "stream", "stream_seq")
    assert list(last[:2]) == [(6, "credit", 2), (5, "*", 3)]


def test_an_event_with_a_smaller_id_that_commits_later_is_not_lost(system: System) -> None:
    late, early = add_events(system, 2)
    with mock.patch.object(sequencing, "_window_start", return_value=late.pk):  # as if not committed yet
        assert log.sequence_events() == 1
    assert Leaf.objects.get().event_id == early.pk
    assert log.sequence_events() == 1
    assert Leaf.objects.get(event=late).seq == 1


def test_an_event_older_than_the_window_is_found_by_the_full_search(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencing, "WINDOW", 3)
    old, *others = add_events(system, 9)
    with mock.patch.object(sequencing, "_window_start", return_value=old.pk):
        sequence_all()
    assert log.sequence_events() == 0
    assert log.sequence_events(full_search=True) == 1
    assert Leaf.objects.get(event=old).seq == len(others)


@pytest.mark.parametrize("batch", [1000, 77])
def test_tiles_and_roots_do_not_depend_on_how_events_were_batched(system: System, batch: int) -> None:
    add_events(system, 600)
    assert sequence_all(batch) == 600
    checkpoint = log.sign_checkpoint()
    assert checkpoint is not None
    assert (checkpoint.size, bytes(checkpoint.root)) == (600, recomputed_root())
    read = stored.read_stored_tiles(list(tiles.tiles_of(600)))
    assert set(read) == set(tiles.tiles_of(600))
    report = check_log()
    assert (report.holds, report.size, report.root) == (True, 600, recomputed_root().hex())


@configure(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(1, 300), st.integers(1, 400), st.booleans()), min_size=1, max_size=4)
)
def test_any_order_of_events_batches_and_checkpoints_holds(
    system: System, steps: list[tuple[int, int, bool]], settings: Any
) -> None:
    settings.LOG_HEAD_FILE.unlink(missing_ok=True)  # the log of another example
    with transaction.atomic():
        for count, limit, signs in steps:
            add_events(system, count)
            log.sequence_events(limit=limit)
            if signs:
                log.sign_checkpoint()
        sequence_all()
        final = log.sign_checkpoint()
        assert final is not None
        assert bytes(final.root) == recomputed_root()
        assert check_log().faults == []
        for old, new in pairwise(Checkpoint.objects.order_by("size").values_list("size", flat=True)):
            before, after = stored.get_checkpoint(size=old), stored.get_checkpoint(size=new)
            tree.verify_consistency(
                old_size=old, old_root=bytes(before.root), new_size=new, new_root=bytes(after.root),
                proof=stored.prove_checkpoints_consistent(old_size=old, new_size=new),
            )  # fmt: skip
        transaction.set_rollback(True)


def test_every_event_has_a_proof_in_every_later_checkpoint(system: System) -> None:
    events = add_events(system, 300)
    log.sequence_events(limit=270)
    first = log.sign_checkpoint()
    sequence_all()
    second = log.sign_checkpoint()
    assert first is not None
    assert second is not None
    key = load_log_verifier()
    for event in events[::13]:
        text = stored.export_log_proof(event)
        proof, head = verify_log_proof(
            text, entry=bytes(event.entry), key=key, origin="tracebinder.local/log"
        )
        assert (proof.index, head.size) == (event.leaf.seq, 300)
    old = stored.prove_event_inclusion(events[0], size=270)
    verify_log_proof(old.to_text(), entry=bytes(events[0].entry), key=key, origin="tracebinder.local/log")
    with pytest.raises(NotFound):
        stored.prove_event_inclusion(events[-1], size=270)
    with pytest.raises(NotFound):
        stored.prove_event_inclusion(events[0], size=299)


def test_a_proof_asks_for_every_tile_that_its_path_needs_whatever_the_size() -> None:
    """By one statement, before the path is known: of trees larger than a test can fill."""
    chooser = random.Random(1)
    sizes = [1, 255, 256, 257, 65_535, 65_536, 65_537, 256**3, 256**3 + 1]
    sizes += [chooser.randrange(1, 1 << chooser.randrange(1, 55)) for _ in range(200)]
    places = stored.PLACES_OF_PATH.format(seq="%(seq)s::bigint", size="%(size)s::bigint")
    for size in sizes:
        for index in {0, size - 1, chooser.randrange(size)}:
            with connection.cursor() as cursor:
                cursor.execute(places, {"seq": index, "size": size})
                asked = set(cursor.fetchall())
            needed: set[tuple[int, int]] = set()

            def read(
                wanted: Collection[tiles.Tile], needed: set[tuple[int, int]] = needed
            ) -> dict[tiles.Tile, bytes]:
                needed |= {(tile.level, tile.index) for tile in wanted}
                return {tile: bytes(32 * tile.width) for tile in wanted}

            tree.prove_inclusion(tiles.nodes_from_tiles(read, size=size), index=index, size=size)
            assert needed <= asked, (size, index)


def test_an_unsigned_log_says_so(system: System) -> None:
    (event,) = add_events(system, 1)
    assert stored.read_event_state(event) == ("pending", None)
    with pytest.raises(NotFound):
        stored.latest_checkpoint()
    log.sequence_events()
    assert stored.read_event_state(event) == ("sequenced", 0)
    log.sign_checkpoint()
    assert stored.read_event_state(event) == ("checkpointed", 0)


def test_the_empty_log_is_signed_and_nothing_is_signed_twice(system: System) -> None:
    empty = log.sign_checkpoint()
    assert empty is not None
    assert notes.parse_checkpoint(empty.note.split("\n\n")[0] + "\n").root == tree.EMPTY_ROOT
    assert log.sign_checkpoint() == empty
    add_events(system, 1)
    assert log.sign_checkpoint() == empty  # an event without a leaf is not in the tree yet
    log.sequence_events()
    log.sign_checkpoint()
    assert Checkpoint.objects.count() == 2


def test_erasing_a_payload_leaves_every_proof_valid(system: System) -> None:
    add_events(system, 2)
    (event,) = add_events(system, 1, payload={"note": "Ms Petrova asked twice"})
    sequence_all()
    log.sign_checkpoint()
    assert b"Petrova" not in bytes(event.entry)
    before = stored.export_log_proof(event)
    AuditPayload.objects.filter(event=event).delete()
    assert stored.export_log_proof(event) == before
    report = check_log()
    assert report.erased == 1
    assert report.faults == [
        f"Event {event.event_uuid}: its details were deleted, and no erasure says so: transaction {event.xact_id}."
    ], "nobody asked for it"


EVENT_7 = "UPDATE evidence_auditevent SET {} WHERE id = (SELECT event_id FROM evidence_leaf WHERE seq = 7)"
FLIP = "{0} = set_bit({0}, 3, 1 - get_bit({0}, 3))"
REHASH = (
    "evidence_leaf l SET leaf_hash = sha256('\\x00'::bytea || e.entry) FROM evidence_auditevent e "
    "WHERE e.id = l.event_id AND l.seq = 7"
)
EDIT_ENTRY = EVENT_7.format("entry = entry || ' '::bytea")
TAMPERINGS = {
    "an entry": (EDIT_ENTRY, "its hash is not that of the entry"),
    "a row beside its entry": (EVENT_7.format("actor = 'user:eve'"), "another actor"),
    "an entry and its leaf": (f"{EDIT_ENTRY}; UPDATE {REHASH}", "do not lead to the root"),
    "a leaf": (f"UPDATE evidence_leaf SET {FLIP.format('leaf_hash')} WHERE seq = 7", "not that of the entry"),
    "a tile": (f"UPDATE evidence_tile SET {FLIP.format('hashes')} WHERE level = 0", "tile/0/000 is not what"),
    "an upper tile": (
        f"UPDATE evidence_tile SET {FLIP.format('hashes')} WHERE level = 1",
        "tile/1/000.p/1 is not",
    ),
    "a lost tile": ("DELETE FROM evidence_tile WHERE level = 0 AND width < 256", "is missing"),
    "a foreign tile": (
        "INSERT INTO evidence_tile (level, index, width, hashes) VALUES (2, 5, 1, '')",
        "no such tile",
    ),
    "the end": ("DELETE FROM evidence_leaf WHERE seq >= 290", "only 290 are left"),
    "a gap": ("DELETE FROM evidence_leaf WHERE seq = 7", "Leaf 7 is missing"),
    "a stream number": (
        "UPDATE evidence_leaf SET stream_seq = 1003 WHERE seq = 7",
        "number 1003 in credit, not 3",
    ),
    "a checkpoint's row": (
        "UPDATE evidence_checkpoint SET root = sha256('x')",
        "does not say what its note says",
    ),
    "a checkpoint's note": (
        "UPDATE evidence_checkpoint SET note = replace(note, '300', '299')",
        "not verify",
    ),
}


@contextmanager
def changed(name: str) -> Iterator[None]:
    """Change what cannot be changed, and take it back."""
    with transaction.atomic():
        as_owner(TAMPERINGS[name][0])
        yield
        transaction.set_rollback(True)


def test_the_check_finds_what_was_changed(system: System) -> None:
    add_events(system, 300)
    sequence_all()
    log.sign_checkpoint()
    assert check_log().holds
    for name, (_, fault) in TAMPERINGS.items():
        with changed(name):
            report = check_log()
        assert not report.holds, name
        assert any(fault in line for line in report.faults), (name, report.faults)


def test_the_check_finds_a_changed_payload(system: System) -> None:
    add_events(system, 2, payload={"amount": "5000"})
    sequence_all()
    AuditPayload.objects.update(payload=b"{}")
    assert check_log().n_faults == 2


def test_what_was_changed_before_signing_is_not_signed(system: System) -> None:
    add_events(system, 270)
    sequence_all()
    for name in ("an entry", "a leaf", "a gap"):
        with changed(name):
            with pytest.raises(log.LogInconsistent):
                log.sign_checkpoint()
            assert not Checkpoint.objects.exists(), name
    assert log.sign_checkpoint()


def test_a_log_that_was_changed_after_signing_is_not_signed_on(system: System) -> None:
    add_events(system, 300)
    sequence_all()
    log.sign_checkpoint()
    add_events(system, 30)
    sequence_all()
    for name in ("a tile", "a checkpoint's row", "a checkpoint's note"):
        with changed(name):
            with pytest.raises(log.LogInconsistent):
                log.sign_checkpoint()
            assert Checkpoint.objects.count() == 1, name
    assert log.sign_checkpoint()


def test_what_a_checkpoint_covers_is_left_to_the_full_check(system: System) -> None:
    """Signing reads new entries only, so that its cost does not grow with the log."""
    add_events(system, 300)
    sequence_all()
    log.sign_checkpoint()
    add_events(system, 1)
    sequence_all()
    as_owner(TAMPERINGS["an entry and its leaf"][0])
    assert log.sign_checkpoint() is not None
    assert len([fault for fault in check_log().faults if "do not lead to the root" in fault]) == 3


def test_a_checkpoint_kept_outside_shows_a_log_that_was_rewritten(system: System, settings: Any) -> None:
    add_events(system, 10)
    sequence_all()
    kept = log.sign_checkpoint()
    assert kept is not None
    head = notes.open_checkpoint(kept.note, key=load_log_verifier(), origin="tracebinder.local/log")
    as_owner(
        "DELETE FROM evidence_checkpoint; DELETE FROM evidence_tile; DELETE FROM evidence_leaf WHERE seq >= 5"
    )
    with pytest.raises(LogForked):
        log.sign_checkpoint()
    assert not check_log().holds
    settings.LOG_HEAD_FILE.unlink()  # as somebody could who owns the machine as well
    assert log.sign_checkpoint() is not None  # from inside, the shorter log looks whole
    assert check_log().holds
    faults = check_log(known=[head]).faults
    assert faults == ["A checkpoint was signed at 10 leaves; only 5 are left."]


def test_the_key_is_private_made_once_and_never_replaced(system: System, settings: Any) -> None:
    assert load_log_signer().verifier == load_log_verifier()
    path = Path(settings.KEY_ROOT) / "log.ed25519.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    log.sign_checkpoint()
    path.chmod(0o640)
    with pytest.raises(LogKeyUnusable, match="chmod 600"):
        load_log_signer()
    path.unlink()
    with pytest.raises(LogKeyUnusable, match="Restore it"):
        load_log_signer()
    path.write_text("no key")
    path.chmod(0o600)
    with pytest.raises(LogKeyUnusable, match="PEM"):
        load_log_signer()


def test_another_key_does_not_continue_the_log(system: System, settings: Any) -> None:
    add_events(system, 3)
    sequence_all()
    log.sign_checkpoint()
    add_events(system, 1)
    sequence_all()
    settings.KEY_ROOT = Path(settings.KEY_ROOT) / "other"
    with mock.patch.object(Checkpoint.objects, "exists", return_value=False):
        load_log_signer()
    with pytest.raises(log.LogInconsistent, match="no trusted key"):
        log.sign_checkpoint()


def test_the_runtime_role_cannot_change_the_log(system: System) -> None:
    add_events(system, 2)
    sequence_all()
    log.sign_checkpoint()
    for model in (AuditEvent, Leaf, Tile, Checkpoint):
        table = model._meta.db_table
        for sql in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)


def test_verify_log_says_what_it_found(
    system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_events(system, 5)
    sequence_all()
    kept = log.sign_checkpoint()
    assert kept is not None
    file = tmp_path / "checkpoint"
    file.write_text(kept.note, encoding="utf-8")
    call_command("verify_log", checkpoint=[file])
    assert "The audit log holds." in capsys.readouterr().out
    as_owner(TAMPERINGS["the end"][0].replace("290", "3"))
    with pytest.raises(CommandError) as caught:
        call_command("verify_log", checkpoint=[file])
    assert caught.value.returncode == 1
    assert "FAULT  A checkpoint was signed at 5 leaves; only 3 are left." in capsys.readouterr().out
    file.write_text("nothing", encoding="utf-8")
    with pytest.raises(CommandError) as caught:
        call_command("verify_log", checkpoint=[file])
    assert caught.value.returncode == 2


def test_entries_are_the_bytes_that_were_hashed(system: System) -> None:
    events = add_events(system, 3)
    sequence_all()
    log.sign_checkpoint()
    entries = tiles.unpack_entries(stored.read_bundle(tiles.Bundle(0, 3)))
    assert entries == [bytes(event.entry) for event in events]
    assert json.loads(entries[1])["system"] == "credit"
    hashes = tiles.split_hashes(stored.read_tile(tiles.Tile(0, 0, 3)))
    assert hashes == [tree.leaf_hash(entry) for entry in entries]
    for wrong in (tiles.Tile(0, 0, 4), tiles.Tile(0, 1, 1), tiles.Tile(1, 0, 1)):
        with pytest.raises(NotFound):
            stored.read_tile(wrong)
    with pytest.raises(NotFound):
        stored.read_bundle(tiles.Bundle(0, 4))


def test_a_torn_right_edge_stops_the_sequencer(system: System) -> None:
    add_events(system, 300)
    sequence_all()
    as_owner("DELETE FROM evidence_tile WHERE level = 1")
    add_events(system, 300)
    with pytest.raises(log.LogInconsistent):
        log.sequence_events()
    assert Leaf.objects.count() == 300
