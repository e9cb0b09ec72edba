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
_IMPLYING: Final = frozenset(attribute for attribute, _ in _IMPLIED)
_NAME_PREFIXES: Final = tuple(prefix for one in _STATING for prefix in one.name_prefixes)
_BY_ATTRIBUTE: Final = {
    attribute: tuple(one for one in _STATING if attribute == one.attribute or attribute in one.present)
    for told in _STATING
    for attribute in (told.attribute, *told.present)
    if attribute
}
_SAYING: Final = frozenset(_BY_ATTRIBUTE)


def operation_of(span: SpanView) -> Operation | None:
    """Return what a span did, None for a span of another kind (HTTP, database, own code).

    What any dialect says outright counts before what another's attributes only imply; of a span that says that it did
    something else, nothing is implied.
    """
    other = False
    for names in _may_state(span):
        if stated := _stated(span, names):
            return stated
        if names.closed and span.has(names.attribute):
            if names.spoken and all(span.has(attribute) for attribute in names.spoken):
                return Operation.CHAT
            other = True
    if other:
        return Operation.OTHER
    if _IMPLYING.isdisjoint(span.attributes):
        return None
    return next((operation for attribute, operation in _IMPLIED if span.has(attribute)), None)


def _may_state(span: SpanView) -> tuple[OperationNames, ...]:
    """Return the conventions in which a span may say outright what it did: most spans have a word of one alone."""
    if span.events or span.name.startswith(_NAME_PREFIXES):
        return _STATING
    said = _SAYING.intersection(span.attributes)
    if len(said) > 1:
        return _STATING
    return next((_BY_ATTRIBUTE[attribute] for attribute in said), ())


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
