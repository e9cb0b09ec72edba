"""A probe's work in parts: done by one process or by many workers, and put together to the same result.

Free of Django and torch: what does the measuring is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from interpret.contracts import MeasuredPart, Probe, ProbeResult, ProbeSpecification
from interpret.errors import ProbeError


class Session(Protocol):
    """What measures: an `interpret.probes.session.ModelSession`."""

    def measure(self, probe: Probe, specification: ProbeSpecification, part: str) -> MeasuredPart:
        """Do one part of the work here."""


def measure_all(probe: Probe, specification: ProbeSpecification, session: Session) -> ProbeResult:
    """Do the whole work here, part after part.

    Raises:
        BadSpecification, ProbeError: as the probe does.
    """
    probe.check(specification)
    done = [session.measure(probe, specification, part) for part in probe.parts(specification)]
    return put_together(probe, specification, done)


def put_together(
    probe: Probe, specification: ProbeSpecification, done: Sequence[MeasuredPart]
) -> ProbeResult:
    """Return the result of a work all of whose parts are done.

    Raises:
        ProbeError: a part is absent or twice there, or they were measured by unlike versions of the probe, with unlike
            libraries or threads, or on unlike devices.
    """
    expected, names = probe.parts(specification), [each.part for each in done]
    if sorted(expected) != sorted(names):
        raise ProbeError(
            f"parts {', '.join(sorted(names))} are there; it takes {', '.join(sorted(expected))}"
        )
    return ProbeResult(
        probe=specification.probe,
        code_version=_alike("versions of the probe", [each.code_version for each in done]),
        measurements=probe.report(specification, {each.part: each.numbers for each in done}),
        versions=_alike("libraries", [dict(each.versions) for each in done]),
        threads=_alike("numbers of threads", [each.threads for each in done]),
        device=_alike("devices", [each.device for each in done]),
        forward_passes=sum(each.forward_passes for each in done),
    )


def _alike(what: str, values: Sequence[Any]) -> Any:
    """Return the value that all parts have: sums in another order differ in the last digits."""
    unlike = [value for value in values if value != values[0]]
    if unlike:
        raise ProbeError(f"its parts were measured with different {what}: {values[0]} and {unlike[0]}")
    return values[0]


def shared(measured: Mapping[str, Mapping[str, Any]], parts: Sequence[str], name: str) -> Any:
    """Return what several parts must agree on, such as which heads were found.

    Raises:
        ProbeError: they do not.
    """
    values = {part: measured[part][name] for part in parts}
    first = parts[0]
    for part, value in values.items():
        if value != values[first]:
            raise ProbeError(f"{name}: {first!r} has {values[first]}, {part!r} has {value}")
    return values[first]
