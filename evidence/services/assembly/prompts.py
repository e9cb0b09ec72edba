"""What the models of sealed traces were asked first, by the rules that read a trace when it is sealed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evidence.models import Trace
from evidence.semconv.arrival import settle
from evidence.semconv.first_call import Prompt, read_first_prompt
from evidence.services.assembly.reading import TraceKey, read_traces


def read_first_prompts(traces: Sequence[Trace]) -> dict[TraceKey, Prompt]:
    """Return what the first model call of each trace was asked, by system and trace id.

    Spans are settled as for sealing: versions of a span that gave way are not read, and what was logged is. A trace
    whose spans are gone, or are too many to be read, is not among them.
    """
    prompts: dict[TraceKey, Prompt] = {}
    left = {(trace.system_id, trace.trace_id): trace for trace in traces}
    while left:
        read = read_traces(list(left))
        for key, spans in read.spans.items():
            prompts[key] = read_first_prompt(settle(_sealed(left[key], spans)).spans)
        left = {key: trace for key, trace in left.items() if key in read.left}
    return prompts


def _sealed(trace: Trace, spans: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows that a trace was sealed over: later ones belong to a later revision."""
    if trace.span_ids is None:
        return [span for span in spans if span["received_at"] <= trace.sealed_at]
    sealed = frozenset(trace.span_ids)
    return [span for span in spans if span["span_id"] in sealed]
