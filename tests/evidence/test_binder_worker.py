"""A worker that exports with connections of its own: whatever it meets, what became of the request is stored."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.db.models import QuerySet
from pytest_django.fixtures import Settings

from evidence import clock, database_errors, tasks
from evidence.actors import actor_of_token
from evidence.errors import InvalidInput
from evidence.models import AccessToken, AuditEvent, Binder, BinderRequest, Pseudonym
from evidence.models.work import MAX_ATTEMPTS
from evidence.selectors.binder.scope import AskedScope
from evidence.services import audit, binder_requests, leased_work
from evidence.services.binders import ExportProgress
from tests.client.binders import unpack
from tests.evidence.binder_world import PERIOD, Filled, archive_of, fill_lightly
from tests.factories import acting, make_person, make_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def filled(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Filled:
    del transactional_db
    monkeypatch.setattr(binder_requests, "principal_of_actor", lambda _: acting())
    return fill_lightly(make_world())


def ask(filled: Filled, **changes: Any) -> BinderRequest:
    asked: dict[str, Any] = {
        "system": filled.world.system,
        "release": filled.world.release,
        "baseline": "",
        "period_from": PERIOD[0],
        "period_to": PERIOD[1],
        "as_of": None,
        **changes,
    }
    return binder_requests.queue_binder(principal=acting(), asked=AskedScope(**asked), send=lambda _: None)


def fail_while_writing(monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    """Fail at the second piece of the ZIP, while a section is being read."""
    pieces: list[int] = []

    def add(_: ExportProgress, n_bytes: int) -> int:
        pieces.append(n_bytes)
        if len(pieces) > 1:
            raise problem
        return n_bytes

    monkeypatch.setattr(ExportProgress, "add", add)


def test_a_full_disk_while_it_is_written_puts_the_request_back(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(filled)
    with monkeypatch.context() as during:
        fail_while_writing(during, OSError(28, "No space left on device"))
        tasks.export_binder(request.pk)
    request.refresh_from_db()
    assert (request.state, request.attempts, request.lease_until) == ("queued", 0, None)
    assert request.error.startswith("blob_store_away")
    tasks.export_binder(request.pk)
    request.refresh_from_db()
    assert request.state == "done"


def test_an_export_that_takes_too_long_is_stored_as_failed(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(filled)
    fail_while_writing(monkeypatch, SoftTimeLimitExceeded())
    with pytest.raises(SoftTimeLimitExceeded):
        tasks.export_binder(request.pk)
    request.refresh_from_db()
    assert (request.state, request.lease_until) == ("failed", None)
    assert request.error.startswith("SoftTimeLimitExceeded")


SECTION_FAULTS: list[str] = []


def section_that_runs_sql(_: object) -> list[object]:
    """What a section meets: a connection that was ended, a column that an upgrade has taken away."""
    with connection.cursor() as cursor:
        cursor.execute(SECTION_FAULTS[0])
    return []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid())", id="connection ended"),
        pytest.param("SELECT no_longer FROM evidence_system", id="upgrade"),
    ],
)
def test_what_the_database_does_meanwhile_puts_the_request_back_however_often(
    filled: Filled, settings: Settings, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    SECTION_FAULTS[:] = [fault]
    monkeypatch.setattr(
        database_errors, "SETTLES_AFTER", timedelta(days=1)
    )  # the last migration was just now
    request = ask(filled)
    sections = settings.BINDER_SECTIONS
    settings.BINDER_SECTIONS = [*sections, f"{__name__}.section_that_runs_sql"]
    for _ in range(MAX_ATTEMPTS + 1):
        tasks.export_binder(request.pk)
        request.refresh_from_db()
        assert (request.state, request.attempts) == ("queued", 0)
    settings.BINDER_SECTIONS = sections
    sent: list[int] = []
    monkeypatch.setattr(tasks.export_binder, "delay", sent.append)
    BinderRequest.objects.update(sent_at=clock.now() - timedelta(minutes=6), started_at=clock.now())
    tasks.resend_binder_requests()
    assert sent == [request.pk]
    tasks.export_binder(request.pk)
    request.refresh_from_db()
    assert request.state == "done"


def test_a_last_attempt_that_says_it_is_alive_after_all_is_not_given_up(filled: Filled) -> None:
    """The database was away for longer than the lease; the worker lived and renews it while its row is looked at."""
    request = ask(filled)
    for _ in range(MAX_ATTEMPTS):
        BinderRequest.objects.update(lease_until=clock.now() - timedelta(minutes=1))
        assert leased_work.claim(binder_requests.WORK, request.pk)
    BinderRequest.objects.update(lease_until=clock.now() - timedelta(minutes=1))
    looks = iter(range(100))

    def rows_that_are_renewed_once_seen() -> QuerySet[BinderRequest]:
        if next(looks) == 1:
            BinderRequest.objects.update(lease_until=clock.now() + timedelta(minutes=5))
        return binder_requests.WORK.rows()

    assert leased_work.find_to_send(replace(binder_requests.WORK, rows=rows_that_are_renewed_once_seen)) == []
    request.refresh_from_db()
    assert (request.state, request.attempts) == ("running", MAX_ATTEMPTS)
    BinderRequest.objects.update(lease_until=clock.now() - timedelta(minutes=1))
    leased_work.find_to_send(binder_requests.WORK)
    request.refresh_from_db()
    assert (request.state, request.error[:11]) == ("failed", "worker_lost")


def test_whoever_a_process_of_before_let_in_without_a_pseudonym_is_given_one(filled: Filled) -> None:
    owner = make_person("of-before")
    token = AccessToken.objects.create(
        name="t",
        prefix="0123456789ab",
        secret_digest="0" * 64,
        owner=owner,
        scopes=[],
        expires_at=clock.now(),
    )
    with transaction.atomic():
        audit.record(verb="x.y", actor=actor_of_token(token), obj=token, system=filled.world.system)
    request = ask(filled)
    tasks.export_binder(request.pk)
    request.refresh_from_db()
    assert request.state == "done"
    members = unpack(archive_of(Binder.objects.get()))
    assert Pseudonym.objects.get(user=owner).actor in members["data/people.json"].decode()


def test_what_does_not_pass_in_a_day_is_given_up_with_its_reason(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(filled)
    fail_while_writing(monkeypatch, OSError(28, "No space left on device"))
    tasks.export_binder(request.pk)
    BinderRequest.objects.update(queued_at=clock.now() - timedelta(hours=25))
    assert binder_requests.find_requests_to_send() == []
    request.refresh_from_db()
    assert request.state == "failed"
    assert request.error.startswith("blob_store_away")
    assert AuditEvent.objects.filter(verb="binder.failed").count() == 1


def test_a_worker_whose_clock_is_a_little_behind_exports_all_the_same(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(filled)
    monkeypatch.setattr(clock, "now", lambda: request.as_of - timedelta(milliseconds=100))
    tasks.export_binder(request.pk)
    request.refresh_from_db()
    assert request.state == "done"


def test_a_time_that_nobody_has_reached_is_refused(filled: Filled) -> None:
    with pytest.raises(InvalidInput, match="as_of is in the future"):
        ask(filled, as_of=clock.now() + timedelta(seconds=5))


def test_a_lease_is_renewed_again_after_its_connection_was_ended(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(filled)
    monkeypatch.setattr(binder_requests, "RENEW_AFTER", 0.05)
    claimed = leased_work.claim(binder_requests.WORK, request.pk)
    assert claimed is not None
    keep = binder_requests.keep_lease
    failed, renewed = threading.Event(), threading.Event()

    def keep_or_lose(*given: Any) -> None:
        if not failed.is_set():
            failed.set()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        keep(*given)
        renewed.set()

    monkeypatch.setattr(binder_requests, "keep_lease", keep_or_lose)
    with binder_requests._lease_kept(claimed, ExportProgress()):
        assert failed.wait(20)
        assert renewed.wait(20)


def test_a_binder_as_of_now_holds_the_log_whoever_makes_it(filled: Filled) -> None:
    request = ask(filled)  # on a log that nobody has signed yet
    tasks.export_binder(request.pk)
    members = unpack(archive_of(Binder.objects.get()))
    assert "data/audit/checkpoints.txt" in members
    told = members["data/audit/entries.jsonl"].count(b"\n")
    system_events = AuditEvent.objects.filter(system=filled.world.system)
    assert told == system_events.exclude(verb__startswith="binder.").count()
