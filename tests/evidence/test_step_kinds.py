"""What a trace tells of its steps: tools that were called, documents that were found, models, and what went wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.semconv.mapping import map_trace
from tests.evidence.semconv_spans import make_span
from tests.evidence.spoken_spans import (
    ASKED,
    GAVE,
    TARIFF,
    Spans,
    call,
    calling,
    codes,
    langfuse,
    of_the_application,
    responding,
    server,
    tool,
    user,
)


def test_calls_whose_ids_begin_anew_with_each_response_are_all_kept() -> None:
    found = [user(ASKED), calling("find", {"n": 2}), responding("T-26")]
    read = [*found, calling("read", {"doc": "T-26"}), responding("12 EUR")]
    calls = [
        call(1, found[:1], [calling("find", {"n": 2})]),
        call(2, found, [calling("read", {"doc": "T-26"})]),
        call(3, read, GAVE),
    ]
    told = map_trace([server(), *calls]).tool_calls
    assert [(one.tool, one.arguments, one.result) for one in told] == [
        ("find", {"n": 2}, "T-26"),
        ("read", {"doc": "T-26"}, "12 EUR"),
    ]


@pytest.mark.parametrize(
    ("names", "results"),
    [(("list_cards", "list_fees"), ("[1]", "[12]")), (("state", "state"), ("busy", "done"))],
)
def test_spans_of_calls_whose_ids_begin_anew_are_all_kept(
    names: tuple[str, str], results: tuple[str, str]
) -> None:
    more = {"gen_ai.tool.call.id": "call_0", "gen_ai.tool.call.arguments": "{}"}
    spans = [server()]
    for number, (name, result) in enumerate(zip(names, results, strict=True), 1):
        span = tool(number, result)
        span["attributes"] |= {"gen_ai.tool.name": name, **more}
        spans.append(span)
    assert [one.tool for one in map_trace(spans).tool_calls] == list(names)


def polled(*, library: str = "app") -> Spans:
    """The spans of a tool that was called twice with one id, the same arguments and the same result."""
    more = {"gen_ai.tool.call.id": "call_0", "gen_ai.tool.call.arguments": "{}", "gen_ai.tool.name": "state"}
    spans = [tool(number, "busy") for number in (1, 2)]
    for span in spans:
        span["attributes"] |= more
        span["scope"] = {"name": "app"}
    spans[1]["scope"] = {"name": library}
    return [server(), *spans]


def test_a_tool_called_again_under_the_same_id_with_the_same_result_is_two_calls() -> None:
    assert [one.result for one in map_trace(polled()).tool_calls] == ["busy", "busy"]


def test_a_span_of_another_library_tells_of_the_same_call() -> None:
    assert len(map_trace(polled(library="other")).tool_calls) == 1


def test_a_tool_that_a_model_asks_for_again_is_called_again() -> None:
    asks = calling("state", {})
    history = [user(ASKED), asks, responding("busy")]
    calls = [
        call(1, history[:1], [asks]),
        call(2, history, [asks]),
        call(3, [*history, asks, responding("done")], GAVE),
    ]
    told = map_trace([server(), *calls]).tool_calls
    assert [(one.tool, one.result) for one in told] == [("state", "busy"), ("state", "done")]


def test_a_model_that_is_asked_again_calls_its_tool_once() -> None:
    asks = calling("state", {})
    calls = [call(number, [user(ASKED)], [asks]) for number in (1, 2)]
    last = call(3, [user(ASKED), asks, responding("done")], GAVE)
    assert [one.result for one in map_trace([server(), *calls, last]).tool_calls] == ["done"]


def test_documents_that_a_retriever_only_gave_back_are_kept() -> None:
    gave = [{"page_content": words, "metadata": {"source": "tariff.pdf"}} for words in ("one", "two")]
    attributes = {
        "openinference.span.kind": "RETRIEVER",
        "input.value": ASKED,
        "output.value": json.dumps(gave),
    }
    draft = map_trace([server(), make_span("0000000000000001", name="search", attributes=attributes)])
    assert [(one.document_ref, one.text) for one in draft.retrievals] == [
        ("tariff.pdf", "one"),
        ("tariff.pdf", "two"),
    ]
    assert "retrieval_empty" not in codes(draft)


def test_what_a_provider_carried_out_is_a_call_with_its_result_and_no_open_one() -> None:
    items = [
        {"type": "web_search_call", "id": "ws_1", "action": {"query": "card"}},
        {"type": "file_search_call", "id": "fs_1", "queries": ["fee"], "results": [{"text": TARIFF}]},
        {"type": "mcp_call", "id": "mc_1", "name": "fee", "arguments": '{"n": 2}', "output": "12"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": GAVE}]},
    ]
    draft = map_trace([call(1, [user(ASKED)], items, parent="")])
    assert draft.answer == GAVE
    assert {(one.call_id, one.tool, str(one.arguments), str(one.result)) for one in draft.tool_calls} == {
        ("ws_1", "web_search", "{'query': 'card'}", "None"),
        ("fs_1", "file_search", "['fee']", str([{"text": TARIFF}])),
        ("mc_1", "fee", "{'n': 2}", "12"),
    }


def test_what_anthropic_looked_up_is_a_call_with_its_result() -> None:
    said = [
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "card"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"title": "Cards"}]},
        {"type": "text", "text": GAVE},
    ]
    draft = map_trace([call(1, [user(ASKED)], [{"role": "assistant", "content": said}], parent="")])
    assert (draft.answer, [(one.tool, one.result) for one in draft.tool_calls]) == (
        GAVE,
        [("web_search", [{"title": "Cards"}])],
    )


def test_a_result_that_says_that_it_is_an_error_is_one() -> None:
    failed = tool(1, json.dumps({"content": [{"type": "text", "text": "no such card"}], "isError": True}))
    assert [one.error for one in map_trace([server(), failed]).tool_calls] == ["no such card"]


def test_what_went_wrong_is_read_from_the_exception_where_the_status_says_nothing() -> None:
    thrown = {
        "name": "exception",
        "attributes": {"exception.type": "RateLimit", "exception.message": "429, later"},
    }
    step = call(1, [user(ASKED)], "", status_code=2, events=[thrown])
    assert [one.message for one in map_trace([server(), step]).errors] == ["429, later"]


def test_documents_of_a_knowledge_base_keep_their_words_and_place() -> None:
    found = [
        {
            "content": {"text": TARIFF},
            "location": {"type": "S3", "s3Location": {"uri": "s3://b/t.pdf"}},
            "score": 0.5,
        }
    ]
    attributes = {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.documents": json.dumps(found)}
    (one,) = map_trace([make_span(f"{1:016x}", name="retrieve", attributes=attributes)]).retrievals
    assert (one.document_ref, one.text, one.score) == ("s3://b/t.pdf", TARIFF, 0.5)


def test_a_form_that_is_filled_by_a_call_is_no_tool() -> None:
    spans = [server(), call(1, [user(ASKED)], [calling("final_result", {"eur": 12})])]
    assert map_trace(spans).tool_calls == ()


def test_a_chinese_document_without_an_id_is_a_text() -> None:
    words = "第二张卡每个日历年收取12欧元，于一月到期。"
    attributes = {
        "langfuse.observation.type": "retriever",
        "langfuse.observation.output": json.dumps([words]),
    }
    spans = [server(), make_span("0000000000000001", name="search", attributes=attributes)]
    assert [(one.document_ref, one.text) for one in map_trace(spans).retrievals] == [("", words)]


@pytest.mark.parametrize("kind", ["computer_call", "local_shell_call", "mcp_approval_request"])
def test_a_call_that_an_application_is_to_carry_out_is_open(kind: str) -> None:
    items = [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I will."}]},
        {"type": kind, "id": "i1", "name": "pay", "arguments": "{}"},
    ]
    draft = map_trace([call(1, [user(ASKED)], items, parent="")])
    assert draft.answer == ""
    assert "open_tool_call" in codes(draft)
    assert len(draft.tool_calls) == 1


def test_code_that_gemini_ran_is_a_call() -> None:
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "print(12)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "12"}},
        {"text": GAVE},
    ]
    draft = map_trace([call(1, [user(ASKED)], [{"role": "model", "parts": parts}], parent="")])
    assert (draft.answer, [one.tool for one in draft.tool_calls]) == (GAVE, ["code_execution"])


@pytest.mark.parametrize("result", [0, False, [], ""])
def test_a_result_of_nothing_is_a_result(result: Any) -> None:
    response = {"type": "tool_call_response", "id": "call_0", "response": result}
    asks = [user(ASKED), calling("count", {})]
    calls = [call(1, asks[:1], asks[1:]), call(2, [*asks, {"role": "tool", "parts": [response]}], GAVE)]
    assert [one.result for one in map_trace([server(), *calls]).tool_calls] == [result]


def test_a_response_that_is_marked_as_an_error_is_one() -> None:
    asks = [user(ASKED), calling("fee", {})]
    failed = {"type": "tool_result", "tool_use_id": "call_0", "is_error": True, "content": "no such card"}
    calls = [call(1, asks[:1], asks[1:]), call(2, [*asks, {"role": "user", "content": [failed]}], GAVE)]
    assert [one.error for one in map_trace([server(), *calls]).tool_calls] == ["no such card"]


@pytest.mark.parametrize(("level", "error"), [("ERROR", "timeout"), ("DEFAULT", ""), ("WARNING", "")])
def test_a_step_of_langfuse_failed_where_its_level_says_so(level: str, error: str) -> None:
    more = {"langfuse.observation.level": level, "langfuse.observation.status_message": "timeout"}
    draft = map_trace([server(), langfuse("tool", 1, more)])
    assert [one.error for one in draft.tool_calls] == [error]
    assert [one.message for one in draft.errors] == ([error] if error else [])


def test_a_step_with_the_type_of_an_error_failed() -> None:
    step = call(1, [user(ASKED)], None, attributes={"error.type": "RateLimitError"})
    assert [one.message for one in map_trace([server(), step]).errors] == ["RateLimitError"]


def test_what_an_application_calls_a_model_is_none() -> None:
    spans = [of_the_application(model="Golf GTI", model_name="Golf"), call(1, [user(ASKED)], GAVE)]
    assert [one for one in map_trace(spans).versions if one.kind == "model"] == []


@pytest.mark.parametrize(
    "found",
    [
        {
            "retrievalResults": [
                {"content": {"text": TARIFF}, "location": {"s3": {"uri": "T-26"}}, "score": 0.5}
            ]
        },
        {"matches": [{"id": "T-26", "score": 0.5, "metadata": {"text": TARIFF}}]},
        [{"id": "T-26", "score": 0.5, "payload": {"text": TARIFF}}],
        {"value": [{"@search.score": 0.5, "id": "T-26", "content": TARIFF}]},
        {"hits": {"hits": [{"_id": "T-26", "_score": 0.5, "_source": {"content": TARIFF}}]}},
        {"data": [{"file_id": "T-26", "score": 0.5, "content": [{"type": "text", "text": TARIFF}]}]},
        [[{"page_content": TARIFF, "metadata": {"source": "T-26"}}, 0.5]],
    ],
)
def test_documents_keep_their_words_in_the_form_of_each_store(found: Any) -> None:
    attributes = {
        "openinference.span.kind": "RETRIEVER",
        "input.value": ASKED,
        "output.value": json.dumps(found),
    }
    (one,) = map_trace([server(), make_span(f"{1:016x}", name="search", attributes=attributes)]).retrievals
    assert (one.document_ref, one.text, one.score) == ("T-26", TARIFF, 0.5)


def test_a_tool_of_the_provider_is_a_call_with_its_result() -> None:
    parts = [
        {"type": "server_tool_call", "id": "s", "name": "web_search", "server_tool_call": {"query": "card"}},
        {"type": "server_tool_call_response", "id": "s", "server_tool_call_response": {"results": [1]}},
        {"type": "text", "content": GAVE},
    ]
    draft = map_trace([call(1, [user(ASKED)], [{"role": "assistant", "parts": parts}], parent="")])
    assert (draft.answer, [(one.tool, one.arguments, one.result) for one in draft.tool_calls]) == (
        GAVE,
        [("web_search", {"query": "card"}, {"results": [1]})],
    )
