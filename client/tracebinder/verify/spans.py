"""A trace is what its spans say: their digests are made again, and the trace's from theirs. Step 6.

`traces.jsonl` and `spans.jsonl` are in one order, so both are read once, side by side. Binders from before traces named
their spans have no `spanIds`: of those each span is digested again, and which belong to a trace is not told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timezone
from itertools import groupby
from typing import Final

from tracebinder.verify.bag import Bag
from tracebinder.verify.canonical import NoCanonicalForm, canonical_json
from tracebinder.verify.container import Container
from tracebinder.verify.errors import BinderFailed, BinderMalformed, BinderUnverifiable
from tracebinder.verify.lines import objects_in
from tracebinder.verify.meaning import REDACTIONS
from tracebinder.verify.strict_json import (
    JsonObject,
    objects_at,
    parse_object,
    same_json,
    text_at,
    texts_at,
    time_at,
    whole_at,
)

TRACES: Final = "data/traces/traces.jsonl"
SPANS: Final = "data/traces/spans.jsonl"

# What a span is digested over in format 2; docs/decisions/0023-span-digests.md.
_DIGESTED: Final = (
    "attributes", "endNs", "events", "kind", "links", "name", "parentSpanId", "resource", "scope", "spanId", "startNs",
    "statusCode", "statusMessage", "traceId",
)  # fmt: skip
_FROM_MESSAGE, _FROM_CONTENT = 1, 2  # digest formats: the first is over bytes that nobody has any more
_MONTH: Final = re.compile(r"[0-9]{4}_[0-9]{2}\Z")  # a partition of spans ends with its month
_ERASED_TEXT: Final = "[erased]"
_ERASED_OBJECT: Final = {"tracebinder.erased": True}


@dataclass(slots=True)
class SpansChecked:
    """How many spans were digested again, and how many could not be, by the reason."""

    again: int = 0
    erased: int = 0
    old: int = 0  # digested in format 1
    gone: int = 0  # with their retention period
    unnamed: int = 0  # of traces that name no spans

    def __str__(self) -> str:
        other = {
            "erased": self.erased, "of an old digest format": self.old, "gone by retention": self.gone,
            "of traces that name none": self.unnamed,
        }  # fmt: skip
        return ", ".join(
            [f"{self.again} spans digested again", *(f"{n} {why}" for why, n in other.items() if n)]
        )


@dataclass(frozen=True, slots=True)
class Redactions:
    """What the binder says is no longer there."""

    erased: frozenset[str] | None = None  # traces; None: binders did not list them yet
    months: frozenset[str] = frozenset()  # of spans, in UTC, as 2026_11

    def may_be_erased(self, trace_id: object) -> bool:
        """Whether the payload of this trace may be gone."""
        return self.erased is None or (isinstance(trace_id, str) and trace_id in self.erased)

    def may_be_gone(self, trace: JsonObject) -> bool:
        """Whether a month in which spans of this trace may have begun is gone."""
        times = (
            time_at(trace, key, member=TRACES).astimezone(timezone.utc) for key in ("startedAt", "endedAt")
        )
        first, last = (f"{moment.year:04}_{moment.month:02}" for moment in times)
        return any(first <= month <= last for month in self.months)


def check_spans(container: Container, bag: Bag, *, must_name: bool) -> SpansChecked:
    """Digest each span again, and each trace from its spans.

    Args:
        must_name: each trace names its spans in this version of the format, be it that it names none.

    Raises:
        BinderFailed: a span or a trace is not what was digested, or a span is missing, or there is one too many.
        BinderMalformed: one of the files is not in the form of the format.
        BinderUnverifiable: a span is digested in a newer way.
    """
    found = SpansChecked()
    if absent := {TRACES, SPANS} - set(bag.digests):
        if must_name:
            raise BinderFailed("is left out, and belongs to every binder of this version", member=min(absent))
        return found
    if not must_name and not _name_their_spans(container):
        for span in objects_in(container, SPANS):
            _check_span(span, Redactions(), found)
        return found
    redactions = read_redactions(container, bag)
    groups = groupby(objects_in(container, SPANS), key=lambda span: text_at(span, "traceId", member=SPANS))
    current = next(groups, None)
    for trace in objects_in(container, TRACES):
        if current is not None and current[0] == trace.get("traceId"):
            _check_trace(trace, current[1], redactions, found)
            current = next(groups, None)
        else:
            _check_trace(trace, (), redactions, found)
    if current is not None:
        raise BinderFailed(
            f"spans of {current[0]} are of no trace here, or not in the traces' order", member=SPANS
        )
    return found


def _name_their_spans(container: Container) -> bool:
    return any("spanIds" in trace for trace in objects_in(container, TRACES))


def _check_trace(
    trace: JsonObject, spans: Iterable[JsonObject], redactions: Redactions, found: SpansChecked
) -> None:
    trace_id = text_at(trace, "traceId", member=TRACES)
    pairs = [(text_at(span, "spanId", member=SPANS), _check_span(span, redactions, found)) for span in spans]
    named = _span_ids(trace)
    if named is None:
        found.unnamed += len(pairs)
        return
    present = {span_id for span_id, _ in pairs}
    if len(named) != whole_at(trace, "spanCount", member=TRACES) or len(set(named)) != len(named):
        raise BinderFailed(f"trace {trace_id} names other spans than it counts", member=TRACES)
    if len(present) != len(pairs) or not present <= set(named):
        raise BinderFailed(f"holds a span that trace {trace_id} was not sealed from", member=SPANS)
    if missing := sorted(set(named) - present):
        if not redactions.may_be_gone(trace):
            raise BinderFailed(
                f"lacks span {missing[0]} of trace {trace_id}, and nothing says why", member=SPANS
            )
        found.gone += len(missing)
    elif _digest_of_trace(pairs) != text_at(trace, "digest", member=TRACES):
        raise BinderFailed(f"trace {trace_id} is not what its spans digest to", member=TRACES)


def _span_ids(trace: JsonObject) -> list[str] | None:
    if "spanIds" not in trace:
        raise BinderFailed("a trace does not say which spans it was sealed from", member=TRACES)
    if trace["spanIds"] is None:
        return None
    return texts_at(trace, "spanIds", member=TRACES)


def _digest_of_trace(pairs: Iterable[tuple[str, str]]) -> str:
    return hashlib.sha256(canonical_json({"spans": [list(pair) for pair in sorted(pairs)]})).hexdigest()


def _check_span(span: JsonObject, redactions: Redactions, found: SpansChecked) -> str:
    """Return the digest of a span, made again where it can be."""
    digest = text_at(span, "digest", member=SPANS)
    span_id, digest_format = text_at(span, "spanId", member=SPANS), span.get("digestFormat", _FROM_MESSAGE)
    if type(digest_format) is not int or digest_format not in (_FROM_MESSAGE, _FROM_CONTENT):
        raise BinderUnverifiable(f"span digests of format {digest_format!r} are not known", member=SPANS)
    if digest_format == _FROM_MESSAGE:
        found.old += 1
    elif _digest_of_content(span) == digest:
        found.again += 1
    elif redactions.may_be_erased(span.get("traceId")) and _is_erased(span):
        found.erased += 1
    else:
        raise BinderFailed(f"span {span_id} is not what was digested", member=SPANS)
    return digest


def _digest_of_content(span: JsonObject) -> str:
    try:
        return hashlib.sha256(canonical_json({key: span.get(key) for key in _DIGESTED})).hexdigest()
    except (NoCanonicalForm, RecursionError) as exc:
        raise BinderMalformed(f"a span cannot be digested: {exc}", member=SPANS) from exc


def _is_erased(span: JsonObject) -> bool:
    """Whether nothing is left of what the span said: each part is empty, or says that it was erased."""
    texts = all(span.get(key) in ("", _ERASED_TEXT) for key in ("name", "statusMessage"))
    objects = all(_is_erased_object(span.get(key)) for key in ("attributes", "resource", "scope"))
    return texts and objects and all(_is_erased_list(span.get(key)) for key in ("events", "links"))


def _is_erased_object(value: object) -> bool:
    return same_json(value, {}) or same_json(value, _ERASED_OBJECT)


def _is_erased_list(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict) and set(item) == {"code", "detail"} and item["detail"] == _ERASED_TEXT
        for item in value
    )


def read_redactions(container: Container, bag: Bag) -> Redactions:
    """Return what the binder says is no longer there of traces and their spans."""
    if REDACTIONS not in bag.digests:
        return Redactions(erased=frozenset())
    listed = objects_at(
        parse_object(container.read(REDACTIONS), member=REDACTIONS), "redactions", member=REDACTIONS
    )
    of_spans = [one for one in listed if f"data/{one.get('path')}" == SPANS]
    months = (_MONTH.search(partition) for partition in _pointers(of_spans, "retention"))
    return Redactions(
        erased=frozenset(_pointers(of_spans, "erasure")),
        months=frozenset(month[0] for month in months if month is not None),
    )


def _pointers(listed: Iterable[JsonObject], reason: str) -> Iterator[str]:
    return (text_at(one, "pointer", member=REDACTIONS) for one in listed if one.get("reasonCode") == reason)
