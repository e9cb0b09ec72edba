"""What a probe run took before, so that whoever asks for another is told first. An estimate, never a promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any, Final

from django.db.models import F, Q, QuerySet, Sum

from evidence.models import ArtefactVersion
from interpret.models import ProbePart, ProbeRun
from interpret.registry import PROBES

_NEWEST: Final = 50  # done runs that an estimate is made of
PENDING: Final = (ProbeRun.State.QUEUED, ProbeRun.State.RUNNING)


@dataclass(frozen=True, slots=True)
class Cost:
    """What workers spent on the parts of earlier runs, added up over each run's parts.

    Attributes:
        n: how many runs it is of.
        alike: whether these had the very parameters that are asked for; otherwise they had others.
    """

    n: int
    alike: bool
    usual: timedelta  # the median
    least: timedelta
    most: timedelta


def cost_of(
    runs: QuerySet[ProbeRun], *, probe: str, model: ArtefactVersion, parameters: Mapping[str, object]
) -> Cost | None:
    """Return what the newest done runs of a probe took on any version of a model; None: there is none.

    Runs with the same parameters count alone where there are some. Whatever model a run was compared with counts alike.

    Args:
        runs: those that whoever asks may see.
        parameters: filled in, as a specification has them.
    """
    kind = Q(spec__model_version__artefact=model.artefact_id) | Q(spec__model_version__digest=model.digest)
    done = runs.filter(kind, spec__probe=probe, state=ProbeRun.State.DONE).order_by("-pk")
    spent = Sum(F("parts__finished_at") - F("parts__started_at"), filter=Q(parts__state=ProbePart.State.DONE))
    told = list(done.annotate(spent=spent).values_list("spec__parameters", "spent")[:_NEWEST])
    taken = [(each, time) for each, time in told if time is not None]
    models = set(PROBES[probe].models) if probe in PROBES else set()
    alike = [time for each, time in taken if _without(each, models) == _without(parameters, models)]
    times = alike or [time for _, time in taken]
    if not times:
        return None
    return Cost(len(times), bool(alike), median(times), min(times), max(times))


def pending_before(runs: QuerySet[ProbeRun], run: ProbeRun | None = None) -> int:
    """Return how many of these runs wait or are measured; of those asked for before `run`, where it is given."""
    pending = runs.filter(state__in=PENDING)
    return (pending.filter(pk__lt=run.pk) if run else pending).count()


def time_spent(run: ProbeRun) -> timedelta:
    """Return what workers have spent on the parts of a run that are measured."""
    spent = run.parts.filter(state=ProbePart.State.DONE).aggregate(
        spent=Sum(F("finished_at") - F("started_at"))
    )["spent"]
    return spent or timedelta()


def _without(parameters: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name not in names}
