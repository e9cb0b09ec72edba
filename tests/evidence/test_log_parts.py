"""`verify_log` in parts: it goes on where it was interrupted, shares its work, and says what it took on trust."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from evidence.errors import InvalidInput
from evidence.models import AuditEvent, Checkpoint, Claim, Trace
from evidence.services import log
from evidence.services.log import Effort, Found, ProgressRefused, check_log, parts
from tests.factories import World, make_world
from tests.invariants.owner_attacks import as_owner, carry_out, copy_a_row
from tests.requirements.builders import make_trace


@pytest.fixture
def signed(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    """A signed log of a dozen transactions, and parts so small that there are several."""
    del transactional_db
    monkeypatch.setattr(parts, "ENTRIES_A_PART", 4)
    monkeypatch.setattr(parts, "ROWS_A_PART", 10)
    world = make_world()
    for _ in range(6):
        make_trace(world, claims=[("verbatim", 1.0)])
    sign()
    return world


def sign() -> int:
    """Have the log take and sign what is on record; return the size of the tree."""
    log.sequence_events()
    log.sign_checkpoint()
    return Checkpoint.objects.latest("size").size


def test_a_check_that_was_killed_goes_on_and_finds_the_same(signed: World, tmp_path: Path) -> None:
    file = tmp_path / "progress"

    def stop(n_done: int, n_parts: int, found: Found) -> None:
        del found
        assert n_parts > 4
        if n_done == 3:
            raise KeyboardInterrupt

    whole = check_log()
    assert whole.holds
    with pytest.raises(KeyboardInterrupt):
        check_log(effort=Effort(file=file, tell=stop))
    with file.open("a") as torn:
        torn.write('{"part": "rows:1')  # as a kill leaves a line
    resumed = check_log(effort=Effort(file=file))
    assert resumed.resumed == 3
    assert (resumed.size, resumed.root, resumed.rows) == (whole.size, whole.root, whole.rows)
    assert not file.exists()


def test_what_an_interrupted_check_had_found_is_in_the_report(signed: World, tmp_path: Path) -> None:
    with as_owner() as cursor:
        first = Trace.objects.earliest("pk").pk
        assert carry_out(
            cursor, iter([f"UPDATE evidence_trace SET language = 'xx' WHERE id = {first}"]), Trace
        )
        faults = check_log().faults
        assert len(faults) == 1

        def stop(n_done: int, n_parts: int, found: Found) -> None:
            if n_done == n_parts:
                raise KeyboardInterrupt

        file = tmp_path / "progress"
        with pytest.raises(KeyboardInterrupt):
            check_log(effort=Effort(file=file, tell=stop))
        assert check_log(effort=Effort(file=file)).faults == faults


def test_a_file_of_another_check_is_refused_and_left(signed: World, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("a shopping list\n")
    with pytest.raises(ProgressRefused, match="remove it, or name another"):
        check_log(effort=Effort(file=file))
    assert file.read_text() == "a shopping list\n"


def interrupted(file: Path) -> list[str]:
    """Return the lines of the file that a check left which was killed before its last part."""

    def stop(n_done: int, n_parts: int, found: Found) -> None:
        del found
        if n_done == n_parts - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_log(effort=Effort(file=file, tell=stop))
    return file.read_text().splitlines()


@pytest.mark.parametrize(
    "forged",
    [
        {"n_faults": -1},
        {"n_faults": 0, "faults": ["The event of leaf 1 is gone."]},
        {"others": {"1": "00" * 32}},
        {"n_faults": "0"},
        {"entries": -3},
        {"rows": {"rows": -5, "transactions": 0, "adopted": 0}},
    ],
    ids=str,
)
def test_a_file_of_progress_outweighs_nothing_that_is_found_elsewhere(
    signed: World, tmp_path: Path, forged: dict[str, Any]
) -> None:
    """It can have its parts left out, which is said. It can neither count faults down nor give other leaves hashes."""
    file = tmp_path / "progress"
    *lines, last = interrupted(file)
    kept = json.loads(last)
    kept["found"] |= forged
    file.write_text("\n".join([*lines, json.dumps(kept), ""]))
    with pytest.raises(ProgressRefused, match="no file of progress"):
        check_log(effort=Effort(file=file))


def test_two_processes_find_what_one_finds(signed: World) -> None:
    one, two = check_log(), check_log(effort=Effort(processes=2))
    assert two.holds
    assert (one.size, one.root, one.rows, one.tiles) == (two.size, two.root, two.rows, two.tiles)


def test_since_a_checkpoint_only_what_is_new_is_looked_at_and_that_is_said(signed: World) -> None:
    size = Checkpoint.objects.latest("size").size
    before = Claim.objects.latest("pk").pk
    make_trace(signed, claims=[("verbatim", 1.0)])
    sign()
    assert 0 < check_log(since=size).rows.rows < check_log().rows.rows
    with as_owner() as cursor:
        assert carry_out(cursor, iter([f"UPDATE evidence_claim SET origin = 'x' WHERE id = {before}"]), Claim)
        cursor.execute("ALTER TABLE evidence_claim ENABLE TRIGGER USER")
        assert check_log().faults
        assert check_log(since=size).holds, "it was verified before, as whoever asks says"
        told = StringIO()
        call_command("verify_log", since=size, stdout=told, stderr=StringIO())
        assert f"NOT SEEN  entries below {size}" in told.getvalue()
    with as_owner() as cursor:
        newest = Claim.objects.latest("pk").pk
        assert carry_out(cursor, iter([f"UPDATE evidence_claim SET origin = 'x' WHERE id = {newest}"]), Claim)
        assert check_log(since=size).faults
        with pytest.raises(CommandError, match="does not hold"):
            call_command("verify_log", since=size, stdout=StringIO(), stderr=StringIO())


def test_since_a_size_that_nobody_signed_is_refused(signed: World) -> None:
    with pytest.raises(InvalidInput, match="No checkpoint was signed at 1 leaves"):
        check_log(since=1)


def test_since_a_checkpoint_no_forged_number_hides_what_came_later(signed: World) -> None:
    """Where later rows begin is told by an entry below, and that one is looked at."""
    size = Checkpoint.objects.latest("size").size
    with as_owner() as cursor:
        cursor.execute("SELECT tracebinder_xact_id()")
        (now,) = cursor.fetchone()
        row = f"id = {Claim.objects.latest('pk').pk}"
        assert carry_out(cursor, iter([copy_a_row(Claim, row, into=f"{now - 2}")]), Claim)
        assert check_log(since=size).faults
        last = AuditEvent.objects.filter(verb="rows.bound").latest("pk").pk
        forged = f"UPDATE evidence_auditevent SET xact_id = {now - 1} WHERE id = {last}"
        assert carry_out(cursor, iter([forged]), AuditEvent)
        assert check_log(since=size).faults
