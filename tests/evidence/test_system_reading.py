"""How a system says that its traces are read: what its document may say, and what a trace then tells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.errors import InvalidInput
from evidence.semconv.draft import Absent, Rule, Source, TraceDraft
from evidence.semconv.mapping import map_trace
from evidence.semconv.reading_document import LONGEST_PATH, MOST_PLACES, MOST_STARS, parse_reading
from evidence.semconv.system_reading import SpanPattern, value_at
from tests.evidence.semconv_spans import ROOT_ID, make_span

HANDLE, TITLE, SEARCH = "00000000000000c1", "00000000000000c2", "00000000000000c3"
QUESTION, ANSWER = "What does an overdraft cost?", "An overdraft costs 15% a year."
TITLE_TEXT = "Overdraft prices"
ACME = {"name": "acme.bot"}


def spans() -> list[dict[str, Any]]:
    """A trace of a system that no dialect knows."""
    request = json.dumps({"messages": [{"t": "sys", "body": "Be brief."}, {"t": "in", "body": QUESTION}]})
    return [
        make_span(ROOT_ID, parent="", name="POST /ask", start=1, attributes={"http.method": "POST"}),
        make_span(HANDLE, name="handle", start=2, scope=ACME, attributes={
            "acme.request": request, "acme.reply": ANSWER}),
        make_span(TITLE, name="make_title", start=20, scope=ACME, attributes={"acme.reply": TITLE_TEXT}),
        make_span(SEARCH, name="search", start=3, scope=ACME, attributes={"acme.hits": json.dumps({
            "found": [{"ref": {"no": "RATE-1"}, "snippet": "The rate is 15%.", "rank": {"score": 0.9}},
                      {"ref": {"no": "FEE-1"}, "snippet": "No fee.", "rank": {"score": 0.4}}]})}),
    ]  # fmt: skip


def reading() -> dict[str, Any]:
    return {
        "question": [{"span": "handle", "attribute": "acme.request", "path": "messages.-1.body"}],
        "answer": [{"scope": "acme.*", "attribute": "acme.reply"}],
        "documents": [{
            "span": "search", "attribute": "acme.hits", "path": "found",
            "id": "ref.no", "text": "snippet", "score": "rank.score"}],
        "leave_out": [{"span": "make_*"}],
    }  # fmt: skip


def read(document: object, trace: list[dict[str, Any]] | None = None) -> TraceDraft:
    return map_trace(spans() if trace is None else trace, reading=parse_reading(document))


def codes(draft: TraceDraft) -> set[str]:
    return {flag.code for flag in draft.flags}


def test_a_system_that_no_dialect_knows_is_read_as_it_says() -> None:
    assert (map_trace(spans()).question, map_trace(spans()).answer) == ("", "")
    draft = read(reading())
    (turn,) = draft.exchanges
    assert (turn.question.text, turn.answer.text) == (QUESTION, ANSWER)
    assert turn.question.source == Source(HANDLE, "acme.request", Rule.READING)
    assert turn.answer.source == Source(HANDLE, "acme.reply", Rule.READING)
    assert turn.answer.others == ()
    assert "question_absent" not in codes(draft)


def test_documents_stand_where_the_system_says() -> None:
    found = read(reading()).retrievals
    assert [(one.document_ref, one.text, one.score, one.rank) for one in found] == [
        ("RATE-1", "The rate is 15%.", 0.9, 0),
        ("FEE-1", "No fee.", 0.4, 1),
    ]
    assert {one.source for one in found} == {Source(SEARCH, "acme.hits", Rule.READING)}


def test_what_is_not_left_out_makes_the_answer_ambiguous_and_both_are_shown() -> None:
    document = reading()
    del document["leave_out"]
    draft = read(document)
    (turn,) = draft.exchanges
    assert (turn.answer.text, turn.answer.absent) == ("", Absent.AMBIGUOUS)
    assert {one.text for one in turn.answer.others} == {ANSWER, TITLE_TEXT}
    assert "ambiguous_answer" in codes(draft)


def test_what_stands_below_a_step_that_is_left_out_is_left_out() -> None:
    inner = make_span("00000000000000c9", parent=TITLE, name="write", start=21, scope=ACME,
                      attributes={"acme.reply": "Prices"})  # fmt: skip
    assert read(reading(), [*spans(), inner]).answer == ANSWER


def test_the_first_place_that_holds_a_text_is_read() -> None:
    document = reading()
    document["answer"] = [
        {"span": "handle", "attribute": "acme.final"},
        {"span": "handle", "attribute": "acme.reply"},
        {"span": "make_title", "attribute": "acme.reply"},
    ]
    assert read(document).answer == ANSWER


def test_what_the_application_declares_comes_before_what_the_system_says() -> None:
    trace = spans()
    declared = "The rate is 15%."
    trace[0] = make_span(
        ROOT_ID, parent="", name="POST /ask", start=1, attributes={"tracebinder.answer": declared}
    )
    (turn,) = read(reading(), trace).exchanges
    assert (turn.answer.text, turn.answer.source.rule if turn.answer.source else None) == (
        declared,
        Rule.DECLARED,
    )
    assert (turn.question.text, turn.question.source.rule if turn.question.source else None) == (
        QUESTION, Rule.READING)  # fmt: skip


def chat(output: str = "Certainly! 15%.") -> dict[str, Any]:
    return make_span("00000000000000c8", parent=HANDLE, name="chat m", start=4, attributes={
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps([{"role": "user", "content": "Overdraft?"}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": output}])})  # fmt: skip


def test_what_would_have_been_told_without_it_is_a_candidate() -> None:
    (turn,) = read(reading(), [*spans(), chat()]).exchanges
    assert (turn.answer.text, turn.answer.absent) == (ANSWER, None)
    assert [(one.text, one.source.rule) for one in turn.answer.others] == [
        ("Certainly! 15%.", Rule.LAST_CALL)
    ]


def test_where_nothing_stands_the_trace_is_read_as_any_and_says_so() -> None:
    document = {"answer": [{"span": "handle", "attribute": "acme.nothing"}]}
    draft = read(document, [*spans(), chat()])
    (turn,) = draft.exchanges
    assert (turn.question.text, turn.answer.text) == ("Overdraft?", "Certainly! 15%.")
    assert turn.answer.source
    assert turn.answer.source.rule is Rule.LAST_CALL
    assert "reading_found_nothing" in codes(draft)
    assert map_trace([*spans(), chat()]).exchanges == draft.exchanges


def test_json_in_no_known_form_is_never_shown_as_words() -> None:
    document = {"answer": [{"span": "search", "attribute": "acme.hits"}]}
    draft = read(document)
    assert draft.answer == ""
    assert {"reading_unreadable", "reading_found_nothing"} <= codes(draft)


def test_turns_are_exchanges_each_with_what_stands_in_it() -> None:
    trace = [make_span(ROOT_ID, parent="", name="session", start=1)]
    for number, (asked, said) in enumerate([("One?", "The first."), ("Two?", "The second.")]):
        top, inner = f"00000000000000d{number}", f"00000000000000e{number}"
        trace += [
            make_span(top, name="turn", start=10 * number + 2, attributes={"acme.asked": asked}),
            make_span(inner, parent=top, name="reply", start=10 * number + 3, attributes={"acme.told": said}),
        ]
    document = {
        "turns": [{"span": "turn"}],
        "question": [{"span": "turn", "attribute": "acme.asked"}],
        "answer": [{"span": "reply", "attribute": "acme.told"}],
    }
    told = [(one.number, one.question.text, one.answer.text) for one in read(document, trace).exchanges]
    assert told == [(0, "One?", "The first."), (1, "Two?", "The second.")]
    assert len(read({**document, "turns": []}, trace).exchanges) == 1


def test_a_reading_that_leaves_out_all_says_so() -> None:
    assert "reading_leaves_out_all" in codes(read({"leave_out": [{"span": "*"}]}, [*spans(), chat()]))


def test_a_reading_that_says_nothing_changes_nothing() -> None:
    assert read({}, [*spans(), chat()]) == map_trace([*spans(), chat()])


@pytest.mark.parametrize(
    ("document", "place", "words"),
    [
        ([], "", "object"),
        ({"anwser": []}, "anwser", "did you mean 'answer'"),
        ({"answer": {}}, "answer", "list"),
        ({"answer": ["x"]}, "answer[0]", "object"),
        ({"answer": [{"attribute": "a"}]}, "answer[0]", "names no spans"),
        ({"answer": [{"span": "a"}]}, "answer[0]", "names no attribute"),
        ({"answer": [{"span": "a", "attribute": "b", "pth": "c"}]}, "answer[0].pth", "did you mean 'path'"),
        ({"answer": [{"span": "a", "attribute": "b", "id": "c"}]}, "answer[0].id", "Unknown field"),
        ({"leave_out": [{"span": "a", "attribute": "b"}]}, "leave_out[0].attribute", "Unknown field"),
        ({"answer": [{"span": 1, "attribute": "b"}]}, "answer[0].span", "text"),
        ({"answer": [{"span": " ", "attribute": "b"}]}, "answer[0].span", "not empty"),
        ({"answer": [{"span": "a\x00", "attribute": "b"}]}, "answer[0].span", "NUL"),
        ({"answer": [{"span": "x" * 201, "attribute": "b"}]}, "answer[0].span", "201 characters"),
        ({"answer": [{"span": "*" * (MOST_STARS + 1), "attribute": "b"}]}, "answer[0].span", "stars"),
        ({"answer": [{"span": "a", "attribute": "b", "path": "a..b"}]}, "answer[0].path", "empty step"),
        ({"answer": [{"span": "a", "attribute": "b", "path": ".".join("a" * (LONGEST_PATH + 1))}]},
         "answer[0].path", "steps"),
        ({"turns": [{"span": "a"}] * (MOST_PLACES + 1)}, "turns", "21 places"),
    ],
)  # fmt: skip
def test_what_no_reading_may_say_is_refused_by_name(document: object, place: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_reading(document)
    (fault,) = refused.value.faults
    assert fault.path == f"document.{place}".rstrip(".")
    assert words in fault.message


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("chat", "chat", True), ("chat", "chats", False), ("chat *", "chat m", True), ("*", "", True),
        ("a*a", "a", False), ("a*a", "aa", True), ("*.b.*", "x.b.y", True), ("*b*b*", "ab", False),
        ("a*b*c", "a-c-b", False), ("[a]*", "a", False),
    ],
)  # fmt: skip
def test_a_star_stands_for_any_text_and_nothing_else_does(pattern: str, name: str, fits: bool) -> None:
    (span,) = [make_span("00000000000000f1", parent="", name=name, attributes={"k": "An answer."})]
    told = read({"answer": [{"span": pattern, "attribute": "k"}]}, [span]).answer
    assert told == ("An answer." if fits else "")


@given(st.lists(st.sampled_from(["a", "b", "*"]), max_size=6).map("".join), st.text("ab", max_size=8))
def test_a_name_fits_as_a_regular_expression_would_have_it(pattern: str, name: str) -> None:
    import re

    wanted = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
    one: Any = type("Span", (), {"name": name, "scope": ""})
    assert SpanPattern(pattern).matches(one) == (wanted or not pattern)


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ({"a": [{"b": 1}]}, "a.0.b", 1), ({"a": [1, 2]}, "a.-1", 2), ({"a": [1]}, "a.1", None),
        ('{"a": "{\\"b\\": 2}"}', "a.b", 2), ("no JSON", "a", None), ({"a": 1}, "a.b", None),
        ([1], "-2", None), ({"0": "x"}, "0", "x"), ([1], "9" * 300, None), ([1], "--1", None), ([1], "²", None),
    ],
)  # fmt: skip
def test_a_path_leads_to_one_value_or_none(value: object, path: str, found: object) -> None:
    assert value_at(value, tuple(path.split("."))) == found
