"""A data subject's content goes, and everything that proves it was there stays."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import JSONField, TextField
from django.utils import timezone

from config.replay import replayer_of
from evidence import clock
from evidence.access import principal_of_token
from evidence.erasable import ERASABLE
from evidence.erased import ERASED_TEXT
from evidence.errors import BlobErased, InvalidInput, LegalHoldInForce, NotFound
from evidence.models import (
    AccessToken,
    AppendOnlyModel,
    AuditPayload,
    BlobRemoval,
    Citation,
    Claim,
    Erasure,
    IngestBatch,
    LegalHold,
    PendingTrace,
    Review,
    Scope,
    Span,
    Trace,
    TraceDocument,
)
from evidence.models.base import ErasableModel
from evidence.models.trace import TraceFacts
from evidence.services import assembly, ingest, log, reviews
from evidence.services.blobs import blob_path, read_blob, store_blob
from evidence.services.disposal import holds
from evidence.services.disposal.blob_removal import sweep_removed
from evidence.services.disposal.erasure import SubjectReport, erase_subject, erase_trace_payload
from evidence.services.log.checking import check_log
from tests.evidence.binder_world import Filled, export
from tests.evidence.otlp_bodies import JSON, PROTOBUF, make_request, make_span, to_otlp_json
from tests.evidence.test_otlp_logs import EVENT, make_logs
from tests.factories import World, acting
from tests.invariants.walk import our_models

SECRET = "Ms Ngozi Okafor earns 41,200"
# What holds payload and is no row of one trace: bytes by digest, what a batch was answered, corpora, exports.
NOT_OF_A_TRACE = {
    "evidence.Blob", "evidence.IngestBatch", "evidence.SourceDocument", "evidence.Binder", "evidence.EvalRun",
    "evidence.AuditPayload",
}  # fmt: skip
NOBODYS_WORDS = {
    "Review.machine_verdict",  # verdicts, rules and codes of flags
    "GoldJudgement.machine_verdict",  # as of a review
    "GoldJudgement.claims",  # numbers of claims, and one of three words
    "GoldAnswer.right",  # decisions
    "EvalSample.slice",  # what the sample was sorted by
}


@pytest.fixture
def sealed(world: World) -> Trace:
    """A trace that came in by OTLP, with a citation, beside another trace in the same body."""
    world.token(Scope.INGEST)
    claims = [
        {
            "id": "c1", "text": SECRET, "start": 0, "end": len(SECRET), "material": True,
            "citations": [{"id": "x", "document": "DOC-1", "quote": "annual percentage rate is 7.9%"}],
        }
    ]  # fmt: skip
    said = {
        "gen_ai.operation.name": "invoke_agent", "tracebinder.release": "r1", "tracebinder.question": SECRET,
        "tracebinder.answer": SECRET, "tracebinder.claims": json.dumps(claims), "enduser.id": "4711",
        "gen_ai.data_source.id": "credit-assistant-docs", "tracebinder.index.version": "1",
    }  # fmt: skip
    mine = make_span(attributes=said, parent_span_id=b"")
    other = make_span(trace_id=b"\x02" * 16, attributes={**said, "enduser.id": "12"}, parent_span_id=b"")
    send(make_request(mine, other).SerializeToString())
    assembly.assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1))
    return Trace.objects.get(trace_id=uuid.UUID(bytes=mine.trace_id))


def send(body: bytes) -> None:
    sender = principal_of_token(AccessToken.objects.get())
    ingest.ingest_traces(body=body, content_type=PROTOBUF, content_encoding="", principal=sender)


def everything_stored() -> str:
    """All rows of all our tables as PostgreSQL would write them."""
    with connection.cursor() as cursor:
        texts = []
        for model in our_models():
            cursor.execute(f"SELECT coalesce(string_agg(t::text, '|'), '') FROM {model._meta.db_table} t")
            texts.append(cursor.fetchone()[0])
        cursor.execute(
            "SELECT coalesce(string_agg(convert_from(payload, 'UTF8'), '|'), '') FROM evidence_auditpayload"
        )
        return "".join([*texts, cursor.fetchone()[0]])


@pytest.mark.django_db(transaction=True)
def test_content_is_gone_from_every_table_and_the_log_still_verifies(sealed: Trace, world: World) -> None:
    reviews.record_review(
        trace=sealed, principal=world.principal("reviewer"), decision="override", reason_code="wrong_fact",
        rationale=SECRET, corrected_answer=f"Better: {SECRET}",
    )  # fmt: skip
    log.sequence_events(limit=1000)
    log.sign_checkpoint()
    body = IngestBatch.objects.get().body_digest
    before = TraceFacts.objects.values().get(pk=sealed.pk)
    other = Trace.objects.exclude(trace_id=sealed.trace_id).get()
    erase_trace_payload(system=world.system, trace_id=other.trace_id, reason="request 1", principal=acting())
    assert SECRET in everything_stored()

    with transaction.atomic():
        report = erase_trace_payload(
            system=world.system, trace_id=sealed.trace_id, reason="request 2", principal=acting()
        )

    assert SECRET not in everything_stored()
    assert Erasure.objects.get(trace_id=sealed.trace_id).n_spans == 1
    rest = BlobRemoval.objects.get(pk=body).remainder_id  # what was left of it without the other trace
    assert report.removed_blobs == [rest]
    assert BlobRemoval.objects.get(pk=rest).remainder is None
    after = Trace.objects.get(pk=sealed.pk)
    assert (after.digest, after.question) == (sealed.digest, ERASED_TEXT)
    assert TraceFacts.objects.values().get(pk=sealed.pk) == before
    assert TraceDocument.objects.filter(trace=sealed, cited=True).count() == 1
    assert not AuditPayload.objects.filter(event__verb="review.recorded").exists()
    log.sequence_events(limit=1000)
    log.sign_checkpoint()
    checked = check_log()
    assert checked.holds, checked.faults
    assert checked.erased == 1


@pytest.mark.django_db(transaction=True)
def test_the_raw_body_goes_and_stays_away(sealed: Trace, world: World) -> None:
    body = IngestBatch.objects.get().body_digest
    raw = read_blob(body)
    send(
        make_request(
            make_span(attributes={"x": "y"}, span_id=b"\x09" * 8, parent_span_id=b"")
        ).SerializeToString()
    )
    report = erase_trace_payload(
        system=world.system, trace_id=sealed.trace_id, reason="request 1", principal=acting()
    )
    assert len(report.removed_blobs) == 2
    assert not blob_path(body).exists()
    with pytest.raises(BlobErased):
        read_blob(body)
    store_blob(raw, "application/x-protobuf")  # another token sends the same bytes
    assert sweep_removed() == 1
    assert not blob_path(body).exists()


@pytest.mark.django_db
def test_replay_says_erased_and_not_that_it_differs(sealed: Trace, world: World) -> None:
    citation = Citation.objects.get(claim__trace=sealed)
    assert replayer_of("evidence.Citation")(citation).agrees
    erase_trace_payload(system=world.system, trace_id=sealed.trace_id, reason="request 1", principal=acting())
    replayed = replayer_of("evidence.Citation")(Citation.objects.get(pk=citation.pk))
    assert not replayed.differs
    assert replayed.replayed_verdict == "erased"
    assert "request 1" in replayed.explain()
    assert replayer_of("evidence.Trace")(Trace.objects.get(pk=sealed.pk)).agrees
    call_command("replay", "evidence.Citation")


@pytest.mark.django_db
def test_a_hold_wins_until_it_is_released(sealed: Trace, world: World) -> None:
    hold = holds.place_hold(
        system=world.system,
        reason="lawsuit",
        period_from=sealed.started_at,
        period_to=None,
        principal=acting(),
    )
    arguments: dict[str, Any] = {
        "system": world.system,
        "trace_id": sealed.trace_id,
        "reason": "request 1",
        "principal": acting(),
    }
    with pytest.raises(LegalHoldInForce, match="lawsuit"):
        erase_trace_payload(**arguments)
    with (
        pytest.raises(IntegrityError, match="legal hold"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT tracebinder_erase_trace(%s, %s, 'x', 'y')", [world.system.pk, sealed.trace_id])
    assert erase_subject_of(world, "4711").held[0][0] == sealed.trace_id
    holds.release_hold(hold=hold, reason="settled", principal=acting())
    assert erase_trace_payload(**arguments).erasure.pk


def erase_subject_of(world: World, value: str) -> SubjectReport:
    return erase_subject(
        system=world.system, attribute="enduser.id", value=value, reason="request 1", principal=acting()
    )


@pytest.mark.django_db
def test_every_body_that_brought_the_trace_goes_and_no_other(sealed: Trace, world: World) -> None:
    sender = principal_of_token(AccessToken.objects.get())
    sent: dict[str, Any] = {"content_encoding": "", "principal": sender}
    first = IngestBatch.objects.get()
    again = make_request(make_span(attributes={"note": SECRET}))  # a known span with other content: refused
    ingest.ingest_traces(body=again.SerializeToString(), content_type=PROTOBUF, **sent)
    ingest.ingest_traces(body=to_otlp_json(again), content_type=JSON, **sent)
    event = {**EVENT, "traceId": sealed.trace_id.hex.upper()}  # as JSON allows it
    ingest.ingest_logs(body=make_logs(event), content_type=JSON, **sent)
    mine = set(IngestBatch.objects.values_list("body_digest", flat=True))
    assert len(mine) == 4
    elsewhere = make_request(
        make_span(trace_id=b"\x07" * 16, span_id=b"\x00" * 8), make_span(trace_id=b"\x07" * 16)
    )
    ingest.ingest_traces(body=elsewhere.SerializeToString(), content_type=PROTOBUF, **sent)
    blob_path(first.body_digest).unlink()  # and one that was lost before does not keep the rest
    report = erase_trace_payload(
        system=world.system, trace_id=sealed.trace_id, reason="request 1", principal=acting()
    )
    assert set(report.removed_blobs) == mine
    assert set(BlobRemoval.objects.values_list("pk", flat=True)) == mine


@pytest.mark.django_db
def test_a_subject_is_found_by_attribute_and_nobody_else_is_touched(sealed: Trace, world: World) -> None:
    report = erase_subject_of(world, "4711")
    assert [one.erasure.trace_id for one in report.erased] == [sealed.trace_id]
    other = Trace.objects.exclude(pk=sealed.pk).get()
    assert other.question == SECRET
    assert Claim.objects.get(trace=other).text == SECRET
    assert not PendingTrace.objects.exists()


@pytest.mark.django_db
def test_a_late_span_is_erased_by_asking_again(sealed: Trace, world: World) -> None:
    erase_subject_of(world, "4711")
    erase_subject_of(world, "12")
    late = make_span(
        span_id=b"\x09" * 8, attributes={"gen_ai.prompt.name": SECRET}, parent_span_id=b"\x01" * 8
    )
    send(make_request(late).SerializeToString())
    again: dict[str, Any] = {
        "system": world.system,
        "trace_id": sealed.trace_id,
        "reason": "request 1",
        "principal": acting(),
    }
    erase_trace_payload(**again)  # while it waits to be assembled
    assert PendingTrace.objects.get().trace_id == sealed.trace_id
    assembly.assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1))
    assert Trace.objects.filter(trace_id=sealed.trace_id).count() == 2
    assert Erasure.objects.filter(trace_id=sealed.trace_id).count() == 2
    assert SECRET not in everything_stored()


@pytest.mark.django_db
def test_an_erasure_needs_a_reason_and_a_trace(sealed: Trace, world: World) -> None:
    with pytest.raises(InvalidInput):
        erase_trace_payload(system=world.system, trace_id=sealed.trace_id, reason=" ", principal=acting())
    with pytest.raises(NotFound):
        erase_trace_payload(system=world.system, trace_id=uuid.uuid4(), reason="r", principal=acting())


@pytest.mark.django_db
def test_the_runtime_role_cannot_change_an_erased_row_even_in_the_same_transaction(
    sealed: Trace, world: World
) -> None:
    erase_trace_payload(system=world.system, trace_id=sealed.trace_id, reason="request 1", principal=acting())
    refused = pytest.raises(ProgrammingError, match="permission denied")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE evidence_trace SET question = '[erased]'")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    ["digest = repeat('0', 64)", "question = 'something else'", "question = ''", "status = 'incomplete'"],
)
def test_not_even_the_owner_may_use_a_tombstone_for_any_other_change(
    sealed: Trace, world: World, change: str
) -> None:
    erase_trace_payload(system=world.system, trace_id=sealed.trace_id, reason="request 1", principal=acting())
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        try:
            for where in (f"id = {sealed.pk}", f"id <> {sealed.pk}"):
                with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                    cursor.execute(f"UPDATE evidence_trace SET {change} WHERE {where}")
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                cursor.execute(f"DELETE FROM evidence_trace WHERE id = {sealed.pk}")
        finally:
            cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')


def test_each_table_with_payload_of_a_trace_can_be_erased() -> None:
    covered = {one.model._meta.label for one in ERASABLE} | NOT_OF_A_TRACE
    with_payload = {
        model._meta.label
        for model in our_models()
        if model.PII == "payload" and (issubclass(model, AppendOnlyModel) or model is AuditPayload)
    }
    assert with_payload == covered
    assert {Span, Review} <= {one.model for one in ERASABLE}


def test_each_column_of_free_text_is_erased_or_holds_nobodys_words() -> None:
    """A column added to such a table has to be decided about: what it holds would otherwise outlive the erasure."""
    kept = {
        f"{one.model.__name__}.{field.name}"
        for one in ERASABLE
        for field in one.model._meta.concrete_fields
        if isinstance(field, TextField | JSONField) and field.name not in one.columns
    }
    assert kept == NOBODYS_WORDS


@pytest.mark.django_db(transaction=True)
def test_an_erased_row_keeps_its_commitment_and_not_the_salt_that_guesses_need(
    sealed: Trace, world: World
) -> None:
    reviews.record_review(
        trace=sealed, principal=world.principal("reviewer"), decision="override", reason_code="wrong_fact",
        rationale=SECRET, corrected_answer=f"Better: {SECRET}",
    )  # fmt: skip
    erase_trace_payload(system=world.system, trace_id=sealed.trace_id, reason="request", principal=acting())
    left = {
        one.model._meta.label: list(
            one.model._default_manager.exclude(payload_commitment=None).values_list(
                "payload_salt", "payload_commitment"
            )
        )
        for one in ERASABLE
        if issubclass(one.model, ErasableModel)
    }
    assert {"evidence.Trace", "evidence.Claim", "evidence.Citation", "evidence.Review"} == {
        label for label, rows in left.items() if rows
    }
    for salt, commitment in (row for rows in left.values() for row in rows):
        assert salt is None
        assert re.fullmatch("[0-9a-f]{64}", commitment or "")


@pytest.mark.django_db
def test_the_commands_of_the_operators_guide(sealed: Trace, world: World) -> None:
    output = StringIO()
    why = ("--reason", "case 17", "--by", world.people["operator"].username)
    place = ("--system", world.system.key, "--from", "2025-01-01")
    call_command("legal_hold", "place", *place, *why, stdout=output)
    hold = LegalHold.objects.get()
    assert f"{hold.pk} credit-assistant" in output.getvalue()
    erase = ("--system", world.system.key, "--trace", sealed.trace_id.hex, *why)
    with pytest.raises(CommandError, match="case 17"):
        call_command("erase", *erase)
    call_command("legal_hold", "release", str(hold.pk), *why, stdout=StringIO())
    call_command("erase", *erase, stdout=output)
    assert f"erased {sealed.trace_id.hex}: 1 spans, 1 blobs" in output.getvalue()
    by_attribute = ("--system", world.system.key, "--attribute", "enduser.id=nobody", *why)
    with pytest.raises(CommandError, match="No span"):
        call_command("erase", *by_attribute)


@pytest.mark.django_db
@pytest.mark.parametrize("attribute", ["enduser.id", "enduser.id=", "enduser.id= ", "=4711"])
def test_an_attribute_without_a_value_erases_nobody(sealed: Trace, world: World, attribute: str) -> None:
    late = make_span(trace_id=b"\x03" * 16, attributes={"enduser.id": ""}, parent_span_id=b"")
    send(make_request(late).SerializeToString())
    why = ("--reason", "case 17", "--by", world.people["operator"].username)
    with pytest.raises(CommandError, match="key=value"):
        call_command("erase", "--system", world.system.key, "--attribute", attribute, *why)
    assert not Erasure.objects.exists()


@pytest.mark.django_db
def test_the_erase_command_says_what_is_kept_and_where_copies_may_be(
    sealed: Trace, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = timezone.now() + timedelta(minutes=5)  # the trace was sealed a minute from now
    monkeypatch.setattr(clock, "now", lambda: later)
    start, end = sealed.started_at - timedelta(hours=1), sealed.started_at + timedelta(hours=1)
    binder = export(Filled(world, sealed, later), period_from=start, period_to=end)
    why = ("--reason", "case 17", "--by", world.people["operator"].username)
    output = StringIO()
    call_command("erase", "--system", world.system.key, "--trace", sealed.trace_id.hex, *why, stdout=output)
    assert f"binder {binder.file_name} may hold it" in output.getvalue()
    holds.place_hold(
        system=world.system, reason="lawsuit", period_from=start, period_to=None, principal=acting()
    )
    by_attribute = ("--system", world.system.key, "--attribute", "enduser.id=12", *why)
    with pytest.raises(CommandError, match="1 traces are kept for legal holds"):
        call_command("erase", *by_attribute, stdout=output)
    assert "kept 02020202020202020202020202020202: " in output.getvalue()
    assert "lawsuit" in output.getvalue()
    with pytest.raises(CommandError, match="There is no system 'nowhere'"):
        call_command("erase", "--system", "nowhere", "--trace", sealed.trace_id.hex, *why)
