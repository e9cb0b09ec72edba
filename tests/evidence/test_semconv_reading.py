"""Which of the texts of a trace is the question and which the answer, and why a field is empty."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.semconv.draft import Absent, Rule, TraceDraft
from evidence.semconv.mapping import map_trace
from tests.evidence.semconv_spans import ROOT_ID, make_root, make_span

Said = list[tuple[str, str]]


def chat(
    number: int, said: Said, gave: str | None, *, parent: str = ROOT_ID, at: int | None = None, **columns: Any
) -> dict[str, Any]:
    """A model call in the current conventions."""
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps([{"role": role, "content": text} for role, text in said]),
    }
    if gave is not None:
        attributes["gen_ai.output.messages"] = json.dumps([{"role": "assistant", "content": gave}])
    attributes.update(columns.pop("more", {}))
    start = number * 10 if at is None else at
    return make_span(
        f"{number:016x}", parent=parent, name="chat m", start=start, attributes=attributes, **columns
    )


def server() -> dict[str, Any]:
    return make_span(ROOT_ID, parent="", name="POST /ask", start=1)


def unknown_form(words: str) -> dict[str, Any]:
    """A frame that gave words in JSON that nobody knows."""
    payload = json.dumps({"payload": {"words": words}})
    attributes = {"openinference.span.kind": "CHAIN", "output.value": payload}
    return make_span(ROOT_ID, parent="", name="run", start=1, attributes=attributes)


def codes(draft: TraceDraft) -> set[str]:
    return {flag.code for flag in draft.flags}


def test_turns_that_remember_each_other_are_exchanges_of_their_own() -> None:
    first: Said = [("user", "Fee?")]
    second: Said = [*first, ("assistant", "3 EUR."), ("user", "And abroad?")]
    draft = map_trace([server(), chat(1, first, "3 EUR."), chat(2, second, "5 EUR.")])
    assert [(one.number, one.question.text, one.answer.text) for one in draft.exchanges] == [
        (0, "Fee?", "3 EUR."),
        (1, "And abroad?", "5 EUR."),
    ]
    assert (draft.question, draft.answer) == ("And abroad?", "5 EUR.")


def test_each_turn_that_an_agent_took_is_an_exchange() -> None:
    agents = [
        make_span(f"{number:016x}", name="invoke_agent clerk", start=number * 10, attributes={
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "clerk",
            "gen_ai.input.messages": json.dumps([{"role": "user", "content": question}]),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": answer}])})
        for number, question, answer in ((1, "Fee?", "3 EUR."), (2, "Who signs?", "The manager."))
    ]  # fmt: skip
    draft = map_trace([server(), *agents])
    assert [one.answer.text for one in draft.exchanges] == ["3 EUR.", "The manager."]


def test_calls_side_by_side_are_not_chosen_between() -> None:
    draft = map_trace(
        [server(), chat(1, [("user", "Fee?")], "3 EUR.", at=10), chat(2, [("user", "Fee?")], "4 EUR.", at=11)]
    )
    (exchange,) = draft.exchanges
    assert (draft.question, draft.answer, exchange.answer.absent) == ("Fee?", "", Absent.AMBIGUOUS)
    assert {one.text for one in exchange.answer.others} == {"3 EUR.", "4 EUR."}
    assert "ambiguous_answer" in codes(draft)


def test_the_same_asked_again_is_answered_by_the_last() -> None:
    draft = map_trace(
        [server(), chat(1, [("user", "Fee?")], "3 EURO", at=10), chat(2, [("user", "Fee?")], "3 EUR.", at=20)]
    )
    assert (draft.answer, codes(draft) & {"ambiguous_answer"}) == ("3 EUR.", set())


def test_an_unknown_call_that_was_shown_the_answer_leaves_both_open() -> None:
    follow = chat(2, [("user", "Say it nicely: The fee is 3 EUR.")], "It is 3 EUR, dear.")
    draft = map_trace([server(), chat(1, [("user", "Fee?")], "The fee is 3 EUR."), follow])
    assert draft.answer == ""
    assert {one.text for one in draft.exchanges[0].answer.others} == {
        "The fee is 3 EUR.",
        "It is 3 EUR, dear.",
    }


def test_a_person_who_asks_in_a_helpers_words_is_a_person() -> None:
    first: Said = [("user", "Fee?")]
    second: Said = [*first, ("assistant", "3 EUR."), ("user", "Is my deposit safe?")]
    draft = map_trace([server(), chat(1, first, "3 EUR."), chat(2, second, "Yes, up to 100,000 EUR.")])
    assert (draft.question, draft.answer) == ("Is my deposit safe?", "Yes, up to 100,000 EUR.")


def test_a_helper_that_comes_late_changes_nothing() -> None:
    spans = [server(), chat(1, [("user", "Which card has no fee?")], "The travel card.")]
    late = chat(2, [("user", "Generate a title for: Which card has no fee?")], "Cards without fees")
    before, after = map_trace(spans), map_trace([*spans, late])
    assert (before.question, before.answer) == (after.question, after.answer)
    assert after.answer == "The travel card."


@pytest.mark.parametrize(
    ("more", "columns", "absent", "code"),
    [
        ({}, {"status_code": 2}, Absent.CALL_FAILED, "answer_absent"),
        ({"gen_ai.response.finish_reasons": ["content_filter"]}, {}, Absent.FILTERED, "stopped_by_filter"),
        ({"gen_ai.response.finish_reasons": ["length"]}, {}, Absent.CUT, "cut_at_token_limit"),
        ({"gen_ai.output.messages": '[{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]}]'},
         {}, Absent.OPEN_TOOL_CALL, "open_tool_call"),
        ({"gen_ai.output.messages": '{"rows": [1]}'}, {}, Absent.NOT_RECOGNISED, "not_recognised"),
        ({}, {}, Absent.NOT_RECORDED, "content_not_recorded"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_there_says_why(
    more: dict[str, Any], columns: dict[str, Any], absent: Absent, code: str
) -> None:
    draft = map_trace([server(), chat(1, [("user", "Fee?")], None, more=more, **columns)])
    assert (draft.question, draft.answer, draft.exchanges[0].answer.absent) == ("Fee?", "", absent)
    assert {code, "answer_absent"} <= codes(draft)


def test_an_embedding_is_never_an_answer() -> None:
    vector = {
        "openinference.span.kind": "EMBEDDING",
        "input.value": "Fee?",
        "output.value": "[0.1, 0.2, 0.3]",
    }
    draft = map_trace([make_span(ROOT_ID, parent="", attributes=vector)])
    assert (draft.question, draft.answer) == ("", "")
    assert "answer_absent" in codes(draft)


def test_an_answer_in_json_is_shown_and_is_no_prose() -> None:
    draft = map_trace([server(), chat(1, [("user", "Fee?")], '{"eur": 3}')])
    assert (draft.answer, draft.exchanges[0].answer_is_prose) == ('{"eur": 3}', False)
    assert "answer_not_prose" in codes(draft)


def test_what_reached_a_root_in_an_unknown_form_is_the_answer() -> None:
    root = unknown_form("The fee is 3 EUR.")
    spans = [
        root,
        chat(1, [("user", "Fee?")], "The fee is 3 EUR."),
        chat(2, [("user", "Sum up.")], "A question of fees."),
    ]
    draft = map_trace(spans)
    assert (draft.question, draft.answer) == ("Fee?", "The fee is 3 EUR.")
    assert draft.exchanges[0].answer.source is not None
    assert draft.exchanges[0].answer.source.rule is Rule.REACHED_ROOT


def test_what_no_call_said_and_nobody_understands_is_not_replaced_by_a_call() -> None:
    root = unknown_form("Ask in the branch.")
    draft = map_trace([root, chat(1, [("user", "Fee?")], "The fee is 3 EUR.")])
    assert (draft.answer, draft.exchanges[0].answer.absent) == ("", Absent.NOT_RECOGNISED)
    assert [one.text for one in draft.exchanges[0].answer.others] == ["The fee is 3 EUR."]


def test_what_the_application_declares_wins_and_says_so() -> None:
    root = make_root(**{"gen_ai.output.messages": '[{"role": "assistant", "content": "Something else."}]'})
    told = map_trace([root, chat(1, [("user", "?")], "!")]).exchanges[0].answer
    assert told.source is not None
    assert (told.source.attribute, told.source.rule) == ("tracebinder.answer", Rule.DECLARED)
    assert [one.text for one in told.others] == ["Something else."]


def test_spans_whose_parent_is_missing_are_candidates_where_the_root_says_nothing() -> None:
    stray = chat(2, [("user", "Value the flat.")], "55,000 EUR", parent="00000000000000ff")
    draft = map_trace([server(), chat(1, [("user", "Fee?")], "3 EUR."), stray])
    assert (draft.question, draft.answer) == ("Fee?", "3 EUR.")
    alone = map_trace([server(), stray])
    assert alone.answer == ""
    assert [one.text for one in alone.exchanges[0].answer.others] == ["55,000 EUR"]
    assert {"parent_missing", "ambiguous_answer"} <= codes(alone)


def test_parents_in_a_ring_are_read_without_end_or_loss() -> None:
    one, other = (
        chat(1, [("user", "Fee?")], "3 EUR.", parent=f"{2:016x}"),
        chat(2, [], None, parent=f"{1:016x}"),
    )
    draft = map_trace([one, other])
    assert draft.span_count == 2
    assert "no_root" in codes(draft)


def test_ids_tokens_and_cost_are_those_of_the_calls_each_once() -> None:
    agent = make_root(**{"user.id": "u-1", "session.id": "s-1", "gen_ai.usage.input_tokens": 99})
    usage = {
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.cost": 0.25,
        "user.id": "u-2",
    }
    call = chat(1, [("user", "Fee?")], "3 EUR.", more=usage)
    again = chat(2, [("user", "Fee?")], "3 EUR.", more=usage, parent=call["span_id"])
    draft = map_trace([agent, call, again])
    assert (draft.user_ids, draft.session_ids) == (("u-1", "u-2"), ("s-1",))
    assert (draft.input_tokens, draft.output_tokens) == (40, 2)
    assert (str(draft.cost), draft.currency) == ("0.25", "USD")


def test_a_failed_step_is_named() -> None:
    tool = make_span("00000000000000b1", name="execute_tool rate", status_code=2, status_message="timeout", attributes={
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "rate"})  # fmt: skip
    draft = map_trace([make_root(), tool])
    assert [(one.step, one.message) for one in draft.errors] == [("execute_tool rate", "timeout")]
    assert draft.tool_calls[0].error == "timeout"


def test_a_tool_called_again_after_an_error_is_one_call_with_the_later_result() -> None:
    tools = [
        make_span(f"{number:016x}", name="execute_tool rate", start=number, status_code=status, attributes={
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "rate", "gen_ai.tool.call.id": "c1",
            "gen_ai.tool.call.arguments": '{"n": 1}', "gen_ai.tool.call.result": result})
        for number, status, result in ((3, 2, ""), (4, 0, "15%"))
    ]  # fmt: skip
    (call,) = map_trace([make_root(), *tools]).tool_calls
    assert (call.call_id, call.result, call.error) == ("c1", "15%", "")


def test_a_reranker_changes_the_order_of_documents_and_not_which_they_are() -> None:
    retriever = make_span("00000000000000b1", name="retriever", start=2, attributes={
        "openinference.span.kind": "RETRIEVER",
        "retrieval.documents.0.document.id": "A", "retrieval.documents.0.document.content": "Fees.",
        "retrieval.documents.1.document.content": "Rates.", "retrieval.documents.2.document.id": "C"})  # fmt: skip
    reranker = make_span("00000000000000b2", name="reranker", start=3, attributes={
        "openinference.span.kind": "RERANKER", "reranker.query": "rate",
        "reranker.input_documents.0.document.id": "A",
        "reranker.output_documents.0.document.content": "Rates.", "reranker.output_documents.0.document.score": 0.9,
        "reranker.output_documents.1.document.id": "A", "reranker.output_documents.1.document.score": 0.2})  # fmt: skip
    found = map_trace([make_root(), retriever, reranker]).retrievals
    assert [(one.document_ref, one.text, one.rank, one.score) for one in found] == [
        ("", "Rates.", 0, 0.9),
        ("A", "Fees.", 1, 0.2),
        ("C", "", 2, None),
    ]
    assert {one.span_id for one in found} == {"00000000000000b1"}


def test_a_guard_model_that_sees_the_same_question_is_known_by_its_name() -> None:
    said: Said = [("user", "Which card has no fee?")]
    answered: Said = [*said, ("assistant", "The travel card.")]
    guard = {"gen_ai.request.model": "llama-guard-3"}
    spans = [
        chat(1, said, "safe", more=guard),
        chat(2, said, "The travel card."),
        chat(3, answered, "safe", more=guard),
    ]
    assert map_trace([server(), *spans]).answer == "The travel card."


def test_a_frame_named_after_a_guardrail_answers_nobody() -> None:
    frame = make_span("00000000000000c1", name="output_guardrail", start=15)
    check = chat(2, [("user", "Which card has no fee?")], "allowed", parent=frame["span_id"])
    draft = map_trace(
        [server(), chat(1, [("user", "Which card has no fee?")], "The travel card."), frame, check]
    )
    assert draft.answer == "The travel card."


def test_an_event_may_hold_its_message_as_json() -> None:
    events = [
        {
            "name": "gen_ai.user.message",
            "attributes": {"gen_ai.event.content": '{"role": "user", "content": "Fee?"}'},
        },
        {
            "name": "gen_ai.choice",
            "attributes": {
                "gen_ai.event.content": '{"message": {"content": "3 EUR."}, "finish_reason": "stop"}'
            },
        },
    ]
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.system": "az.ai.inference"}
    draft = map_trace([make_span(ROOT_ID, parent="", attributes=attributes, events=events)])
    assert (draft.question, draft.answer) == ("Fee?", "3 EUR.")


def test_what_a_model_thought_is_not_what_it_said() -> None:
    prefix = "llm.output_messages.0.message"
    attributes = {
        "openinference.span.kind": "LLM",
        "input.value": "Fee?",
        f"{prefix}.role": "assistant",
        f"{prefix}.contents.0.message_content.type": "reasoning",
        f"{prefix}.contents.0.message_content.text": "They want the fee.",
        f"{prefix}.contents.1.message_content.type": "text",
        f"{prefix}.contents.1.message_content.text": "3 EUR.",
    }
    assert map_trace([make_span(ROOT_ID, parent="", attributes=attributes)]).answer == "3 EUR."


@pytest.mark.parametrize("parent", [ROOT_ID, "00000000000000d1"])
def test_question_and_answer_may_be_declared_on_two_spans(parent: str) -> None:
    asks = make_span("00000000000000d1", start=2, attributes={"tracebinder.question": "Fee?"})
    answers = make_span(
        "00000000000000d2", parent=parent, start=3, attributes={"tracebinder.answer": "3 EUR."}
    )
    (exchange,) = map_trace([server(), asks, answers, chat(4, [("user", "?")], "!")]).exchanges
    assert (exchange.question.text, exchange.answer.text) == ("Fee?", "3 EUR.")


def test_each_of_several_spans_that_declare_is_an_exchange() -> None:
    turns = [
        make_span(f"{number:016x}", start=number, attributes={
            "tracebinder.question": question, "tracebinder.answer": answer})
        for number, question, answer in ((2, "Fee?", "3 EUR."), (3, "Who signs?", "The manager."))
    ]  # fmt: skip
    draft = map_trace([server(), *turns])
    assert [one.answer.text for one in draft.exchanges] == ["3 EUR.", "The manager."]
