"""Everything that was tried on a model: each run of a system on it, whatever came of it."""

from __future__ import annotations

from django.db.models import Max, Prefetch, QuerySet

from evidence.models import System
from interpret.models import Finding, ProbeRun

# What a row of the ledger shows of a finding; the rest of its columns are long.
_SHOWN = ("run", "ordinal", "title", "statistic", "unit", "value", "low", "high", "n", "confidence", "p_value",
          "q_value", "status", "rung", "verdict")  # fmt: skip


def runs_on_model(runs: QuerySet[ProbeRun], system: System, model_digest: str) -> QuerySet[ProbeRun]:
    """Return the runs of a system on a model, newest first, with their findings, however each ended."""
    findings = Finding.objects.only(*_SHOWN).order_by("ordinal")
    found = runs.filter(spec__system=system, spec__model_version__digest=model_digest)
    return (
        found.select_related("spec__system", "spec__model_version", "release")
        .prefetch_related(Prefetch("findings", findings))
        .order_by("-pk")
    )


def models_tried(runs: QuerySet[ProbeRun], system: System) -> list[str]:
    """Return the digests of the models that a system had probed, the one asked of last first."""
    tried = runs.filter(spec__system=system).values("spec__model_version__digest")
    return list(
        tried.annotate(last=Max("pk")).order_by("-last").values_list("spec__model_version__digest", flat=True)
    )
