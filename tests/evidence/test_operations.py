"""What a span did is what the most telling convention says outright, whichever others it speaks as well."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final, NamedTuple

from evidence.semconv.dialects import DIALECTS, Operation
from evidence.semconv.span_view import FlagSink, SpanView
from tests.evidence.semconv_spans import make_span


class _Statement(NamedTuple):
    place: int  # of its convention, in the order in which they are believed
    columns: dict[str, Any]
    operation: Operation


def _statements() -> Iterator[_Statement]:
    for place, dialect in enumerate(DIALECTS):
        names = dialect.operations
        for attribute, operation in names.present.items():
            yield _Statement(place, {"attributes": {attribute: "x"}}, operation)
        for prefix, operation in names.name_prefixes.items():
            yield _Statement(place, {"name": f"{prefix}x"}, operation)
        for event, operation in names.events.items():
            yield _Statement(place, {"events": [{"name": event, "attributes": {}}]}, operation)
        for value, operation in names.values.items():
            yield _Statement(place, {"attributes": {names.attribute: value}}, operation)


STATEMENTS: Final = tuple(_statements())


def _operation_of(**columns: Any) -> Operation | None:
    return SpanView.of(make_span("00000000000000b1", **columns), FlagSink()).operation


def test_each_statement_is_understood_by_itself() -> None:
    assert len(STATEMENTS) > 50
    assert [(one, _operation_of(**one.columns)) for one in STATEMENTS] == [
        (one, one.operation) for one in STATEMENTS
    ]


def test_of_two_statements_that_of_the_more_telling_convention_counts() -> None:
    for first, second in combinations(STATEMENTS, 2):
        if first.place == second.place:
            continue
        both = {**second.columns, **first.columns}
        if first.columns.keys() == second.columns.keys() == {"attributes"}:
            both["attributes"] = {**second.columns["attributes"], **first.columns["attributes"]}
        assert _operation_of(**both) is first.operation, (first, second)


def test_what_another_convention_implies_does_not_count_beside_a_statement() -> None:
    implied = {
        key: operation for dialect in DIALECTS for key, operation in dialect.operations.implied.items()
    }
    assert {_operation_of(attributes={key: "x"}) for key in implied} == set(implied.values())
    for attribute in implied:
        told = {attribute: "x", "gen_ai.operation.name": "execute_tool"}
        assert _operation_of(attributes=told) is Operation.TOOL
        assert _operation_of(attributes={**told, "gen_ai.operation.name": "unheard of"}) is Operation.OTHER


def test_a_span_that_says_nothing_did_another_thing() -> None:
    assert _operation_of(attributes={"http.request.method": "POST"}) is None
