"""What an application says of its own answer: claims with citations, confidence factors, limitations.

Each item is read by itself: a bad one is flagged, the rest is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from evidence.semconv.dialects.tracebinder import CLAIMS, CONFIDENCE, LIMITATIONS
from evidence.semconv.draft import CitationDraft, ClaimDraft
from evidence.semconv.parts import check_declared
from evidence.semconv.span_view import SpanView, finite_number

_DIRECTIONS: Final = frozenset({"raises", "lowers"})


def read_claims(span: SpanView, answer: str, limits: Mapping[str, int]) -> tuple[ClaimDraft, ...]:
    """Return the claims a span declares, in the order sent.

    Raises:
        TooManyParts: as `check_declared` does.
    """
    items = span.json_list(CLAIMS)
    check_declared(items, limits)
    claims = (_read_claim(span, answer, number, item) for number, item in enumerate(items))
    return tuple(claim for claim in claims if claim is not None)


def read_confidence(span: SpanView) -> tuple[dict[str, Any], ...]:
    """Return the confidence factors a span declares: each says what it is and which way it moves."""
    kept = []
    for number, item in enumerate(span.json_list(CONFIDENCE)):
        problem = _confidence_problem(item)
        if problem:
            span.flags.add("malformed_attribute", f"{CONFIDENCE}[{number}]: {problem}", span.span_id)
        else:
            kept.append(dict(item))
    return tuple(kept)


def read_limitations(span: SpanView) -> tuple[str, ...]:
    """Return the limitations a span declares: an array of texts, JSON of one, or a single text."""
    value = span.attributes.get(LIMITATIONS)
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return (value,) if value.strip() else ()
    kept = []
    for number, item in enumerate(span.json_list(LIMITATIONS)):
        if isinstance(item, str) and item.strip():
            kept.append(item)
        else:
            span.flags.add("malformed_attribute", f"{LIMITATIONS}[{number}] is no text", span.span_id)
    return tuple(kept)


def _confidence_problem(item: object) -> str:
    if not isinstance(item, Mapping):
        return "is no object"
    if not isinstance(item.get("factor"), str) or not item["factor"]:
        return "has no factor"
    if item.get("direction") not in _DIRECTIONS:
        return "direction is neither raises nor lowers"
    value = item.get("value")
    return (
        "" if isinstance(value, str) or finite_number(value) is not None else "value is no number and no text"
    )


def _read_claim(span: SpanView, answer: str, number: int, item: object) -> ClaimDraft | None:
    place = f"{CLAIMS}[{number}]"
    if not isinstance(item, Mapping):
        span.flags.add("malformed_attribute", f"{place} is no object", span.span_id)
        return None
    start, end = _whole(item.get("start")), _whole(item.get("end"))
    text = item.get("text")
    if not isinstance(text, str) or not text.strip():
        text = answer[start:end] if start is not None and end is not None else ""
    if not text.strip():
        span.flags.add("malformed_attribute", f"{place} has no text", span.span_id)
        return None
    start, end = _place(span, answer, place, text, start, end)
    material = item.get("material")
    if material is not None and not isinstance(material, bool):
        span.flags.add("malformed_attribute", f"{place}.material is neither true nor false", span.span_id)
        material = None
    return ClaimDraft(text, start, end, material, _read_citations(span, place, item.get("citations")))


def _place(
    span: SpanView, answer: str, place: str, text: str, start: int | None, end: int | None
) -> tuple[int, int]:
    """Return where a claim stands in the answer: as declared if true, else where its text is found."""
    if start is not None and end is not None and start < end and answer[start:end] == text:
        return start, end
    found = answer.find(text)
    if found >= 0:
        if start is not None or end is not None:
            detail = f"{place} says [{start}, {end}), its text stands at [{found}, {found + len(text)})"
            span.flags.add("claim_moved", detail, span.span_id)
        return found, found + len(text)
    span.flags.add("claim_not_in_answer", f"{place}: the answer does not hold this text", span.span_id)
    return 0, 0


def _read_citations(span: SpanView, place: str, items: object) -> tuple[CitationDraft, ...]:
    if items is None:
        return ()
    if not isinstance(items, list):
        span.flags.add("malformed_attribute", f"{place}.citations is no list", span.span_id)
        return ()
    citations = []
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            span.flags.add("malformed_attribute", f"{place}.citations[{number}] is no object", span.span_id)
            continue
        citations.append(
            CitationDraft(
                document_ref=_string(span, f"{place}.citations[{number}].document", item.get("document")),
                index_key=_string(span, f"{place}.citations[{number}].index", item.get("index", "")),
                quote=_quote(span, f"{place}.citations[{number}].quote", item.get("quote", "")),
                start=_whole(item.get("start")),
            )
        )
    return tuple(citations)


def _string(span: SpanView, place: str, value: object) -> str:
    """Return an id; anything but a text or a whole number is flagged and empty, which resolves to nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        span.flags.add("malformed_attribute", f"{place} is no id", span.span_id)
        return ""
    return span.cut(str(value), place)


def _quote(span: SpanView, place: str, value: object) -> str:
    if isinstance(value, str):
        return value
    span.flags.add("malformed_attribute", f"{place} is no text", span.span_id)
    return ""


def _whole(value: object) -> int | None:
    """Return a non-negative whole number, None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None
