"""Everything that was tried on a model: each run of a system on it, whatever came of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Max, Prefetch, Q, QuerySet

from evidence.models import System
from interpret.models import Finding, ProbeRun
from interpret.verdicts import History

# What a row of the ledger shows of a finding; the rest of its columns are long.
_SHOWN = ("run", "ordinal", "title", "statistic", "unit", "value", "low", "high", "n", "confidence", "p_value",
          "q_value", "status", "rung", "verdict")  # fmt: skip


@dataclass(frozen=True, slots=True)
class TriedCounts:
    """How many runs there are in each state, and how many findings of each status."""

    runs: dict[str, int]
    findings: dict[str, int]


def runs_on_model(runs: QuerySet[ProbeRun], system: System, model_digest: str) -> QuerySet[ProbeRun]:
    """Return the runs of a system on a model, newest first, with their findings, however each ended."""
    findings = Finding.objects.only(*_SHOWN).order_by("ordinal")
    found = runs.filter(spec__system=system, spec__model_version__digest=model_digest)
    return (
        found.select_related("spec__system", "spec__model_version", "release")
        .prefetch_related(Prefetch("findings", findings))
        .order_by("-pk")
    )


def count_tried(runs: QuerySet[ProbeRun]) -> TriedCounts:
    """Return how these runs ended, and what was found by how many of their findings."""
    findings = Finding.objects.filter(run__in=runs.order_by().values("pk"))
    return TriedCounts(
        dict(runs.order_by().values_list("state").annotate(n=Count("pk"))),
        dict(findings.values_list("status").annotate(n=Count("pk"))),
    )


def models_tried(runs: QuerySet[ProbeRun], system: System) -> list[str]:
    """Return the digests of the models that a system had probed, the one asked of last first."""
    tried = runs.filter(spec__system=system).values("spec__model_version__digest")
    return list(
        tried.annotate(last=Max("pk")).order_by("-last").values_list("spec__model_version__digest", flat=True)
    )


def history_for_next(system: System, model_digest: str) -> History:
    """Return what a run would find asked of a model before it, were a worker to begin it now.

    Counted as the database counts when a run is planned (`tracebinder_probe_history`), over all runs of the system.
    """
    asked = ProbeRun.objects.filter(spec__system=system, spec__model_version__digest=model_digest)
    ended = Q(runs_before=None, state__in=[ProbeRun.State.DONE, ProbeRun.State.FAILED])
    told = asked.aggregate(last=Max("runs_before"), uncounted=Count("pk", filter=ended))
    last = -1 if told["last"] is None else told["last"]
    found = Finding.objects.filter(run__in=asked, status=Finding.Status.SUPPORTED, verdict__isnull=False)
    return History(max(last + 1, told["uncounted"]), found.count())
