"""What stands in the spans of a trace where the system says that it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from evidence.otlp.values import BLOB_KEY
from evidence.semconv.documents import documents_among
from evidence.semconv.draft import Candidate, RetrievalDraft, Rule, Source, Told
from evidence.semconv.helpers import Purpose
from evidence.semconv.settling import as_one_text
from evidence.semconv.span_view import FlagSink, SpanView
from evidence.semconv.steps import Step
from evidence.semconv.system_reading import DocumentPlace, SystemReading, TextPlace, as_json, value_at
from evidence.semconv.values import read_value

_DOCUMENT_KEYS: Final = ("id", "content", "score")  # by which a document's parts are known, the first of each


def placed_text(steps: Iterable[Step], places: Sequence[TextPlace], role: str) -> Told | None:
    """Return what the first place that holds a text holds; several texts as one that is ambiguous, none as None.

    Args:
        steps: in time; those that are left out are not looked at.
        role: USER for a question, ASSISTANT for an answer.
    """
    if not places:
        return None
    heard = [step.span for step in steps if step.purpose is not Purpose.LEFT_OUT]
    for place in places:
        told = [told for span in heard if (told := _text_in(span, place, role))]
        if told:
            return as_one_text(told)
    return None


def with_placed_documents(
    steps: Iterable[Step], reading: SystemReading, retrievals: tuple[RetrievalDraft, ...]
) -> tuple[RetrievalDraft, ...]:
    """Return the documents that were found, those of each span that the reading names as the reading says."""
    found: dict[str, tuple[RetrievalDraft, ...]] = {}
    for step in steps if reading.documents else ():
        if step.purpose is Purpose.LEFT_OUT:
            continue
        told = next((one for place in reading.documents if (one := _documents_in(step.span, place))), ())
        if told:
            found[step.span.span_id] = told
    others = tuple(one for one in retrievals if one.span_id not in found)
    return (*others, *(one for told in found.values() for one in told))


def flag_unplaced(what: str, flags: FlagSink) -> None:
    """Flag that nothing stands where the system says that something does, so that it is read as in any trace.

    Args:
        what: the question, the answer, a turn.
    """
    flags.add("reading_found_nothing", f"the system's reading says where {what} stands; nothing stands there")


def flag_all_left_out(outermost: Sequence[Step], flags: FlagSink) -> None:
    """Flag that the system leaves out every step of a trace, so that nothing of it can be told."""
    if all(step.purpose is Purpose.LEFT_OUT for step in outermost):
        flags.add("reading_leaves_out_all", "the system's reading leaves out every step of this trace")


def as_candidates(told: Told) -> tuple[Candidate, ...]:
    """Return a text and all that could have been it."""
    own = (Candidate(told.text, told.source),) if told.text and told.source else ()
    return (*own, *told.others)


def _text_in(span: SpanView, place: TextPlace, role: str) -> Told | None:
    value = _value_in(span, place)
    if value is None or value == "":
        return None
    messages = read_value(value, role)
    if messages is None:
        detail = f"{place.attribute}: what the system's reading names is in no form that is known"
        span.flags.add("reading_unreadable", detail, span.span_id)
        return None
    text = next((one.text for one in reversed(messages) if one.role == role and one.text), "")
    return Told(text, Source(span.span_id, place.attribute, Rule.READING)) if text else None


def _value_in(span: SpanView, place: TextPlace) -> Any:
    """Return what stands at a place of a span, None where it is another span or nothing stands there."""
    value = span.attributes.get(place.attribute)
    if value is None or not place.spans.matches(span):
        return None
    if isinstance(value, dict) and BLOB_KEY in value:
        span.flags.add(
            "value_in_blob", f"{place.attribute} was too large and is kept as a blob", span.span_id
        )
        return None
    return value_at(value, place.path)


def _documents_in(span: SpanView, place: DocumentPlace) -> tuple[RetrievalDraft, ...]:
    value = _value_in(span, place.at)
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        value = as_json(value)
    rows = value if isinstance(value, list) else [value]
    source = Source(span.span_id, place.at.attribute, Rule.READING)
    return tuple(documents_among(span, [_with_named_parts(row, place) for row in rows if row], source))


def _with_named_parts(row: Any, place: DocumentPlace) -> Any:
    """Return a document with those of its parts that the place names under the keys by which they are known."""
    if not isinstance(row, dict):
        return row
    parts = zip(_DOCUMENT_KEYS, (place.id, place.text, place.score), strict=True)
    named = {key: value_at(row, path) for key, path in parts if path}
    return {**row, **{key: value for key, value in named.items() if value is not None}}
