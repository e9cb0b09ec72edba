"""A database put back to an older state does not sign what contradicts the head that was published."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from config.starting import say_what_is_wrong
from evidence.models import AuditEvent, AuditPayload, Checkpoint, System
from evidence.services import log
from evidence.services.log import LogForked, LogInconsistent, check_log
from tests.evidence.test_log_service import add_events, as_owner
from tests.factories import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def system(world: World) -> System:
    return world.system


def grow(system: System, count: int) -> Checkpoint:
    """Add events and sign them."""
    add_events(system, count)
    log.sequence_events()
    checkpoint = log.sign_checkpoint()
    assert checkpoint is not None
    return checkpoint


def lose(system: System, count: int) -> Checkpoint:
    """Sign `count` further events and put the database back to before them; return the head that was published."""
    with transaction.atomic():
        published = grow(system, count)
        transaction.set_rollback(True)
    return published


def head_file(settings: Any) -> Path:
    return Path(settings.LOG_HEAD_FILE)


def test_each_head_is_kept_outside_the_database(system: System, settings: Any) -> None:
    for count in (3, 300, 2):
        assert head_file_says(settings, grow(system, count))
    head_file(settings).unlink()  # as where an installation of before did not keep it
    assert log.sign_checkpoint() == Checkpoint.objects.latest("size")
    assert head_file_says(settings, Checkpoint.objects.latest("size"))


def head_file_says(settings: Any, checkpoint: Checkpoint) -> bool:
    return head_file(settings).read_text(encoding="utf-8") == checkpoint.note


@pytest.mark.parametrize("since", [0, 5, 7, 600], ids=["nothing", "fewer", "as-many", "more"])
def test_after_an_older_backup_nothing_is_signed_whatever_was_added_since(
    system: System, settings: Any, since: int
) -> None:
    grow(system, 10)
    published = lose(system, 7)
    add_events(system, since)
    log.sequence_events()
    with pytest.raises(LogForked, match=r"published.*resume_log"):
        log.sign_checkpoint()
    assert Checkpoint.objects.count() == 1
    assert head_file_says(settings, published)


def test_a_head_whose_commit_was_lost_is_continued(system: System) -> None:
    grow(system, 10)
    add_events(system, 7)
    log.sequence_events()
    with transaction.atomic():
        log.sign_checkpoint()
        transaction.set_rollback(True)  # the entries were committed before
    assert grow(system, 1).size == Checkpoint.objects.latest("size").size
    assert check_log().holds


def test_what_is_kept_may_not_be_another_logs_head(system: System, settings: Any) -> None:
    grow(system, 10)
    head_file(settings).write_text("elsewhere/log\n3\nAAAA\n\n— elsewhere/log AAAA\n", encoding="utf-8")
    with pytest.raises(LogForked, match="no head of this log"):
        log.sign_checkpoint()


def test_a_tile_that_is_gone_is_said_and_nothing_is_signed(
    system: System, settings: Any, monitor: APIClient
) -> None:
    older = grow(system, 300)
    grow(system, 300)
    head_file(settings).write_text(older.note, encoding="utf-8")  # as another host's
    as_owner("DELETE FROM evidence_tile WHERE level = 1")
    answer = monitor.get("/readyz").json()
    assert any(fault.startswith("log: ") and "cannot be compared" in fault for fault in answer["faults"]), (
        answer
    )
    with pytest.raises(LogInconsistent):
        log.sign_checkpoint()


def test_readiness_and_the_start_say_so(
    system: System, caplog: pytest.LogCaptureFixture, monitor: APIClient
) -> None:
    grow(system, 10)
    lose(system, 7)
    answer = monitor.get("/readyz").json()
    assert answer["status"] == "degraded"
    assert any(fault.startswith("log: ") and "published" in fault for fault in answer["faults"]), answer
    with caplog.at_level(logging.ERROR):
        say_what_is_wrong()
    assert "were published" in caplog.text


@pytest.mark.parametrize("since", [0, 7], ids=["shorter", "another"])
def test_a_stranger_who_asks_for_the_head_is_not_given_an_older_one(system: System, since: int) -> None:
    grow(system, 10)
    published = lose(system, 7)
    add_events(system, since)
    log.sequence_events()
    answer = Client().get("/log/checkpoint")
    assert (answer.status_code, answer.json()["code"]) == (503, "log_forked")
    _, size, root = published.note.splitlines()[:3]
    assert f"size {size} with the root {root}" in answer.json()["detail"]
    call_command("resume_log", reason="the disk and the newer backup were lost")
    assert Client().get("/log/checkpoint").status_code == 200


def test_a_head_is_served_while_the_next_one_is_being_signed(system: System) -> None:
    before = grow(system, 10)
    add_events(system, 7)
    log.sequence_events()
    with transaction.atomic():
        log.sign_checkpoint()
        transaction.set_rollback(True)  # its file is written, its row is not committed
    assert Client().get("/log/checkpoint").content.decode() == before.note


def test_the_log_is_resumed_on_record_and_names_the_head_it_gives_up(system: System, settings: Any) -> None:
    grow(system, 10)
    published = lose(system, 7)
    call_command("resume_log", reason="the disk and the newer backup were lost")
    event = AuditEvent.objects.get(verb="log.resumed")
    payload = bytes(AuditPayload.objects.get(event=event).payload).decode()
    assert published.note.splitlines()[2] in payload
    assert "newer backup" in payload
    resumed = grow(system, 1)
    assert resumed.size > event.leaf.seq
    assert head_file_says(settings, resumed)
    kept = list(head_file(settings).parent.glob("log.head.given-up-*"))
    assert [path.read_text(encoding="utf-8") for path in kept] == [published.note]
    assert check_log().holds


def test_a_log_that_continues_is_not_resumed(system: System) -> None:
    with pytest.raises(CommandError, match="nothing to resume"):
        call_command("resume_log", reason="to be safe")
    grow(system, 3)
    with pytest.raises(CommandError, match="nothing to resume"):
        call_command("resume_log", reason="to be safe")
    lose(system, 2)
    with pytest.raises(CommandError, match="Say why"):
        call_command("resume_log", reason=" ")
