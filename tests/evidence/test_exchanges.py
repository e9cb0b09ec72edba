"""What a sealed trace was read as: its turns, its documents, its ids, and what a later revision changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.models import Claim, Retrieval, ReviewTask, Scope, ToolCall, Trace
from evidence.semconv.draft import (
    Absent,
    Attachment,
    Candidate,
    Exchange,
    RetrievalDraft,
    Rule,
    Source,
    StepError,
    Told,
    ToolCallDraft,
    TraceDraft,
)
from evidence.semconv.mapping import map_trace
from evidence.services import reviews
from evidence.services.assembly import assemble_due_traces, rows, sealing
from evidence.services.assembly.rows import LONGEST_TEXT
from evidence.services.disposal.erasure import erase_trace_payload
from tests.evidence.semconv_spans import make_root, make_span
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import TRACE_ID, assemble, codes, spans_of
from tests.factories import World, acting

pytestmark = pytest.mark.django_db

RATE = "The annual percentage rate is 7.9%."
AGE = "Applicants must be at least 18 years old [1]."
SPAN = "00000000000000b2"
OTHER_SPAN = "00000000000000b7"
REASON = "request 1"


def told(text: str, *others: str, absent: Absent | None = None) -> Told:
    source = None if absent else Source(SPAN, "gen_ai.output.messages", Rule.LAST_CALL)
    candidates = tuple(
        Candidate(one, Source(OTHER_SPAN, "output.value", Rule.AGENT_OUTPUT)) for one in others
    )
    return Told(text, source, absent, candidates)


def turn(number: int, question: Told, answer: Told, **more: Any) -> Exchange:
    return Exchange(number, question, answer, SPAN, **more)


TWO_TURNS = (
    turn(0, told("What does it cost?"), told(RATE), finish_reason="stop"),
    turn(1, told("Who may apply?"), told(AGE), finish_reason="stop"),
)


@pytest.fixture
def read_as(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have spans read so that the draft says what a test gives; question and answer are those of the last turn."""

    def give(**fields: Any) -> None:
        def read(*spans: Any, **how: Any) -> TraceDraft:
            draft = map_trace(*spans, **how)
            turns = fields.get("exchanges", draft.exchanges)
            last = {"question": turns[-1].question.text, "answer": turns[-1].answer.text} if turns else {}
            return replace(draft, **{**last, **fields})

        monkeypatch.setattr(sealing, "map_trace", read)

    return give


def fetch(api: Any, world: World, path: str, **query: Any) -> Any:
    response = api.get(f"/api/v1/{path}", query, **world.headers(Scope.READ))
    assert response.status_code == 200, response.content
    return response.json()


def ids(api: Any, world: World, path: str = "traces", **query: Any) -> list[str]:
    return [row["trace_id"] for row in fetch(api, world, path, **query)["results"]]


def test_every_turn_is_kept_with_where_it_was_read_and_claims_of_its_own(
    world: World, api: Any, read_as: Callable[..., None]
) -> None:
    read_as(exchanges=TWO_TURNS, claims=())
    trace = assemble(world, spans_of(world))
    found = fetch(api, world, f"traces/{trace.trace_id.hex}")
    assert [(one["question"]["text"], one["answer"]["text"]) for one in found["exchanges"]] == [
        ("What does it cost?", RATE),
        ("Who may apply?", AGE),
    ]
    assert found["exchanges"][0]["answer"] == {
        "text": RATE,
        "source": {"span_id": SPAN, "attribute": "gen_ai.output.messages", "rule": "last_call"},
        "absent": "",
        "others": [],
    }
    assert (found["question"], found["answer"]) == ("Who may apply?", AGE)
    assert [(one["exchange"], one["text"]) for one in found["claims"]] == [
        (0, RATE),
        (1, "Applicants must be at least 18 years old."),
    ]
    answers = [RATE, AGE]
    assert all(
        answers[one.exchange or 0][one.start : one.end].startswith(one.text[:-1])
        for one in Claim.objects.filter(trace=trace)
    )


def test_declared_claims_are_of_the_last_turn_and_are_counted_apart(
    world: World, read_as: Callable[..., None]
) -> None:
    read_as(exchanges=(TWO_TURNS[0], turn(1, told("And?"), told("The annual percentage rate is 7.9%."))))
    trace = assemble(world, spans_of(world))
    claims = Claim.objects.filter(trace=trace).order_by("ordinal")
    assert [(one.exchange, one.origin) for one in claims] == [
        (0, "derived"),
        (1, "declared"),
        (1, "declared"),
    ]
    facts = trace.facts
    assert (facts.n_claims, facts.n_declared) == (3, 2)
    assert facts.n_material_declared == sum(one.material for one in claims if one.origin == "declared")


def test_a_number_means_no_document_where_several_turns_retrieved(
    world: World, read_as: Callable[..., None]
) -> None:
    retrievals = (
        RetrievalDraft("00000000000000b1", "", "", 0, 1.0, "DOC-1"),
        RetrievalDraft("00000000000000b8", "", "", 0, 1.0, "DOC-9"),
    )
    read_as(exchanges=TWO_TURNS, claims=(), retrievals=retrievals)
    trace = assemble(world, spans_of(world))
    cited = [one.document_ref for claim in Claim.objects.filter(trace=trace) for one in claim.citations.all()]
    assert cited == ["1"]  # as the answer wrote it: which of the two it means is not told


def test_where_two_candidates_remain_both_are_told(
    world: World, api: Any, read_as: Callable[..., None]
) -> None:
    read_as(exchanges=(turn(0, told("Why?"), told("", "Yes.", "No.", absent=Absent.AMBIGUOUS)),), claims=())
    trace = assemble(world, spans_of(world))
    answer = fetch(api, world, f"traces/{trace.trace_id.hex}")["exchanges"][0]["answer"]
    assert (answer["text"], answer["absent"], answer["source"]) == ("", "ambiguous", None)
    assert [one["text"] for one in answer["others"]] == ["Yes.", "No."]
    assert not Claim.objects.filter(trace=trace).exists()


def test_a_document_without_an_id_keeps_its_place_and_its_text(
    world: World, api: Any, read_as: Callable[..., None]
) -> None:
    place = Source("00000000000000b1", "retrieval.documents", Rule.STATED)
    retrievals = (
        RetrievalDraft("00000000000000b1", "rates", "", 0, 3.0, "", "x" * (LONGEST_TEXT + 1), place),
        RetrievalDraft("00000000000000b1", "rates", "", 1, 2.0, "DOC-1", "as sent", place),
        RetrievalDraft("00000000000000b1", "rates", "", 2, 1.0, "DOC-77", "nobody else has it", place),
    )
    both = turn(0, told("?"), told("The annual percentage rate is 7.9% [2]. The fee is 5 EUR [1]."))
    read_as(exchanges=(both,), claims=(), retrievals=retrievals)
    trace = assemble(world, spans_of(world))
    stored = Retrieval.objects.filter(trace=trace).order_by("rank")
    assert [(one.rank, one.document_ref) for one in stored] == [(0, ""), (1, "DOC-1"), (2, "DOC-77")]
    assert [len(one.text or "") for one in stored] == [LONGEST_TEXT, 0, len("nobody else has it")]
    assert "document_text_cut" in codes(trace)
    found = fetch(api, world, f"traces/{trace.trace_id.hex}")
    assert found["retrievals"][0]["source"] == {"attribute": "retrieval.documents", "rule": "stated"}
    cited = [(one["document_ref"], one["verdict"]) for claim in found["claims"] for one in claim["citations"]]
    assert cited == [("DOC-1", "normalised"), ("1", "unresolvable")]


def test_ids_tokens_cost_errors_and_calls_are_told_as_sent(
    world: World, api: Any, read_as: Callable[..., None]
) -> None:
    read_as(
        conversation_ids=("conv-1",), session_ids=("s-1", "s-2"), user_ids=("ngozi@example.org",), input_tokens=120,
        output_tokens=2**70, cost=Decimal("0.0012"), currency="USD", finish_reasons=("stop",),
        errors=(StepError(SPAN, "chat smol", "timed out"),),
        sources={"model": Source(SPAN, "gen_ai.request.model", Rule.STATED)},
        tool_calls=(ToolCallDraft("00000000000000b3", "calculator", {"a": 1}, None, None, "call_7", "no such key",
                                  Source("00000000000000b3", "gen_ai.tool.call.arguments", Rule.STATED)),),
        exchanges=(turn(0, told("?"), told("Yes."), attachments=(
            Attachment(SPAN, "image/png", "sha256:" + "0" * 64, "user"),)),),
    )  # fmt: skip
    trace = assemble(world, spans_of(world))
    found = fetch(api, world, f"traces/{trace.trace_id.hex}")
    assert (found["session_ids"], found["user_ids"]) == (["s-1", "s-2"], ["ngozi@example.org"])
    assert (found["input_tokens"], found["output_tokens"]) == (120, None)  # the second is no number of tokens
    assert (found["cost"], found["currency"], found["finish_reasons"]) == ("0.0012", "USD", ["stop"])
    assert found["errors"] == [{"span_id": SPAN, "step": "chat smol", "message": "timed out"}]
    assert found["sources"]["model"]["attribute"] == "gen_ai.request.model"
    assert found["exchanges"][0]["attachments"][0]["media_type"] == "image/png"
    (call,) = found["tool_calls"]
    assert (call["call_id"], call["error"], call["source"]["rule"]) == ("call_7", "no such key", "stated")


def test_traces_are_listed_by_user_session_and_conversation_until_they_are_erased(
    world: World, api: Any, read_as: Callable[..., None]
) -> None:
    long = "u" * 5_000  # an index entry of a text would be refused
    read_as(conversation_ids=("c",), session_ids=("s", "s2"), user_ids=(long,))
    trace = assemble(world, spans_of(world))
    read_as(conversation_ids=("other",))
    other = assemble(world, spans_of(world), UUID(int=5))
    for query in ({"user": long}, {"session": "s2"}, {"conversation": "c", "session": "s"}):
        assert ids(api, world, **query) == [trace.trace_id.hex]
    assert ids(api, world, conversation="other") == [other.trace_id.hex]
    assert ids(api, world, user="u") == []
    erase_trace_payload(system=world.system, trace_id=trace.trace_id, reason=REASON, principal=acting())
    assert ids(api, world, session="s2") == []
    found = fetch(api, world, f"traces/{trace.trace_id.hex}")
    assert (found["exchanges"], found["sources"], found["user_ids"]) == ([], {}, [])


def test_a_trace_is_found_by_how_its_id_begins_however_that_is_written(world: World, api: Any) -> None:
    trace = assemble(world, spans_of(world))
    other = assemble(world, spans_of(world), UUID(int=5))
    whole = TRACE_ID.hex
    for query in (whole, whole[:7], whole.upper(), str(TRACE_ID), str(TRACE_ID)[:11]):
        assert ids(api, world, trace_id=query) == [whole], query
    assert ids(api, world, trace_id="0") == [other.trace_id.hex, trace.trace_id.hex]
    assert set(ids(api, world, "claims", trace=whole[:9])) == {whole}
    for wrong in ("xyz", whole + "0"):
        response = api.get("/api/v1/traces", {"trace_id": wrong}, **world.headers(Scope.READ))
        assert response.status_code == 422
        assert "32 hexadecimal characters" in response.content.decode()
    assert {row["trace_id"] for row in fetch(api, world, f"traces/{whole}/spans")["results"]} == {whole}


def test_every_answer_writes_a_trace_id_in_one_way() -> None:
    """The generated schema is walked, so that a new answer is covered unasked."""
    schema = yaml.safe_load((Path(settings.BASE_DIR) / "docs/reference/openapi.yaml").read_text())
    answers = {
        name: one["properties"]["trace_id"]
        for name, one in schema["components"]["schemas"].items()
        if "trace_id" in one.get("properties", {})
    }
    as_sent = {"RejectOut"}  # of what was refused, which may be malformed
    assert {"TraceOut", "SpanOut", "ReviewOut", "ListedClaimOut", "ErasureOut"} <= set(answers) - as_sent
    assert {
        name for name, told_as in answers.items() if told_as.get("pattern") != "^[0-9a-f]{32}$"
    } <= as_sent


@pytest.mark.parametrize(
    ("second", "flags"),
    [
        ({"exchanges": TWO_TURNS}, set()),
        ({"exchanges": (TWO_TURNS[0], turn(1, told("Who may apply?"), told("Nobody.")))}, {"answer_changed"}),
        ({"exchanges": (turn(0, told("What?"), told(RATE)), TWO_TURNS[1])}, {"question_changed"}),
        ({"exchanges": TWO_TURNS, "retrievals": ()}, {"documents_changed"}),
    ],
    ids=["nothing", "answer", "an earlier question", "documents"],
)
def test_a_revision_that_says_otherwise_is_flagged(
    world: World, read_as: Callable[..., None], second: dict[str, Any], flags: set[str]
) -> None:
    read_as(exchanges=TWO_TURNS, claims=())
    assemble(world, spans_of(world))
    read_as(**{"claims": (), **second})
    late = assemble(world, [make_span("00000000000000b9", start=9, attributes={})])
    assert late.revision == 2
    assert {code for code in codes(late) if code.endswith("_changed")} == flags


def test_of_a_revision_from_before_turns_were_told_the_last_turn_is_compared(
    world: World, read_as: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_as(exchanges=TWO_TURNS, claims=())
    build = rows.build_trace

    def build_as_before(*inputs: Any, **how: Any) -> Trace:
        trace = build(*inputs, **how)
        trace.exchanges = trace.sources = None
        return trace

    with monkeypatch.context() as before:
        before.setattr(rows, "build_trace", build_as_before)
        assemble(world, spans_of(world))
    late = assemble(world, [make_span("00000000000000b9", start=9, attributes={})])
    assert not [code for code in codes(late) if code.endswith("_changed")]


def test_nothing_is_said_to_have_changed_in_what_was_erased(
    world: World, read_as: Callable[..., None]
) -> None:
    read_as(exchanges=TWO_TURNS, claims=())
    trace = assemble(world, spans_of(world))
    erase_trace_payload(system=world.system, trace_id=trace.trace_id, reason=REASON, principal=acting())
    late = assemble(world, [make_span("00000000000000b9", start=9, attributes={})])
    assert not [code for code in codes(late) if code.endswith("_changed")]


def test_a_review_of_the_earlier_revision_says_so_and_counts_for_none(
    world: World, api: Any, read_as: Callable[..., None]
) -> None:
    read_as(exchanges=TWO_TURNS, claims=())
    trace = assemble(world, spans_of(world, **{"tracebinder.risk_tier": "high"}))
    reviews.record_review(principal=world.principal("reviewer"), trace=trace, decision="approve")
    (before,) = fetch(api, world, "reviews")["results"]
    assert (before["revision"], before["is_for_earlier_revision"]) == (1, False)
    read_as(exchanges=(TWO_TURNS[0], turn(1, told("Who may apply?"), told("Nobody."))), claims=())
    late = assemble(world, [make_span("00000000000000b9", start=9, attributes={})])
    (after,) = fetch(api, world, "reviews")["results"]
    assert (after["revision"], after["is_for_earlier_revision"]) == (1, True)
    assert ids(api, world, reviewed="true") == []
    assert ids(api, world, review="open") == [late.trace_id.hex]
    assert ReviewTask.objects.filter(trace=late).exists()


def test_what_is_compared_with_earlier_revisions_costs_no_query_a_trace(
    world: World, read_as: Callable[..., None]
) -> None:
    def count(first: int, n: int) -> int:
        for number in range(first, first + n):
            store_spans(world.system, UUID(int=number), [make_root(**{"tracebinder.answer": "Yes."})])
        assemble_due_traces(limit=50)
        for number in range(first, first + n):
            late = make_span("00000000000000b9", start=9, attributes={})
            store_spans(world.system, UUID(int=number), [late])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert assemble_due_traces(limit=50) == n
        return len(queries)

    read_as()
    count(1_000, 2)  # versions first seen
    assert count(2_000, 9) == count(3_000, 3)


def test_a_call_and_a_document_of_an_erased_trace_say_nothing_any_more(
    world: World, read_as: Callable[..., None]
) -> None:
    secret = "Ms Okafor"
    place = Source("00000000000000b3", secret, Rule.STATED)
    read_as(
        exchanges=(turn(0, told(secret, secret), told(secret)),),
        tool_calls=(ToolCallDraft("00000000000000b3", "calculator", None, None, None, secret, secret, place),),
        retrievals=(RetrievalDraft("00000000000000b1", secret, "", 0, None, "", secret, place),),
        errors=(StepError(SPAN, secret, secret),), finish_reasons=(secret,), user_ids=(secret,),
        conversation_ids=(secret,), session_ids=(secret,), sources={"model": place}, claims=(),
    )  # fmt: skip
    trace = assemble(world, spans_of(world))
    erase_trace_payload(system=world.system, trace_id=trace.trace_id, reason=REASON, principal=acting())
    left = [
        *Trace.objects.values(), *ToolCall.objects.values(), *Retrieval.objects.values(), *Claim.objects.values(),
    ]  # fmt: skip
    assert secret not in json.dumps(left, default=str)
