"""Exporting: the same bytes again, nothing of other systems, nothing half done."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from evidence import clock
from evidence.errors import InvalidInput
from evidence.models import AuditEvent, AuditPayload, Binder, Leaf, Role, Trace
from evidence.services import audit, binders, registry
from evidence.services.keys import rotation
from evidence.services.keys.binder_signer import SignerKeyReplaced, SignerKeyUnusable, load_binder_signer
from evidence.services.keys.files import create_key_file
from interpret.models import ProbeRun
from tests.client.binders import unpack
from tests.evidence.binder_world import Filled, archive_of, export, fill_lightly, make_finding, verify
from tests.factories import ACTOR, World, make_world
from tests.kept_scenes import kept_scene
from tests.requirements.builders import make_trace


@pytest.fixture
@kept_scene
def filled(world: World) -> Filled:
    return fill_lightly(world)


def lines(members: dict[str, bytes], path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in members[f"data/{path}"].splitlines()]


def test_same_scope_gives_the_same_bytes_and_one_row(filled: Filled) -> None:
    first = export(filled)
    make_trace(filled.world, age=timedelta(0))  # recorded after as_of, as are the events of the first export
    make_finding(filled.world, Role.COUNTER, number=2)
    assert export(filled) == first
    assert Binder.objects.count() == 1
    for verb in ("binder.sealed", "binder.exported"):
        assert AuditEvent.objects.filter(verb=verb).count() == 1


def test_a_lost_key_is_refused_and_never_replaced_in_silence(filled: Filled, settings: Any) -> None:
    export(filled)
    path = settings.KEY_ROOT / "binder.ed25519.pem"
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(SignerKeyUnusable, match=r"Restore it from the backup.*rotate_binder_key"):
        export(filled, as_of=None)
    assert not path.exists()
    create_key_file(path)
    with pytest.raises(SignerKeyUnusable, match="the last one on record"):
        export(filled, as_of=None)
    path.write_bytes(kept)
    assert export(filled) == Binder.objects.get()


def test_a_key_that_sealed_a_binder_which_was_never_finished_was_used(
    filled: Filled, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as during:
        during.setattr(binders, "_store", fail)
        with pytest.raises(RuntimeError):
            export(filled)
    (settings.KEY_ROOT / "binder.ed25519.pem").unlink()
    with pytest.raises(SignerKeyUnusable):
        export(filled)


def test_a_key_is_replaced_on_purpose_and_on_record(filled: Filled, settings: Any) -> None:
    with pytest.raises(CommandError, match="No binder was ever signed"):
        call_command("rotate_binder_key", reason="too early")
    old = json.loads(export(filled).sidecar)["signatures"][0]["keyid"]
    path = settings.KEY_ROOT / "binder.ed25519.pem"
    path.unlink()
    call_command("rotate_binder_key", reason="the disk was lost")
    event = AuditEvent.objects.get(verb="binder_key.rotated")
    assert event.object_digest == load_binder_signer().keyid != old
    assert b"the disk was lost" in bytes(AuditPayload.objects.get(event=event).payload)
    make_trace(filled.world, age=timedelta(minutes=1))
    signed = json.loads(export(filled, as_of=None).sidecar)["signatures"][0]["keyid"]
    assert signed == event.object_digest
    call_command("rotate_binder_key", reason="an exercise")
    assert len(list(settings.KEY_ROOT.glob("binder*"))) == 2, "the key of before is kept beside the new one"


@pytest.mark.parametrize("between", ["create_key_file", "_put_in_place"])
def test_of_two_keys_made_at_the_same_time_the_one_on_record_last_signs(
    filled: Filled, settings: Any, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    export(filled)
    step = getattr(rotation, between)

    def step_beside_another(*given: Any) -> Any:
        monkeypatch.setattr(rotation, between, step)
        made = step(*given) if between == "create_key_file" else None
        call_command("rotate_binder_key", reason="the other one")
        return made if between == "create_key_file" else step(*given)

    monkeypatch.setattr(rotation, between, step_beside_another)
    with suppress(CommandError):  # where the other one is on record later
        call_command("rotate_binder_key", reason="this one")
    last = AuditEvent.objects.filter(verb="binder_key.rotated").latest("pk")
    assert load_binder_signer().keyid == last.object_digest
    assert list(settings.KEY_ROOT.glob("*.next*")) == []


def test_the_key_made_last_signs_whatever_the_clock_says(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(filled)
    before = timezone.now() - timedelta(minutes=30)
    with monkeypatch.context() as during:
        during.setattr(clock, "now", lambda: before)  # a clock that was set back
        call_command("rotate_binder_key", reason="it was stolen")
    event = AuditEvent.objects.get(verb="binder_key.rotated")
    assert load_binder_signer().keyid == event.object_digest
    assert keyid_of(export(filled)) == event.object_digest


def test_what_was_signed_by_a_key_that_was_replaced_meanwhile_is_not_stored(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(filled)
    seal = binders._seal

    def seal_while_the_key_is_replaced(*given: Any) -> Any:
        call_command("rotate_binder_key", reason="it was stolen")
        return seal(*given)

    make_trace(filled.world, age=timedelta(minutes=1))
    with monkeypatch.context() as during:
        during.setattr(binders, "_seal", seal_while_the_key_is_replaced)
        with pytest.raises(SignerKeyReplaced, match="Ask again"):
            export(filled, as_of=None)
    assert Binder.objects.count() == 1
    assert keyid_of(export(filled, as_of=None)) == load_binder_signer().keyid


def keyid_of(binder: Binder) -> str:
    return str(json.loads(binder.sidecar)["signatures"][0]["keyid"])


def test_later_export_holds_what_came_since(filled: Filled) -> None:
    first = unpack(archive_of(export(filled)))
    make_trace(filled.world, age=timedelta(minutes=1))
    make_finding(filled.world, Role.COUNTER, number=2)
    second = unpack(archive_of(export(filled, as_of=None)))
    for path in ("traces/traces.jsonl", "evidence/counter.jsonl"):
        assert (len(lines(first, path)), len(lines(second, path))) == (1, 2)


def test_only_the_revision_current_at_the_time_is_packed(filled: Filled) -> None:
    make_trace(filled.world, trace_id=filled.trace.trace_id, revision=2, age=timedelta(minutes=1))
    packed = lines(unpack(archive_of(export(filled, as_of=None))), "traces/traces.jsonl")
    assert [(row["traceId"], row["revision"]) for row in packed] == [(filled.trace.trace_id.hex, 2)]


def test_entries_about_internals_are_withheld_and_their_hash_stays(filled: Filled, tmp_path: Path) -> None:
    with transaction.atomic():
        audit.record(
            verb="probe_run.queued", actor="system:interpret", obj=ProbeRun(pk=1), system=filled.world.system
        )
    registry.ensure_version(
        system=filled.world.system, kind="probe", key="heads", label="1", digest="c" * 64, actor=ACTOR
    )
    binder = export(filled, as_of=None)
    rows = lines(unpack(archive_of(binder)), "audit/entries.jsonl")
    withheld = [row for row in rows if "entry" not in row]
    assert {row["withheld"] for row in withheld} == {"internals"}
    verbs = [Leaf.objects.get(seq=row["index"]).event.verb for row in withheld]
    assert verbs[-2:] == ["probe_run.queued", "artefact_version.created"]
    assert set(verbs[:-2]) == {"evidence.attached", "defeater.opened"}  # about findings
    report = verify(tmp_path, archive_of(binder))
    assert report.exit_code == 0
    assert f"{len(withheld)} withheld" in {line.name: line.detail for line in report.lines}["completeness"]


def test_other_systems_are_not_in_it(filled: Filled) -> None:
    make_trace(make_world("aml-copilot"))
    members = unpack(archive_of(export(filled, as_of=None)))
    for name, content in members.items():
        if name != "data/audit/leafhashes.bin":
            assert b"aml-copilot" not in content, name


def test_no_binder_without_its_audit_event(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*, verb: str, **_: object) -> None:
        raise IntegrityError(verb)

    monkeypatch.setattr(binders, "_seal", lambda *_: None)
    monkeypatch.setattr(audit, "record", refuse)
    with pytest.raises(IntegrityError, match=r"binder\.exported"):
        export(filled)
    assert not Binder.objects.exists()


def test_nothing_is_left_in_the_store_by_a_failed_export(filled: Filled, settings: Any) -> None:
    settings.BINDER_SECTIONS = [*settings.BINDER_SECTIONS, f"{__name__}.failing_section"]
    with pytest.raises(RuntimeError):
        export(filled)
    assert list(Path(settings.BLOB_ROOT).glob(".incoming-*")) == []
    assert not AuditEvent.objects.filter(verb="binder.sealed").exists()


def failing_section(_: object) -> None:
    raise RuntimeError


def test_unusable_scopes_are_refused(filled: Filled) -> None:
    for changes in (
        {"period_to": filled.as_of - timedelta(days=4000)},
        {"as_of": timezone.now() + timedelta(days=1)},
        {"release": make_world("aml-copilot").release},
    ):
        with pytest.raises(InvalidInput):
            export(filled, **changes)


def test_system_without_any_evidence_still_has_a_binder(world: World, tmp_path: Path) -> None:
    empty = Filled(world, trace=None, as_of=timezone.now())  # type: ignore[arg-type]  # there is none
    assert verify(tmp_path, archive_of(export(empty))).problems == []


def test_key_that_others_can_read_signs_nothing(filled: Filled, settings: Any) -> None:
    export(filled)
    key = Path(settings.KEY_ROOT) / "binder.ed25519.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    with pytest.raises(SignerKeyUnusable, match="chmod 600"):
        export(filled, as_of=None)


WORLDS: list[World] = []


def late_section(_: object) -> list[object]:
    """A trace that another connection commits while the binder is being read, dated before `as_of`."""

    def commit() -> None:
        make_trace(WORLDS[0], age=timedelta(hours=2))
        connection.close()

    worker = threading.Thread(target=commit)
    worker.start()
    worker.join()
    return []


@pytest.mark.django_db(transaction=True)
def test_all_sections_are_read_in_one_snapshot(settings: Any, tmp_path: Path) -> None:
    filled = fill_lightly(make_world())
    WORLDS[:] = [filled.world]
    first, *others = settings.BINDER_SECTIONS
    settings.BINDER_SECTIONS = [f"{__name__}.open_section", f"{__name__}.late_section", first, *others]
    binder = export(filled)
    assert len(lines(unpack(archive_of(binder)), "traces/traces.jsonl")) == 1
    assert Trace.objects.count() == 2
    assert verify(tmp_path, archive_of(binder), binder.sidecar).exit_code == 0


def open_section(_: object) -> list[object]:
    """Take the snapshot: PostgreSQL does so at the first query."""
    Trace.objects.exists()
    return []
