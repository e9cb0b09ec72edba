"""From stored spans to sealed traces."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, ProgrammingError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidence import database_errors
from evidence.access import principal_of_token
from evidence.citations.verdict import check_citation
from evidence.digests import sha256_hex
from evidence.errors import BlobStoreAway
from evidence.models import (
    AccessToken,
    ArtefactVersion,
    AuditEvent,
    Citation,
    Claim,
    PendingTrace,
    PolicyCheck,
    Reject,
    Retrieval,
    ReviewTask,
    Scope,
    Span,
    ToolCall,
    Trace,
    TraceFacts,
    TraceVersion,
)
from evidence.semconv.mapping import map_trace
from evidence.services import audit, ingest, registry
from evidence.services.assembly import assemble_due_traces, sealing
from evidence.services.assembly.replay import recheck_citation, replay_citation
from evidence.services.blobs import blob_path
from tests.evidence.semconv_spans import ROOT_ID, make_root, make_span
from tests.evidence.stored_spans import BASE_NS, store_spans
from tests.factories import DOCUMENT_TEXT, World, acting

ANSWER = "The annual percentage rate is 7.9%. Applicants must be 21 years old."
TRACE_ID = UUID("0af7651916cd43dd8448eb211c80319c")


def make_claims(quote: str = "The annual percentage rate is 7.9%", document: str = "DOC-1") -> str:
    return json.dumps(
        [
            {
                "text": "The annual percentage rate is 7.9%.",
                "material": True,
                "citations": [{"index": "credit-assistant-docs", "document": document, "quote": quote}],
            },
            {"text": "Applicants must be 21 years old.", "citations": []},
        ]
    )


def spans_of(world: World, **root: Any) -> list[dict[str, Any]]:
    """Return an agent, a retrieval and a chat that use exactly what the world's release pins."""
    pins = {pin.slot: pin.version for pin in world.release.pins.select_related("version")}
    attributes = {
        "tracebinder.answer": ANSWER,
        "tracebinder.release": world.release.name,
        "tracebinder.risk_tier": "low",
        "tracebinder.claims": make_claims(),
        **root,
    }
    return [
        make_root(**attributes),
        make_span("00000000000000b1", start=2, attributes={
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "credit-assistant-docs",
            "tracebinder.index.digest": pins["index"].digest,
            "gen_ai.retrieval.documents": [{"id": "DOC-1", "score": 2.0}, {"id": "DOC-9", "score": 1.0}]}),
        make_span("00000000000000b2", start=3, attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "smol",
            "tracebinder.model.digest": "sha256:" + pins["model"].digest,
            "gen_ai.prompt.name": "credit-assistant-answer",
            "gen_ai.prompt.version": "1",
            "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "rate?"}]}]}),
        make_span("00000000000000b3", start=4, attributes={
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "calculator",
            "gen_ai.tool.call.arguments": {"a": 1}}),
        make_span("00000000000000b4", start=5, name="policy_check prohibited", attributes={
            "tracebinder.policy.decision": "allow", "tracebinder.policy.name": "credit-assistant-policy",
            "tracebinder.policy.version": "1"}),
    ]  # fmt: skip


def assemble(world: World, spans: list[dict[str, Any]], trace_id: UUID = TRACE_ID) -> Trace:
    store_spans(world.system, trace_id, spans)
    assert assemble_due_traces(limit=10) == 1
    return Trace.objects.filter(trace_id=trace_id).latest("revision")


def codes(trace: Trace) -> list[str]:
    return [flag["code"] for flag in trace.flags]


def test_a_quiet_trace_is_sealed_with_all_its_nouns(world: World) -> None:
    trace = assemble(world, spans_of(world))
    assert (trace.revision, trace.status, trace.span_count, trace.release) == (
        1,
        "complete",
        5,
        world.release,
    )
    assert (trace.answer, trace.environment, trace.root_span_id, trace.risk_tier) == (
        ANSWER,
        "production",
        ROOT_ID,
        "low",
    )
    assert {(row.slot, row.version.artefact.key) for row in TraceVersion.objects.filter(trace=trace)} == {
        ("model", "smol"),
        ("prompt", "credit-assistant-answer"),
        ("index", "credit-assistant-docs"),
        ("policy", "credit-assistant-policy"),
    }
    assert [(row.document_ref, row.document is not None) for row in Retrieval.objects.order_by("rank")] == [
        ("DOC-1", True),
        ("DOC-9", False),
    ]
    check = PolicyCheck.objects.get()
    assert check.version is not None
    assert (check.rule, check.decision, check.version.label) == ("prohibited", "allow", "1")
    assert ToolCall.objects.get().arguments == {"a": 1}
    assert codes(trace) == ["starts_in_future"]  # by the clock of `stored_spans`
    assert not PendingTrace.objects.exists()
    event = AuditEvent.objects.get(verb="trace.sealed")
    assert (event.object_id, event.object_digest, event.system) == (str(trace.pk), trace.digest, world.system)


def test_claims_citations_and_facts_say_what_is_supported(world: World) -> None:
    trace = assemble(world, spans_of(world))
    first, second = Claim.objects.filter(trace=trace).order_by("ordinal")
    assert (first.text, first.material, first.origin) == (
        "The annual percentage rate is 7.9%.",
        True,
        "declared",
    )
    assert ANSWER[second.start : second.end] == second.text
    assert second.material  # decided here: the application did not say
    citation = Citation.objects.get(claim=first)
    assert citation.document is not None
    assert (citation.verdict, citation.score, citation.document.document_id) == ("verbatim", 1.0, "DOC-1")
    assert DOCUMENT_TEXT[citation.doc_start : citation.doc_end] == citation.quote
    facts = TraceFacts.objects.get(trace=trace)
    assert (facts.n_claims, facts.n_material, facts.n_material_cited, facts.n_material_supported) == (
        2,
        2,
        1,
        1,
    )
    assert (facts.n_citations, facts.n_citations_found, facts.n_policy_checks) == (1, 1, 1)
    assert facts.has_prompt
    assert facts.has_sources
    assert facts.has_model_version
    assert facts.has_index_version
    assert facts.n_unregistered_versions == 0


@pytest.mark.parametrize(
    ("quote", "document", "verdict"),
    [
        ("the ANNUAL percentage-rate is 7.9 per cent", "DOC-1", "normalised"),
        ("The annual percentage rate is 9.9% for amounts", "DOC-1", "not_found"),
        ("", "DOC-1", "not_found"),
        ("The annual percentage rate is 7.9%", "DOC-404", "unresolvable"),
        ("The annual percentage rate is 7.9%", "", "unresolvable"),
    ],
)
def test_every_verdict_is_stored_and_replays(world: World, quote: str, document: str, verdict: str) -> None:
    claims = make_claims(quote, document)
    trace = assemble(world, spans_of(world, **{"tracebinder.claims": claims}))
    citation = Citation.objects.get(claim__trace=trace)
    assert citation.verdict == verdict
    replay = recheck_citation(citation)
    assert (replay.same, replay.difference) == (True, "")


def test_a_declared_offset_replays_too(world: World) -> None:
    quote = "resident for three years"
    claims = json.loads(make_claims(quote))
    claims[0]["citations"][0]["start"] = DOCUMENT_TEXT.index(quote)
    trace = assemble(world, spans_of(world, **{"tracebinder.claims": claims}))
    citation = Citation.objects.get(claim__trace=trace)
    assert citation.doc_start == DOCUMENT_TEXT.index(quote)
    assert recheck_citation(citation).same


def test_a_verdict_of_an_earlier_checker_replays_by_its_own_rules(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = partial(check_citation, version="citation-check/1")
    monkeypatch.setattr("evidence.services.assembly.claims.check_citation", earlier)
    citation = Citation.objects.get(claim__trace=assemble(world, spans_of(world)))
    assert citation.checker_version == "citation-check/1"
    replay = replay_citation(citation)
    assert replay.agrees, replay.explain()
    assert replay.current_code == "citation-check/1"


def test_replay_says_when_the_stored_quote_is_not_what_was_checked(world: World) -> None:
    citation = Citation.objects.get(claim__trace=assemble(world, spans_of(world)))
    citation.quote = "another quote altogether"
    assert "not those that were checked" in recheck_citation(citation).difference


def test_a_quote_of_another_document_is_misattributed(world: World) -> None:
    documents = [
        registry.DocumentSpec("FEES", "Fees", "en", "The late fee is 25 pounds."),
        registry.DocumentSpec("RATES", "Rates", "en", "The annual percentage rate is 7.9% today."),
    ]
    pin = registry.PinSpec(slot="index", kind="index", key="two", label="1", documents=documents)
    release = registry.register_release(
        system=world.system,
        manifest=registry.ReleaseManifest(name="r2", pins=[pin]),
        principal=acting("user:olga"),
    )
    digest = release.pins.get().version.digest
    claims = json.dumps(
        [
            {
                "text": ANSWER[:35],
                "citations": [{"document": "FEES", "quote": "annual percentage rate is 7.9%"}],
            }
        ]
    )
    root = make_root(**{
        "tracebinder.answer": ANSWER, "tracebinder.claims": claims, "tracebinder.risk_tier": "low",
        "gen_ai.data_source.id": "two", "tracebinder.index.digest": digest})  # fmt: skip
    citation = Citation.objects.get(claim__trace=assemble(world, [root]))
    assert citation.document is not None
    assert (citation.verdict, citation.document.document_id) == ("misattributed", "FEES")
    assert citation.found_in is not None
    assert citation.found_in.document_id == "RATES"
    assert recheck_citation(citation).same


def test_claims_are_derived_where_none_are_declared(world: World) -> None:
    answer = "The annual percentage rate is 7.9% for amounts between 5,000 and 15,000. [1] Have a nice day."
    spans = spans_of(world, **{"tracebinder.answer": answer, "tracebinder.claims": None})
    trace = assemble(world, spans)
    first, second = Claim.objects.filter(trace=trace).order_by("ordinal")
    assert (first.origin, first.material, second.material) == ("derived", True, False)
    citation = Citation.objects.get(claim=first)
    assert (citation.document_ref, citation.verdict) == ("DOC-1", "verbatim")


@pytest.mark.parametrize("declared", ["[]", "{broken", [7]])
def test_an_answer_cannot_escape_its_claims_by_declaring_none(world: World, declared: object) -> None:
    trace = assemble(world, spans_of(world, **{"tracebinder.claims": declared}))
    assert TraceFacts.objects.get(trace=trace).n_material == 2


def test_the_same_spans_again_make_no_new_revision_and_a_late_one_makes_the_next(world: World) -> None:
    spans = spans_of(world)
    first = assemble(world, spans[:-1])
    PendingTrace.objects.create(
        system=world.system, trace_id=TRACE_ID, root_ended=True,
        first_received_at=timezone.now() - timedelta(minutes=1), last_received_at=timezone.now() - timedelta(minutes=1),
    )  # fmt: skip
    assert assemble_due_traces(limit=10) == 1
    assert Trace.objects.count() == 1
    second = assemble(world, spans[-1:])
    assert (second.revision, second.span_count) == (2, 5)
    assert second.digest != first.digest
    assert AuditEvent.objects.filter(verb="trace.sealed").count() == 2
    assert Claim.objects.filter(trace=first).exists()


def test_the_order_of_arrival_does_not_change_the_digest(world: World) -> None:
    spans = spans_of(world)
    first = assemble(world, spans, uuid4())
    second = assemble(world, spans[::-1], uuid4())
    assert first.digest == second.digest


def test_a_trace_waits_until_it_is_quiet_and_its_root_has_ended(world: World, settings: Any) -> None:
    settings.ASSEMBLY_QUIET, settings.ASSEMBLY_INCOMPLETE_AFTER = 2, 600
    now = timezone.now()
    store_spans(world.system, TRACE_ID, spans_of(world)[1:], received_at=now)
    assert assemble_due_traces(limit=10, now=now + timedelta(seconds=300)) == 0
    store_spans(world.system, TRACE_ID, spans_of(world)[:1], received_at=now)
    assert assemble_due_traces(limit=10, now=now + timedelta(seconds=1)) == 0
    assert assemble_due_traces(limit=10, now=now + timedelta(seconds=3)) == 1
    assert Trace.objects.get().status == "complete"


def test_a_trace_whose_root_never_comes_is_sealed_as_incomplete(world: World, settings: Any) -> None:
    settings.ASSEMBLY_INCOMPLETE_AFTER = 600
    now = timezone.now()
    store_spans(world.system, TRACE_ID, spans_of(world)[1:], received_at=now)
    assert assemble_due_traces(limit=10, now=now + timedelta(seconds=601)) == 1
    trace = Trace.objects.get()
    assert trace.status == "incomplete"
    assert "no_root" in codes(trace)


def test_an_unknown_version_becomes_an_unregistered_one_and_a_flag(world: World) -> None:
    spans = spans_of(world)
    spans[2] = make_span("00000000000000b2", start=3, attributes={
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "smol", "tracebinder.model.digest": "f" * 64,
        "gen_ai.prompt.name": "improvised"})  # fmt: skip
    trace = assemble(world, spans)
    unknown = ArtefactVersion.objects.get(digest="f" * 64)
    assert not hasattr(unknown, "registration")
    assert (unknown.artefact.key, unknown.number, unknown.created_by) == ("smol", 2, "system:assembler")
    assert {"version_unregistered", "version_not_in_release", "version_not_stated"} <= set(codes(trace))
    facts = TraceFacts.objects.get(trace=trace)
    assert (facts.n_unregistered_versions, facts.has_model_version, facts.has_prompt_version) == (
        2,
        True,
        False,
    )
    again = assemble(world, spans, uuid4())
    assert ArtefactVersion.objects.filter(digest="f" * 64).count() == 1
    assert TraceFacts.objects.get(trace=again).n_unregistered_versions == 2


def test_the_digest_wins_over_name_and_label(world: World) -> None:
    spans = spans_of(world)
    spans[2] = make_span("00000000000000b2", start=3, attributes={
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "renamed", "tracebinder.model.version": "9",
        "tracebinder.model.digest": sha256_hex(b"model")})  # fmt: skip
    trace = assemble(world, spans)
    version = TraceVersion.objects.get(trace=trace, slot="model").version
    assert (version.artefact.key, version.label) == ("smol", "1")
    assert {"version_name_differs", "version_label_differs"} <= set(codes(trace))


def test_an_unknown_release_is_flagged(world: World) -> None:
    trace = assemble(world, spans_of(world, **{"tracebinder.release": "r99"}))
    assert trace.release is None
    assert "release_unknown" in codes(trace)


@pytest.mark.parametrize(
    ("tier", "decision", "reason"),
    [("low", "allow", ""), ("high", "allow", "high_risk"), ("low", "escalate", "policy_escalation")],
)
def test_high_risk_and_escalated_traces_are_put_before_a_person(
    world: World, tier: str, decision: str, reason: str
) -> None:
    spans = spans_of(world, **{"tracebinder.risk_tier": tier})
    spans[4] = make_span(
        "00000000000000b4",
        start=5,
        name="policy_check x",
        attributes={"tracebinder.policy.decision": decision},
    )
    trace = assemble(world, spans)
    assert list(ReviewTask.objects.filter(trace=trace).values_list("reason", flat=True)) == (
        [reason] if reason else []
    )


def test_nothing_is_sealed_without_its_audit_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise IntegrityError("the log is away")

    monkeypatch.setattr(audit, "record_many", refuse)
    store_spans(world.system, TRACE_ID, spans_of(world))
    assemble_due_traces(limit=10)
    assert not Trace.objects.exists()
    assert not Claim.objects.exists()


def test_a_trace_that_cannot_be_assembled_is_set_aside_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = uuid4(), uuid4()
    store_spans(world.system, good, spans_of(world))
    store_spans(world.system, bad, spans_of(world, **{"tracebinder.question": "poison"}))
    original = map_trace

    def fail_on_poison(spans: list[dict[str, Any]], *told: Any) -> Any:
        if any(span["attributes"].get("tracebinder.question") == "poison" for span in spans):
            raise RuntimeError("a fault of our own")
        return original(spans, *told)

    monkeypatch.setattr(sealing, "map_trace", fail_on_poison)
    assert assemble_due_traces(limit=10) == 2
    assert list(Trace.objects.values_list("trace_id", flat=True)) == [good]
    reject = Reject.objects.get()
    assert (reject.code, reject.trace_id) == ("assembly_failed", bad.hex)
    assert "a fault of our own" in reject.detail
    assert Span.objects.filter(trace_id=bad).count() == 5
    assert not PendingTrace.objects.exists()


def test_an_upgrade_in_the_midst_of_assembly_sets_nothing_aside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_spans(world.system, TRACE_ID, spans_of(world))
    monkeypatch.setattr(database_errors, "differs_from_this_version", lambda **_: True)
    missing = ProgrammingError("column is not there yet")
    missing.__cause__ = type("Cause", (Exception,), {"sqlstate": "42703"})()

    def fail(*_: object) -> None:
        raise missing

    with monkeypatch.context() as during:
        during.setattr(sealing, "map_trace", fail)
        with pytest.raises(ProgrammingError):
            assemble_due_traces(limit=10)
    assert not Reject.objects.exists()
    assert assemble_due_traces(limit=10) == 1
    assert Trace.objects.exists()


def test_a_span_that_arrives_during_assembly_leaves_the_trace_due(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = spans_of(world)
    store_spans(world.system, TRACE_ID, spans[:-1])
    original = map_trace

    def map_while_a_span_arrives(rows: list[dict[str, Any]], *told: Any) -> Any:
        if len(rows) == 4:
            store_spans(world.system, TRACE_ID, spans[-1:])
        return original(rows, *told)

    monkeypatch.setattr(sealing, "map_trace", map_while_a_span_arrives)
    assert assemble_due_traces(limit=10) == 1
    assert PendingTrace.objects.get().generation == 2
    assert assemble_due_traces(limit=10) == 1
    assert Trace.objects.latest("revision").span_count == 5


def test_what_an_sdk_sends_over_otlp_becomes_a_sealed_trace(world: World) -> None:
    world.token(Scope.INGEST)
    principal = principal_of_token(AccessToken.objects.get())
    long_question = "Which rate applies? " * 20_000  # above the attribute limit: ingest keeps it as a blob
    body = make_otlp_json(spans_of(world, **{"tracebinder.question": long_question}))
    ingest.ingest_traces(body=body, content_type="application/json", content_encoding="", principal=principal)
    assert assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1)) == 1
    trace = Trace.objects.get()
    assert (trace.status, trace.release, codes(trace)) == ("complete", world.release, ["starts_in_future"])
    assert trace.question == long_question
    assert Citation.objects.get(claim__trace=trace).verdict == "verbatim"
    assert [row.score for row in Retrieval.objects.order_by("rank")] == [2.0, 1.0]


def test_a_value_whose_blob_was_lost_is_flagged_and_the_rest_is_sealed(world: World) -> None:
    world.token(Scope.INGEST)
    long_question = "Which rate applies? " * 20_000
    body = make_otlp_json(spans_of(world, **{"tracebinder.question": long_question}))
    ingest.ingest_traces(
        body=body, content_type="application/json", content_encoding="",
        principal=principal_of_token(AccessToken.objects.get()),
    )  # fmt: skip
    blob_path(sha256_hex(long_question.encode())).unlink()
    assert assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1)) == 1
    trace = Trace.objects.get()
    assert (trace.question, trace.answer) == ("rate?", ANSWER)  # what the chat span still holds
    assert codes(trace) == ["starts_in_future", "value_in_blob"]


def make_otlp_json(spans: list[dict[str, Any]]) -> bytes:
    """Return the spans as an OTLP/HTTP JSON request, JSON-valued attributes as arrays and maps."""
    sent = [
        {
            "traceId": TRACE_ID.hex,
            "spanId": span["span_id"],
            "parentSpanId": span["parent_span_id"],
            "name": span["name"],
            "startTimeUnixNano": str(BASE_NS + span["start_ns"]),
            "endTimeUnixNano": str(BASE_NS + span["end_ns"]),
            "attributes": [
                {"key": key, "value": to_any_value(value)} for key, value in span["attributes"].items()
            ],
        }
        for span in spans
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "credit-assistant"}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": sent}]}]}).encode()


def to_any_value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case str():
            return {"stringValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [to_any_value(member) for member in value]}}
        case _:
            pairs = [{"key": key, "value": to_any_value(member)} for key, member in value.items()]
            return {"kvlistValue": {"values": pairs}}


def count_queries(world: World, traces: int) -> int:
    for _ in range(traces):
        store_spans(world.system, uuid4(), spans_of(world, **{"tracebinder.risk_tier": "high"}))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert assemble_due_traces(limit=100) == traces
    return len(queries)


def test_the_number_of_queries_does_not_grow_with_the_batch(world: World) -> None:
    count_queries(world, 1)  # the document's text is read once a process
    assert count_queries(world, 2) == count_queries(world, 12)


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_traces_and_seal_each_once() -> None:
    from tests.factories import make_world

    world = make_world()
    trace_ids = [uuid4() for _ in range(24)]
    for trace_id in trace_ids:
        store_spans(world.system, trace_id, spans_of(world))
    problems: list[BaseException] = []

    def work() -> None:
        try:
            while assemble_due_traces(limit=4):
                pass
        except BaseException as exc:  # noqa: BLE001  # handed to the test
            problems.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sorted(Trace.objects.values_list("trace_id", "revision")) == sorted((pk, 1) for pk in trace_ids)


def test_a_late_span_takes_no_answer_out_of_review(world: World) -> None:
    """It lowered the tier it stated, and the revision it made was nobody's to judge."""
    first = assemble(world, spans_of(world, **{"tracebinder.risk_tier": "high"}))
    asked = ReviewTask.objects.get(trace=first)
    late = make_span("0000000000000001", parent="", start=0, attributes={
        "gen_ai.operation.name": "invoke_agent", "tracebinder.risk_tier": "low"})  # fmt: skip
    second = assemble(world, [late])
    assert (second.revision, second.risk_tier) == (2, "low")
    again = ReviewTask.objects.get(trace=second)
    assert (again.reason, again.risk_tier) == ("asked_of_earlier_revision", "high")
    assert again.reviews_required == asked.reviews_required


def test_traces_wait_while_the_blob_store_is_away(world: World, settings: Any) -> None:
    """They were set aside, each as one that cannot be assembled, and were none when it was back."""
    world.token(Scope.INGEST)
    body = make_otlp_json(spans_of(world, **{"tracebinder.question": "Which rate applies? " * 20_000}))
    ingest.ingest_traces(
        body=body, content_type="application/json", content_encoding="",
        principal=principal_of_token(AccessToken.objects.get()),
    )  # fmt: skip
    root, later = settings.BLOB_ROOT, timezone.now() + timedelta(minutes=1)
    settings.BLOB_ROOT = root / "not mounted"
    with pytest.raises(BlobStoreAway):
        assemble_due_traces(limit=10, now=later)
    assert (Reject.objects.count(), PendingTrace.objects.count()) == (0, 1)
    settings.BLOB_ROOT = root
    assert assemble_due_traces(limit=10, now=later) == 1
