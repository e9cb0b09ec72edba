"""How systems say that their traces are read: versions as they stood at a time, and which one reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F, QuerySet

from evidence.clock import AsOf
from evidence.models import Artefact, ArtefactKind, ArtefactVersion, Trace
from evidence.selectors import proposals
from evidence.semconv.reading_document import parse_reading
from evidence.semconv.system_reading import NO_READING, SystemReading

READING_KEY: Final = "traces"  # of the one artefact of its kind that a system has
READING_SLOT: Final = "reading"  # in which a trace names the version it was read by
DOCUMENT: Final = "reading"  # of a version's metadata


@dataclass(frozen=True, slots=True)
class ReadBy:
    """What traces of a system are read by: a version of its reading, or the rules for any trace alone."""

    version: ArtefactVersion | None = None
    reading: SystemReading = NO_READING

    @property
    def number(self) -> int | None:
        """Which version, None where there is none."""
        return self.version.number if self.version else None


RULES_ALONE: Final = ReadBy()


def readings_with_standing(
    versions: QuerySet[ArtefactVersion] | None = None, as_of: AsOf | None = None
) -> QuerySet[Any]:
    """Return versions of readings, of these or all, annotated as `proposals.with_standing` does."""
    among = ArtefactVersion.objects.all() if versions is None else versions
    return proposals.with_standing(among, ArtefactKind.READING, as_of)


def find_readings_in_force(system_ids: Iterable[int], as_of: AsOf | None = None) -> dict[int, ReadBy]:
    """Return what traces of each of these systems are read by, by the system's key, in two queries at most.

    Args:
        as_of: what was approved then; None: whatever is.
    """
    wanted = set(system_ids)
    # Most systems have none, and to ask for what stands is the longest statement of all: it is written anew each time.
    if not Artefact.objects.filter(kind=ArtefactKind.READING, system__in=wanted).exists():
        return dict.fromkeys(wanted, RULES_ALONE)
    found = readings_with_standing(as_of=as_of).filter(artefact__system__in=wanted, pk=F("deciding_id"))
    in_force = {one.artefact.system_id: read_by(one) for one in found.select_related("artefact")}
    return {system_id: in_force.get(system_id, RULES_ALONE) for system_id in wanted}


def read_by(version: ArtefactVersion) -> ReadBy:
    """Return a version of a reading with what it says."""
    return ReadBy(version, parse_reading(version.metadata[DOCUMENT]))


def find_reading_of(trace: Trace) -> ReadBy:
    """Return what a sealed trace was read by."""
    used = trace.versions.filter(slot=READING_SLOT, version__artefact__kind=ArtefactKind.READING)
    named = used.select_related("version__artefact").first()
    return read_by(named.version) if named else RULES_ALONE


def attributes_read_by(readings: Iterable[ReadBy]) -> frozenset[str]:
    """Return the attributes that some readings name."""
    return frozenset[str]().union(*(one.reading.attributes() for one in readings))
