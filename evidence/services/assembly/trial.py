"""What a draft of a system's reading would make of a stored trace, beside what is made of it now. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evidence import acts
from evidence.access import Principal
from evidence.errors import ConflictingContent, InvalidInput, NotFound
from evidence.models import Erasure, System, Trace
from evidence.selectors.readings import ReadBy, attributes_read_by, find_readings_in_force
from evidence.semconv.arrival import settle
from evidence.semconv.draft import TraceDraft
from evidence.semconv.mapping import map_trace
from evidence.semconv.parts import TooManyParts
from evidence.semconv.reading_document import parse_reading
from evidence.services.assembly.reading import read_traces
from evidence.services.assembly.refusals import TraceRefused, part_limits, refusal_of
from evidence.trace_ids import NoTraceId, bounds_of
from evidence.worded import sentence_of, worded


@dataclass(frozen=True, slots=True)
class Tried:
    """One trace, read twice over all its spans that are stored now."""

    trace: Trace  # its current revision
    in_force: ReadBy
    now: TraceDraft  # as it would be sealed now
    then: TraceDraft  # as it would be if the draft were approved


def try_reading(*, principal: Principal, system: System, document: Mapping[str, Any], trace: str) -> Tried:
    """Read a stored trace by a draft, and by what is in force.

    Args:
        trace: its id, or how it begins.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_try_reading` does.
        InvalidInput: as `parse_reading` and `find_trace_to_try` do.
        NotFound: the system has no such trace.
        ConflictingContent: nothing is left of it that could be read, or more than a trace may have.
    """
    acts.check_can_try_reading(principal, system)
    draft = ReadBy(reading=parse_reading(document))
    found = find_trace_to_try(system, trace)
    in_force = find_readings_in_force([system.pk])[system.pk]
    spans = _spans_of(found, attributes_read_by([in_force, draft]))
    try:
        now, then = (map_trace(spans, part_limits(), reading=one.reading) for one in (in_force, draft))
    except TooManyParts as exc:
        raise _too_much(found, refusal_of(exc)) from exc
    return Tried(found, in_force, now, then)


def _spans_of(trace: Trace, attributes: frozenset[str]) -> Sequence[Mapping[str, Any]]:
    """Return all stored spans of a trace, as they are to be read."""
    key = (trace.system_id, trace.trace_id)
    read = read_traces([key], attributes)
    if key in read.refused:
        raise _too_much(trace, read.refused[key])
    erased = Erasure.objects.filter(system=trace.system_id, trace_id=trace.trace_id).exists()
    if erased or key not in read.spans:
        raise ConflictingContent(
            worded(
                "What trace %(trace)s was read from is erased, or went with retention: try another.",
                trace=trace.trace_id.hex,
            )
        )
    return settle(read.spans[key]).spans


def _too_much(trace: Trace, why: TraceRefused) -> ConflictingContent:
    return ConflictingContent(
        worded("Trace %(trace)s is not read: %(reason)s.", trace=trace.trace_id.hex, reason=sentence_of(why))
    )


def find_trace_to_try(system: System, beginning: str) -> Trace:
    """Return the current revision of a trace by its id, or by how that begins.

    Raises:
        InvalidInput: it is no trace id, or several begin so.
        NotFound: the system has none.
    """
    try:
        bounds = bounds_of(beginning)
    except NoTraceId as exc:
        raise InvalidInput(sentence_of(exc)) from exc
    traces = Trace.objects.filter(system=system, trace_id__range=bounds)
    found = list(traces.order_by("trace_id", "-revision").distinct("trace_id")[:2])
    if not found:
        raise NotFound(
            worded(
                "System %(system_key)s has no trace that begins with %(beginning)s.",
                system_key=repr(system.key),
                beginning=repr(beginning[:40]),
            )
        )
    if len(found) > 1:
        raise InvalidInput(
            worded(
                "Several traces of %(system_key)s begin with %(beginning)s: give more of the id.",
                system_key=repr(system.key),
                beginning=repr(beginning[:40]),
            )
        )
    return found[0]
