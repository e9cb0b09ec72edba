"""The documents a retrieval found: each keeps its rank, its text and its score, with or without an id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from evidence.semconv.dialects import DIALECTS, Meaning, Operation, attributes_for, version_attributes
from evidence.semconv.dialects.contract import Documents
from evidence.semconv.draft import RetrievalDraft, Rule, Source
from evidence.semconv.messages import USER, squeeze
from evidence.semconv.span_view import LABEL_LENGTH, SpanView, finite_number
from evidence.semconv.spelling import parse_said
from evidence.semconv.steps import Step
from evidence.semconv.values import read_value

_QUERY: Final = attributes_for(Meaning.RETRIEVAL_QUERY)
_INDEX: Final = version_attributes("index").name
_FOUND: Final = tuple(dialect.documents for dialect in DIALECTS)
_IDS: Final = ("id", "document_id", "doc_id", "id_", "node_id")
_METADATA_IDS: Final = (*_IDS, "source", "file_name", "file_path", "url", "uri")
_TEXTS: Final = ("content", "text", "page_content", "document", "chunk", "body")
_SCORES: Final = ("score", "relevance_score", "similarity", "_score")
_LISTS: Final = ("documents", "results", "matches", "nodes", "hits", "data")


class _Document(NamedTuple):
    ref: str
    text: str
    score: float | None


def read_retrievals(steps: Iterable[Step]) -> tuple[RetrievalDraft, ...]:
    """Return the documents that retrievals returned, best first, in the order a reranker gave them."""
    found: list[RetrievalDraft] = []
    steps = list(steps)
    told_by_another = _told_by_another(steps)
    for step in steps:
        if step.operation is Operation.RETRIEVAL:
            found += [] if id(step) in told_by_another else _retrieved_by(step.span)
        elif step.operation is Operation.RERANK:
            found = _reranked(found, step.span)
    return tuple(found)


def _told_by_another(steps: Sequence[Step]) -> set[int]:
    """Return the retrievals, by `id`, that a retrieval around them or inside of them tells with its documents."""
    told: set[int] = set()
    for step in steps:
        above = step.parent
        while above is not None and above.operation is not Operation.RETRIEVAL:
            above = above.parent
        if above is None or step.operation is not Operation.RETRIEVAL:
            continue
        if _rows(above.span, _FOUND)[0]:
            told.add(id(step))
        elif _rows(step.span, _FOUND)[0]:
            told.add(id(above))
    return told


def _retrieved_by(span: SpanView) -> list[RetrievalDraft]:
    rows, attribute = _rows(span, _FOUND)
    if not rows:
        span.flags.add("retrieval_empty", "the retrieval returned no document", span.span_id)
    return documents_among(span, rows, Source(span.span_id, attribute, Rule.STATED))


def documents_among(span: SpanView, rows: Sequence[Any], source: Source) -> list[RetrievalDraft]:
    """Return the documents that a span holds as these rows, best first; a row that says nothing is flagged."""
    query, index_key = _query_of(span), span.label(*_INDEX)
    found = []
    for rank, row in enumerate(rows):
        document = _read_document(span, row)
        if document is None:
            detail = f"{source.attribute}: document {rank} says nothing"
            span.flags.add("malformed_attribute", detail, span.span_id)
            continue
        if not document.ref:
            detail = f"{source.attribute}: document {rank} has no id and is known by its place"
            span.flags.add("document_without_id", detail, span.span_id)
        found.append(
            RetrievalDraft(
                span.span_id, query, index_key, rank, document.score, document.ref, document.text, source
            )
        )
    return found


def _query_of(span: SpanView) -> str:
    """Return what was searched for: the words of it, where a library put its whole input there as JSON."""
    text = span.text(*_QUERY)
    messages = read_value(text, USER)
    return messages[-1].text if messages else text


def _reranked(found: Sequence[RetrievalDraft], span: SpanView) -> list[RetrievalDraft]:
    """Return the documents found, those that a reranker kept first and in its order: the same documents as before."""
    rows, attribute = _rows(span, _FOUND)
    left = list(found)
    first: list[RetrievalDraft] = []
    for row in rows:
        document = _read_document(span, row)
        if document is None:
            continue
        same = next((one for one in left if _is_same(one, document)), None)
        if same is None:
            source = Source(span.span_id, attribute, Rule.STATED)
            query = _query_of(span)
            first.append(
                RetrievalDraft(
                    span.span_id, query, "", 0, document.score, document.ref, document.text, source
                )
            )
        else:
            left.remove(same)
            first.append(same if document.score is None else replace(same, score=document.score))
    return [replace(one, rank=rank) for rank, one in enumerate([*first, *left])] if first else left


def _is_same(one: RetrievalDraft, document: _Document) -> bool:
    if one.document_ref and document.ref:
        return one.document_ref == document.ref
    return bool(document.text) and squeeze(one.text) == squeeze(document.text)


def _rows(span: SpanView, places: Iterable[Documents]) -> tuple[list[Any], str]:
    """Return the documents as sent and where they stood: those of the most telling place that has any."""
    first = ""
    for place in places:
        for prefix in place.indexed:
            if rows := span.indexed(prefix):
                return [_unprefixed(row, place.key_prefix) for row in rows], prefix
        for key in place.attributes:
            if span.has(key):
                first = first or key
                if rows := _listed(span, key):
                    return rows, key
        if span.events and place.events and (told := _from_events(span, place.events)):
            return told
    return [], first


def _from_events(span: SpanView, events: Mapping[str, str]) -> tuple[list[Any], str] | None:
    rows, seen = [], ""
    for event in span.events:
        name, attributes = event.get("name"), event.get("attributes")
        if isinstance(name, str) and name in events and isinstance(attributes, Mapping):
            rows.append(_unprefixed(attributes, events[name]))
            seen = name
    return (rows, f"event:{seen}") if rows else None


def _listed(span: SpanView, key: str) -> list[Any]:
    value = span.json(key)
    if isinstance(value, Mapping):
        value = next((value[name] for name in _LISTS if isinstance(value.get(name), list)), value)
    if isinstance(value, list):
        return value
    if value is not None:
        span.flags.add("malformed_attribute", f"{key} is no list", span.span_id)
    return []


def _unprefixed(row: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in row.items()}


def _read_document(span: SpanView, row: Any) -> _Document | None:
    """Return a document as a library writes it: an id alone, a text alone, or an object with some of both."""
    if isinstance(row, str | int) and not isinstance(row, bool) and row != "":
        text = str(row)
        return _Document("", text, None) if _is_wording(text) else _named(span, text, "", None)
    if not isinstance(row, dict):
        return None
    node = row.get("node")
    if isinstance(node, dict):
        row = {**node, **row}
    metadata = row.get("metadata")
    if isinstance(metadata, str):
        metadata = _parsed(metadata)
    if not isinstance(metadata, dict):
        metadata = {}
    ref = _first_id(row, _IDS) or _first_id(metadata, _METADATA_IDS) or _first_place(row.get("location"))
    text = _first_text(row)
    score = _first_number(row, _SCORES)
    if score is None and metadata:
        score = _first_number(metadata, _SCORES)
    return _named(span, ref, text, score) if ref or text or score is not None else None


def _is_wording(text: str) -> bool:
    """Whether a text alone is what a document says, and not its id: Chinese has no spaces, and has its own stops."""
    return any(char.isspace() or char in "，。；：？！、" for char in text) or len(text) > LABEL_LENGTH


def _named(span: SpanView, ref: str, text: str, score: float | None) -> _Document:
    return _Document(span.cut(ref, "document id") if ref else "", text, score)


def _first_id(row: Mapping[str, Any], keys: Iterable[str]) -> str:
    for key in keys:
        value = row.get(key)
        if value is not None and isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def _first_text(row: Mapping[str, Any]) -> str:
    for key in _TEXTS:
        held = row.get(key)
        if isinstance(held, dict):
            held = held.get("text")  # Bedrock's knowledge bases
        if isinstance(held, str) and held:
            return held
    return ""


def _first_place(location: Any) -> str:
    """Return where a document of Bedrock's knowledge bases lies: an object by the kind of place, where it is one."""
    places = (
        [place for place in location.values() if isinstance(place, dict)]
        if isinstance(location, dict)
        else []
    )
    return _first_id(places[0], ("uri", "url", "id")) if len(places) == 1 else ""


def _first_number(row: Mapping[str, Any], keys: Iterable[str]) -> float | None:
    for key in keys:
        if key in row and (number := finite_number(row[key])) is not None:
            return number
    return None


def _parsed(text: str) -> Any:
    try:
        return parse_said(text)
    except (ValueError, RecursionError):
        return None
