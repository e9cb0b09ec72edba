"""The tab of the path: the spans of the trace as a waterfall, and what the chosen one was given and gave."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.display import drawing, list_url
from evidence.drawings import span_bar
from evidence.pages.review_desk.address import AT, ROW, SPAN, Part, Tab, read_number, read_part
from evidence.pages.review_desk.looking import Looking
from evidence.pages.review_desk.windows import Piece, Window, cut_window
from evidence.selectors.trace_spans import MOST, PathSpan, read_path, read_short_attributes, read_span
from evidence.semconv.dialects import Meaning, Operation, attributes_for
from evidence.semconv.hearing import Heard, hear_answered, hear_asked
from evidence.semconv.messages import Message
from evidence.semconv.span_view import FlagSink, SpanView
from evidence.services.assembly import find_large_values

_AT_ONCE: Final = 200  # spans on a page
_DEEPEST: Final = 12  # steps of indentation that are drawn
_FIRST_READ, _READ_ON = 4_000, 40_000  # characters of one side of a span: beside the other, and by itself
_ERROR: Final = 2  # OTLP status code
_MOST_FAILED: Final = 5  # failed spans that are named before all
_INPUT_TOKENS: Final = attributes_for(Meaning.INPUT_TOKENS)
_OUTPUT_TOKENS: Final = attributes_for(Meaning.OUTPUT_TOKENS)
# Where a span holds what it was given and gave, if it is no message.
_GIVEN: Final[Mapping[Part, tuple[str, ...]]] = {
    Part.INPUT: (
        *attributes_for(Meaning.TOOL_ARGUMENTS),
        *attributes_for(Meaning.RETRIEVAL_QUERY),
        *attributes_for(Meaning.INPUT_TEXT),
    ),
    Part.OUTPUT: (*attributes_for(Meaning.TOOL_RESULT), *attributes_for(Meaning.OUTPUT_TEXT)),
}
_TITLES: Final[Mapping[Part, StrOrPromise]] = {
    Part.INPUT: gettext_lazy("What it was given"),
    Part.OUTPUT: gettext_lazy("What it gave"),
}
_KINDS: Final[Mapping[Operation, StrOrPromise]] = {
    Operation.AGENT: pgettext_lazy("step", "agent"),
    Operation.CHAIN: pgettext_lazy("step", "workflow"),
    Operation.CHAT: pgettext_lazy("step", "model call"),
    Operation.EMBEDDING: pgettext_lazy("step", "embedding"),
    Operation.RETRIEVAL: pgettext_lazy("step", "retrieval"),
    Operation.RERANK: pgettext_lazy("step", "ranking"),
    Operation.TOOL: pgettext_lazy("step", "tool"),
    Operation.POLICY: pgettext_lazy("step", "policy check"),
    Operation.EVALUATION: pgettext_lazy("step", "evaluation"),
}
_NANOSECONDS: Final = 1_000_000  # of a millisecond


@dataclass(frozen=True, slots=True)
class PathRow:
    """A span as a line of the waterfall."""

    span: PathSpan
    address: str
    bar: SafeString
    indent: int
    took: str
    kind: StrOrPromise  # what it did, empty where it does not say
    input_tokens: int | None
    output_tokens: int | None
    is_chosen: bool

    @property
    def failed(self) -> bool:
        """Whether its status says so."""
        return self.span.status_code == _ERROR


@dataclass(frozen=True, slots=True)
class Side:
    """What a span was given, or what it gave."""

    title: StrOrPromise
    window: Window
    before: str  # addresses of the windows beside it; empty: there is none
    after: str


@dataclass(frozen=True, slots=True)
class ReadSpan:
    """The chosen span."""

    began: str  # after the trace
    status_message: str
    model: str
    sides: Sequence[Side]
    record: str


def path_context(looking: Looking) -> dict[str, Any]:
    """Return the spans of the trace, a page of them, and the chosen one with what it was given and gave."""
    path = read_path(looking.trace)
    chosen = next((span for span in path if span.span_id == looking.request.GET.get(SPAN)), None)
    first = path.index(chosen) if chosen is not None else max(0, read_number(looking.request, ROW) - 1)
    first = first // _AT_ONCE * _AT_ONCE if first < len(path) else 0
    shown = path[first : first + _AT_ONCE]
    failed = [span for span in path if span.status_code == _ERROR]
    return {
        "rows": _rows(looking, path, shown, chosen),
        "n_spans": len(path),
        "is_cut": len(path) == MOST,
        "first": first + 1,
        "last": first + len(shown),
        "windows": _windows(looking, len(path), first),
        "n_failed": len(failed),
        "failed": [(span.name, _address(looking, span)) for span in failed[:_MOST_FAILED]],
        "read": _read(looking, path, chosen) if chosen is not None else None,
        "n_missing": max(0, looking.trace.span_count - len(path)),
    }


def _address(looking: Looking, span: PathSpan, **more: object) -> str:
    return looking.address(tab=Tab.PATH, span=span.span_id, **more)


def _windows(looking: Looking, n_spans: int, first: int) -> list[tuple[int, int, str]]:
    """Return the pages of a long path: from which span to which, and where; the address of this one is empty."""
    if n_spans <= _AT_ONCE:
        return []
    return [
        (
            begin + 1,
            min(n_spans, begin + _AT_ONCE),
            "" if begin == first else looking.address(tab=Tab.PATH, row=begin + 1),
        )
        for begin in range(0, n_spans, _AT_ONCE)
    ]


def _rows(
    looking: Looking, path: Sequence[PathSpan], shown: Sequence[PathSpan], chosen: PathSpan | None
) -> list[PathRow]:
    if not shown:
        return []
    begins, ends = min(span.start_ns for span in path), max(span.end_ns for span in path)
    whole = max(1, ends - begins)
    attributes = read_short_attributes(shown)
    rows = []
    for span in shown:
        view = _view_of(span, attributes.get(span.pk, {}))
        tone = "bad" if span.status_code == _ERROR else "plain"
        bar = span_bar((span.start_ns - begins) / whole, (span.end_ns - begins) / whole, tone=tone)
        rows.append(
            PathRow(
                span=span,
                address=_address(looking, span),
                bar=drawing(bar),
                indent=min(span.depth, _DEEPEST),
                took=_in_words(span.end_ns - span.start_ns),
                kind=_KINDS.get(view.operation, "") if view.operation is not None else "",
                input_tokens=view.whole_number(*_INPUT_TOKENS),
                output_tokens=view.whole_number(*_OUTPUT_TOKENS),
                is_chosen=span is chosen,
            )
        )
    return rows


def _view_of(span: PathSpan, attributes: Mapping[str, Any]) -> SpanView:
    columns = {"span_id": span.span_id, "name": span.name, "start_ns": span.start_ns, "end_ns": span.end_ns}
    return SpanView.of({**columns, "digest": "", "attributes": attributes}, FlagSink())


def _read(looking: Looking, path: Sequence[PathSpan], chosen: PathSpan) -> ReadSpan:
    row = read_span(looking.trace, chosen)
    large = find_large_values([row])
    if large.size_of([row]) <= settings.TRACE_MAX_BYTES:
        row["attributes"] = large.restore(row)
    view = SpanView.of(row, FlagSink())
    part, at = read_part(looking.request), read_number(looking.request, AT)
    sides = [
        _side(looking, chosen, one, _pieces(view, one), at if part is not None else None)
        for one in Part
        if part in (None, one)
    ]
    return ReadSpan(
        began=_in_words(chosen.start_ns - min(span.start_ns for span in path)),
        status_message=view.status_message or view.exception,
        model=view.text(*attributes_for(Meaning.MODEL_ANSWERED), *attributes_for(Meaning.MODEL_CALLED)),
        sides=sides,
        record=list_url(
            "evidence.span", trace_id__exact=looking.trace.trace_id.hex, span_id__exact=chosen.span_id
        ),
    )


def _side(looking: Looking, span: PathSpan, part: Part, pieces: Sequence[Piece], at: int | None) -> Side:
    """Return one side of a span.

    Args:
        at: from where it is read on by itself; None: it stands beside the other.
    """
    window = cut_window(pieces, at or 0, _FIRST_READ if at is None else _READ_ON)
    before, after = (
        _address(looking, span, part=part, at=place) if place is not None else ""
        for place in (window.before, window.after)
    )
    return Side(_TITLES[part], window, before, after)


def _pieces(view: SpanView, part: Part) -> list[Piece]:
    """Return what a span was given or gave: its messages, or what stands there instead."""
    heard = hear_asked(view) if part is Part.INPUT else hear_answered(view)
    if heard.messages:
        return [piece for message in heard.messages for piece in _said_in(message)]
    raw = view.first(_GIVEN[part]) if heard.unread is None else heard.unread
    return [] if raw is None else [(_name_of(heard), _as_text(raw))]


def _said_in(message: Message) -> Iterator[Piece]:
    """Yield the words of a message, and the calls and responses of tools in it."""
    if message.text:
        yield message.role, message.text
    for part in message.parts:
        if part.value is not None or part.reference:
            yield f"{message.role}: {part.kind} {part.name}".strip(), _as_text(part.value or part.reference)


def _name_of(heard: Heard) -> str:
    return heard.unread_attribute or heard.attribute


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False, default=str)


def _in_words(nanoseconds: int) -> str:
    """Return a time in milliseconds, or in seconds where it is long."""
    milliseconds = nanoseconds / _NANOSECONDS
    if milliseconds < 1_000:
        return _("%(time)s ms") % {
            "time": f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:.0f}"
        }
    return _("%(time)s s") % {"time": f"{milliseconds / 1_000:.1f}"}
