"""What a span did, whichever convention it was written in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evidence.semconv.dialects import DIALECTS, Operation
from evidence.semconv.dialects.contract import OperationNames

if TYPE_CHECKING:
    from evidence.semconv.span_view import SpanView

_NAMES: Final = tuple(dialect.operations for dialect in DIALECTS)
_STATING: Final = tuple(
    one for one in _NAMES if one.present or one.name_prefixes or one.events or one.attribute
)
_IMPLIED: Final = tuple(pair for one in _NAMES for pair in one.implied.items())


def operation_of(span: SpanView) -> Operation | None:
    """Return what `SpanView.operation` keeps.

    What any dialect says outright counts before what another's attributes only imply; of a span that says that it did
    something else, nothing is implied.
    """
    other = False
    for names in _STATING:
        if stated := _stated(span, names):
            return stated
        other = other or (names.closed and span.has(names.attribute))
    if other:
        return Operation.OTHER
    return next((operation for attribute, operation in _IMPLIED if span.has(attribute)), None)


def _stated(span: SpanView, names: OperationNames) -> Operation | None:
    for attribute, operation in names.present.items():
        if span.has(attribute):
            return operation
    for prefix, operation in names.name_prefixes.items():
        if span.name.startswith(prefix):
            return operation
    for event in span.events if names.events else ():
        if told := names.events.get(str(event.get("name"))):
            return told
    if not names.attribute:
        return None
    value = span.attributes.get(names.attribute)
    if not isinstance(value, str) or not value:
        return None
    return names.values.get(value.upper() if names.in_capitals else value)
