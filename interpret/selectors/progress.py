"""How far runs are: of the parts of their work, how many are measured."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from evidence.probe_rules import REPORT
from interpret.models import ProbePart, ProbeRun


@dataclass(frozen=True, slots=True)
class PartCounts:
    """How many parts a run has, and how many of them are measured; none before they are planned."""

    planned: int
    measured: int


def with_progress(runs: QuerySet[ProbeRun]) -> QuerySet[ProbeRun]:
    """Return the runs with what `progress_of` reads, fetched at once."""
    return runs.prefetch_related(Prefetch("parts", ProbePart.objects.only("run", "part", "state")))


def progress_of(run: ProbeRun) -> PartCounts:
    """Return how far a run is."""
    states = [part.state for part in run.parts.all() if part.part != REPORT]
    return PartCounts(len(states), states.count(ProbePart.State.DONE))
