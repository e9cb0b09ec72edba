"""Traces as real libraries send them, with the question, the answer and the steps that a person would say they show.

To add one: put the body into `data/traces/` and a line into `CASES`. What a line does not name is not asked about, but
the question and the answer always are: an empty one says that nothing may be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from evidence.semconv.draft import TraceDraft
from evidence.semconv.mapping import map_trace
from tests.evidence.trace_bodies import spans_of


@dataclass(frozen=True, slots=True)
class Case:
    """What a trace shows."""

    question: str = ""
    answer: str = ""
    flags: tuple[str, ...] = ()  # each is on the trace
    without: tuple[str, ...] = ()  # none is on the trace
    name: str = ""
    tools: tuple[tuple[str, Any, Any], ...] | None = None  # tool, arguments, result
    documents: tuple[tuple[str, int, float | None, str], ...] | None = None  # id, rank, score, text
    models: tuple[str, ...] | None = None  # keys
    attachments: tuple[str, ...] = ()  # media types
    ids: dict[str, tuple[str, ...]] = field(default_factory=dict)


UNSURE = ("ambiguous_answer", "ambiguous_question", "answer_absent", "question_absent")
BALANCE = (("get_balance", {"account": "HL-9"}, {"eur": 77}),)

CASES = {
    # Which answer, which question
    "orchestrator_subagents": Case(
        "Can Mr Aldous get a bridge loan of 40,000?",
        "Yes, up to 38,500 EUR against the Kestrel Street flat.",
        tools=(("ask_valuer", {"flat": "Kestrel Street 4"}, "Kestrel Street 4 is worth 55,000 EUR."),),
        without=UNSURE,
    ),
    "title_after_answer": Case(
        "Which cards have no foreign fee?", "Only the Linden Travel card has none.", without=UNSURE
    ),
    "query_rewrite_first": Case("and for students?", "Students pay no account fee until 27.", without=UNSURE),
    "two_choices": Case(
        "What is the overdraft limit?", "The limit is 5,000 EUR.", flags=("several_choices",)
    ),
    "otel_maf_agent": Case("Fee?", "3 EUR.", name="invoke_agent Clerk", without=UNSURE),
    "no_content_captured": Case(flags=("content_not_recorded", "answer_absent", "question_absent")),
    "cut_by_length": Case(
        "List all fees.", "The fees are: account 3 EUR, card 1", flags=("cut_at_token_limit",)
    ),
    "refusal_part": Case("Hide this from the auditor.", "I cannot help with that.", flags=("refused",)),
    "blob_uri_parts": Case(
        "Does this payslip prove 3,000 EUR net?",
        "It shows 2,870 EUR net.",
        flags=("attachment_not_shown",),
        attachments=("image/png", "application/pdf"),
    ),
    # Conventions before 1.36, and events
    "events_choice_json": Case("What is the notice period?", "Three months.", without=UNSURE),
    "deprecated_prompt_json": Case("Fee in Ghent?", "It is 3 EUR.", without=UNSURE),
    "response_before_1_36_json": Case("Fee for a copy?", "2 EUR", attachments=("image_url",), without=UNSURE),
    "op_name_unknown_with_system": Case(flags=("answer_absent", "question_absent")),
    # OpenInference
    "oi_langgraph_multi": Case("And the balance of HL-9?", "It is 77 EUR.", without=UNSURE),
    "oi_retriever_without_ids": Case(
        "Arrangement fee?",
        "1.2 percent.",
        documents=(
            ("LOAN-07", 0, 0.91, "The arrangement fee is 1.2 percent."),
            ("FEES-01", 1, None, "Fees are published yearly."),
        ),
        without=(*UNSURE, "retrieval_empty"),
    ),
    "oi_tool_parameters_schema": Case("Balance of HL-9?", "It is 77 EUR.", tools=BALANCE, without=UNSURE),
    "oi_input_output_only": Case("Fee?", "3 EUR.", without=UNSURE),
    # Steps, documents, ids
    "retrieval_doc_without_id": Case(
        "Need a passport?",
        "Yes.",
        documents=(
            ("KYC-2", 0, 0.91, ""),
            ("KYC-9", 1, None, ""),
            ("", 2, 0.4, "A passport or an identity card is needed."),
        ),
        flags=("document_without_id",),
    ),
    "mcp_tool_twice": Case(
        "Rate?", "1.07", tools=(("fx_rate", {"pair": "EURUSD"}, {"rate": 1.07}),), without=UNSURE
    ),
    "llm_requested_tools_only": Case(
        "Balance of HL-9?",
        "It is 77 EUR.",
        tools=(("get_balance", {"account": "HL-9"}, "77 EUR"),),
        without=UNSURE,
    ),
    "ids_user_session": Case(
        "Hi, fee?",
        "3 EUR.",
        ids={"conversation_ids": ("conv-31",), "session_ids": ("s-9",), "user_ids": ("u-204",)},
    ),
    "remote_parent": Case("Who signs?", "The branch manager."),
    "vector_db_span": Case(
        "When must I report?",
        "Over 10,000 EUR.",
        documents=(
            ("AML-4", 0, 0.8, "Report over 10,000 EUR."),
            ("AML-7", 1, 0.5, "Keep for five years."),
        ),
        models=("gpt-4o",),
        without=UNSURE,
    ),
    # Vendors
    "pydantic_agent_only": Case("Balance of HL-9?", "It is 77 EUR.", models=("m",), without=UNSURE),
    "traceloop_workflow": Case(
        "Balance of HL-9?",
        "It is 77 EUR.",
        tools=(("get_balance", {"account": "HL-9"}, "77 EUR"),),
        documents=(("LOAN-07", 0, 0.91, "…1.2 percent."), ("FEES-01", 1, None, "Fees…")),
        ids={"user_ids": ("u-204",)},
        without=UNSURE,
    ),
    "vercel_ai_v5": Case(
        "And the balance of HL-9?",
        "It is 77 EUR.",
        tools=BALANCE,
        models=("gpt-4o",),
        ids={"session_ids": ("s-9",), "user_ids": ("u-204",)},
        without=UNSURE,
    ),
    "mlflow_spans": Case("Fee?", "3 EUR.", without=UNSURE),
    "genkit_action": Case("Fee?", "3 EUR.", models=("gpt-5-mini",), without=UNSURE),
    "langfuse_sdk": Case(
        "Fee?",
        "3 EUR.",
        models=("gpt-4o",),
        ids={"session_ids": ("s-9",), "user_ids": ("u-204",)},
        without=UNSURE,
    ),
    # Of no convention that is known
    "bare_llm_namespace": Case(flags=("not_recognised", "answer_absent")),
}


@pytest.mark.parametrize("name", CASES)
def test_a_trace_shows_what_was_asked_and_answered(name: str) -> None:
    case, draft = CASES[name], map_trace(spans_of(name))
    codes = {flag.code for flag in draft.flags}
    assert (draft.question, draft.answer) == (case.question, case.answer), sorted(draft.flags)
    assert set(case.flags) <= codes
    assert codes.isdisjoint(case.without)
    assert draft.name == (case.name or draft.name)
    _compare_steps(case, draft)


def _compare_steps(case: Case, draft: TraceDraft) -> None:
    if case.tools is not None:
        assert tuple((one.tool, one.arguments, one.result) for one in draft.tool_calls) == case.tools
    if case.documents is not None:
        found = tuple((one.document_ref, one.rank, one.score, one.text) for one in draft.retrievals)
        assert found == case.documents
    if case.models is not None:
        assert tuple(ref.key for ref in draft.versions if ref.kind == "model") == case.models
    shown = tuple(one.media_type for exchange in draft.exchanges for one in exchange.attachments)
    assert shown == case.attachments
    assert {field: getattr(draft, field) for field in case.ids} == case.ids


@pytest.mark.parametrize("name", CASES)
def test_each_text_says_where_it_was_read(name: str) -> None:
    draft = map_trace(spans_of(name))
    known = set(draft.span_ids)
    for exchange in draft.exchanges:
        for told in (exchange.question, exchange.answer):
            assert bool(told.text) == (told.absent is None)
            if told.text:
                assert told.source is not None
                assert told.source.span_id in known
                assert told.source.attribute
