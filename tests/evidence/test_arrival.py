"""Which version of a span stands, and what its log events say, does not depend on the order in which they came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.semconv.arrival import settle

VALUES: st.SearchStrategy[Any] = st.sampled_from(["", "[]", "a", "longer", None, [], 0, False])
SAID = st.tuples(st.integers(1, 3), st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3))


def row(span_id: str, end: int, attributes: dict[str, Any], parent: str = "") -> dict[str, Any]:
    return {
        "span_id": span_id, "parent_span_id": parent, "name": "chat", "start_ns": 1, "end_ns": end, "events": [],
        "attributes": attributes, "digest": f"{end}{sorted(attributes.items(), key=str)}",
    }  # fmt: skip


def version(number: int, end: int, attributes: dict[str, Any]) -> dict[str, Any]:
    mark = {"tracebinder.version_of": {"span_id": "s", "parent_span_id": ""}}
    return row(f"v{number}", end, {**attributes, **mark}, parent="s")


@given(st.lists(SAID, min_size=2, max_size=4), st.data())
def test_any_order_gives_the_same_span(said: list[tuple[int, dict[str, Any]]], data: st.DataObject) -> None:
    stored = [row("s", *said[0]), *(version(number, *one) for number, one in enumerate(said[1:]))]
    shuffled = data.draw(st.permutations(stored))
    expected, found = settle(stored), settle(shuffled)
    assert (found.spans, found.flags, found.named) == (expected.spans, expected.flags, expected.named)
    (span,) = found.spans
    assert (span["span_id"], span["parent_span_id"], len(found.named)) == ("s", "", len(stored))
    assert span["end_ns"] == max(end for end, _ in said)


@given(st.lists(SAID, min_size=2, max_size=4), st.data())
def test_it_does_not_depend_on_which_was_stored_first(
    said: list[tuple[int, dict[str, Any]]], data: st.DataObject
) -> None:
    def read(order: list[tuple[int, dict[str, Any]]]) -> tuple[int, dict[str, Any]]:
        rows = [row("s", *order[0]), *(version(number, *one) for number, one in enumerate(order[1:]))]
        (span,) = settle(rows).spans
        return span["end_ns"], span["attributes"]

    ranks = [(end, sum(value not in ("", "[]", None, []) for value in held.values())) for end, held in said]
    first, again = read(said), read(data.draw(st.permutations(said)))
    assert first[0] == again[0]
    if ranks.count(max(ranks)) == 1:
        assert first == again == said[ranks.index(max(ranks))]


def test_log_events_stand_in_the_order_of_their_times() -> None:
    def logged(number: int, at: int) -> dict[str, Any]:
        mark = {
            "tracebinder.log_event": {"name": "gen_ai.choice"},
            "tracebinder.log_body": {"content": str(at)},
        }
        return {**row(f"e{number}", at, mark, parent="s"), "start_ns": at, "name": "gen_ai.choice"}

    arrived = settle([logged(1, 9), row("s", 5, {}), logged(2, 7)])
    (span,) = arrived.spans
    assert [event["attributes"] for event in span["events"]] == [{"content": "7"}, {"content": "9"}]
    assert len(arrived.named) == 3


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"role": "user", "content": "What now?"}', {"role": "user", "content": "What now?"}),
        ("What now?", {"content": "What now?"}),
        ('{"a": "form that a person filled in"}', {"content": '{"a": "form that a person filled in"}'}),
        ("{not JSON}", {"content": "{not JSON}"}),
    ],
)
def test_a_message_that_a_logger_wrote_as_text_is_a_message(body: str, said: dict[str, Any]) -> None:
    mark = {"tracebinder.log_event": {"name": "gen_ai.user.message"}, "tracebinder.log_body": body}
    (span,) = settle([row("s", 5, {}), row("e", 5, mark, parent="s")]).spans
    assert [event["attributes"] for event in span["events"]] == [said]


def test_spans_with_nothing_beside_them_are_read_as_they_are() -> None:
    rows = [row("s", 5, {"a": "b"}), row("t", 5, {}, parent="s")]
    arrived = settle(rows)
    assert (arrived.spans, arrived.flags, arrived.named) == (rows, (), ())


@pytest.mark.parametrize("parent", ["elsewhere", "s"])
def test_a_remote_parent_counts_only_where_it_is_not_here(parent: str) -> None:
    remote = row("t", 5, {"otel.parent_is_remote": True}, parent=parent)
    arrived = settle([remote, row("s", 5, {}, parent="q")])
    assert [span["parent_span_id"] for span in arrived.spans] == ["" if parent == "elsewhere" else "s", "q"]
