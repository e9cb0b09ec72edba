"""Where each field of a trace was read, but for question and answer, which say it themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from evidence.semconv.dialects import Meaning, Operation, attributes_for, version_attributes
from evidence.semconv.dialects.tracebinder import CONFIDENCE, LANGUAGE
from evidence.semconv.draft import RetrievalDraft, Rule, Source, ToolCallDraft
from evidence.semconv.span_view import SpanView
from evidence.semconv.steps import Step

_RECORDED: Final = attributes_for(Meaning.PROMPT_RECORDED)
_MODEL: Final = (*version_attributes("model").name, *attributes_for(Meaning.MODEL_ANSWERED))


def read_sources(
    steps: Sequence[Step],
    agents: Sequence[SpanView],
    retrievals: Sequence[RetrievalDraft],
    tool_calls: Sequence[ToolCallDraft],
) -> Mapping[str, Source]:
    """Return the first place that each field was read from; a field that nothing tells of has none.

    Args:
        steps: in time.
        agents: the spans that may speak for the whole trace, most telling first.
    """
    calls = [step.span for step in steps if step.operation is Operation.CHAT]
    places = {
        "prompt": _first(calls, _RECORDED, Rule.STATED),
        "model": _first(calls, _MODEL, Rule.STATED),
        "language": _first(agents, (LANGUAGE,), Rule.DECLARED),
        "confidence": _first(agents, (CONFIDENCE,), Rule.DECLARED),
        "documents": retrievals[0].source if retrievals else None,
        "tools": tool_calls[0].source if tool_calls else None,
    }
    return {field: source for field, source in places.items() if source is not None}


def _first(spans: Iterable[SpanView], keys: Sequence[str], rule: Rule) -> Source | None:
    for span in spans:
        for key in keys:
            if span.attributes.get(key) is not None:
                return Source(span.span_id, key, rule)
    return None
