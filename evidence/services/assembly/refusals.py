"""Why a trace cannot be sealed. It is set aside by itself, with one of these reasons; its spans stay."""

from __future__ import annotations

from typing import ClassVar, Final, Self

from django.conf import settings
from django.utils.module_loading import import_string

from evidence.citations.cost import CheckTooCostly
from evidence.semconv.parts import PARTS, TooManyParts


def limit_of_part(part: str) -> str:
    """Return the setting that says how many of a part a trace may have."""
    return f"TRACE_MAX_{part.upper()}"


def part_limits() -> dict[str, int]:
    """Return how many of each part a trace may have."""
    return {part: getattr(settings, limit_of_part(part)) for part in PARTS}


class TraceRefused(Exception):
    """A trace is not sealed. Its code stands in the reject ledger and never changes once released."""

    code: ClassVar[str] = "assembly_failed"
    means: ClassVar[str] = "the spans of a trace were kept, and no trace could be made of them"


class TraceTooLarge(TraceRefused):
    """It would take more memory, or more rows, than one trace may."""

    code = "trace_too_large"
    means = "a trace has more spans, bytes, claims or other parts than its setting allows"

    @classmethod
    def of(cls, what: TooManyParts) -> Self:
        """Return the reason that names the limit."""
        named = f"TRACEBINDER_{limit_of_part(what.part)} allows {what.most}"
        return cls(f"it has {what.count} {what.part.replace('_', ' ')}; {named}")


class TraceTooCostly(TraceRefused):
    """Checking its citations would keep others waiting."""

    code = "trace_too_costly"
    means = "the citations of a trace take longer to check than `TRACEBINDER_TRACE_CHECK_BUDGET`"


class TraceTooSlow(TraceRefused):
    """It was still being assembled when the time of the call was over."""

    code = "trace_too_slow"
    means = "a trace, alone, was not assembled within `TRACEBINDER_ASSEMBLY_SOFT_LIMIT`"


class WorkerLost(TraceRefused):
    """Each worker that took it was killed, or the database went away under it."""

    code = "worker_lost"
    means = "a trace was taken by three workers and none of them came to an end with it"


REFUSALS: Final = (TraceRefused, TraceTooLarge, TraceTooCostly, TraceTooSlow, WorkerLost)


def refusal_of(problem: Exception) -> TraceRefused:
    """Return the reason for which a trace is set aside that has set off an error."""
    match problem:
        case TraceRefused():
            return problem
        case TooManyParts():
            return TraceTooLarge.of(problem)
        case CheckTooCostly():
            return TraceTooCostly(str(problem))
        case _ if isinstance(problem, import_string(settings.CALL_ENDED_BY)):
            return TraceTooSlow("it was not assembled in the time of a call")
        case _:
            return TraceRefused(f"{type(problem).__name__}: {problem}")
