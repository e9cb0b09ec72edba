"""Retention takes whole months of spans, on record; a legal hold wins."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction

from config.replay import replayer_of
from evidence.access import principal_of_token
from evidence.models import AccessToken, AuditEvent, BlobRemoval, Disposal, IngestBatch, Scope, Span, Trace
from evidence.services import assembly, ingest
from evidence.services.disposal import holds
from evidence.services.disposal.retention import apply_retention, describe
from evidence.services.ingest.partitions import ensure_partitions
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.factories import World, acting

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PERIOD = datetime(2023, 5, 1, tzinfo=UTC), datetime(2023, 6, 1, tzinfo=UTC)


@pytest.fixture
def old(world: World, settings: Any) -> list[Trace]:
    """A trace of May 2023 and one of June 2023, in the partitions of their months."""
    settings.RETENTION_DAYS = {"traces": 365, "logs": 0}
    ensure_partitions(today=date(2023, 6, 2), months_ahead=0)
    world.token(Scope.INGEST)
    sender = principal_of_token(AccessToken.objects.get())
    for month in (5, 6):
        start = int(datetime(2023, month, 9, tzinfo=UTC).timestamp()) * 1_000_000_000
        span = make_span(
            trace_id=bytes([month]) * 16,
            start_time_unix_nano=start,
            end_time_unix_nano=start,
            parent_span_id=b"",
        )
        ingest.ingest_traces(
            body=make_request(span).SerializeToString(),
            content_type=PROTOBUF,
            content_encoding="",
            principal=sender,
        )
    assembly.assemble_due_traces(limit=10, now=datetime(2030, 1, 1, tzinfo=UTC))
    return [Trace.objects.get(trace_id=uuid.UUID(bytes=bytes([month]) * 16)) for month in (5, 6)]


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE inhparent = 'evidence_span'::regclass AND relname LIKE 'evidence_span_2023%'"
        )
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db
def test_old_months_go_with_a_record_and_an_event(old: list[Trace]) -> None:
    report = apply_retention(now=NOW)
    assert partitions() == set()
    assert Span.objects.count() == 0
    may, june = Disposal.objects.filter(kind="spans").order_by("period_from")
    assert [gone.pk for gone in report.disposals] == [may.pk, june.pk]
    assert (may.subject, may.n_items, may.period_from) == ("evidence_span_2023_05", 1, PERIOD[0])
    assert may.digest != june.digest
    assert (
        AuditEvent.objects.get(verb="retention.disposed", object_id=str(may.pk)).object_digest == may.digest
    )
    again = apply_retention(now=NOW)
    assert again.disposals == []


@pytest.mark.django_db
def test_what_was_sealed_stays_and_replay_says_where_its_spans_went(old: list[Trace]) -> None:
    assert replayer_of("evidence.Trace")(old[0]).agrees
    apply_retention(now=NOW)
    replayed = replayer_of("evidence.Trace")(Trace.objects.get(pk=old[0].pk))
    assert not replayed.differs
    assert "evidence_span_2023_05" in replayed.explain()


@pytest.mark.django_db
def test_a_hold_keeps_its_month_and_the_report_says_why(old: list[Trace], world: World) -> None:
    hold = holds.place_hold(
        system=world.system, reason="lawsuit", period_from=PERIOD[0], period_to=PERIOD[1], principal=acting()
    )
    report = apply_retention(now=NOW)
    assert partitions() == {"evidence_span_2023_05"}
    assert f"legal hold {hold.pk} of credit-assistant: lawsuit" in "\n".join(describe(report, dry_run=False))
    with (
        pytest.raises(IntegrityError, match="legal hold"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT tracebinder_drop_span_partition('2023-05-01', 'x', 'y')")
    holds.release_hold(hold=hold, reason="settled", principal=acting())
    apply_retention(now=NOW)
    assert partitions() == set()


@pytest.mark.django_db
def test_dry_run_says_what_would_go_and_takes_nothing(old: list[Trace]) -> None:
    output = StringIO()
    call_command("retention", dry_run=True, stdout=output)
    assert "would drop evidence_span_2023_05" in output.getvalue()
    assert partitions() == {"evidence_span_2023_05", "evidence_span_2023_06"}
    assert not Disposal.objects.exists()


@pytest.mark.django_db
def test_the_command_takes_it_and_says_what_went(old: list[Trace]) -> None:
    output = StringIO()
    call_command("retention", stdout=output)
    assert "dropped evidence_span_2023_05" in output.getvalue()
    assert partitions() == set()
    assert Disposal.objects.filter(kind="spans").count() == 2


@pytest.mark.django_db
def test_nothing_goes_unless_a_period_is_set(old: list[Trace], settings: Any) -> None:
    settings.RETENTION_DAYS = {"traces": 0, "logs": 0}
    assert apply_retention(now=NOW).months == []
    assert len(partitions()) == 2


@pytest.mark.django_db
def test_raw_bodies_go_by_when_they_came_in_unless_held(old: list[Trace], world: World) -> None:
    later = datetime(2030, 1, 1, tzinfo=UTC)
    hold = holds.place_hold(
        system=world.system, reason="lawsuit", period_from=PERIOD[0], period_to=None, principal=acting()
    )
    assert apply_retention(now=later).n_bodies_held == 2
    assert not BlobRemoval.objects.exists()
    holds.release_hold(hold=hold, reason="settled", principal=acting())
    assert apply_retention(now=later).n_bodies == 2
    bodies = set(IngestBatch.objects.values_list("body_digest", flat=True))
    assert set(BlobRemoval.objects.values_list("pk", flat=True)) == bodies


@pytest.mark.django_db
def test_a_recent_month_is_kept_whatever_is_asked(db: None) -> None:
    with pytest.raises(IntegrityError, match="ended less than"), connection.cursor() as cursor:
        cursor.execute("SELECT tracebinder_drop_span_partition(current_date, 'x', 'y')")


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["DROP TABLE evidence_span_2023_05", "DELETE FROM evidence_span"])
def test_the_runtime_role_has_no_other_way(old: list[Trace], statement: str) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
