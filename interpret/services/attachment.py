"""Findings put forward as evidence: supporting or counter, mechanistic, never more. Runs on the default queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from evidence import clock
from evidence.finding_summary import ComparisonSummary, FindingSummary
from evidence.models import Evidence, Layer, Role
from evidence.services.defeaters import open_defeater
from evidence.services.items import ItemDraft, put_forward
from interpret.models import Finding, ProbeRun
from interpret.registry import PROBES

# What is described, inconclusive or invalid is kept as a finding and put forward as nothing.
ACTOR = "system:attachment"
DECIDED = (Finding.Status.SUPPORTED, Finding.Status.NOT_SUPPORTED)
SLOTS = ("model", "prompt", "index")  # of the release; what a finding is linked to
REVIEW_EVERY_DAYS = 90
BATCH = 100  # runs at a time


def attach_findings() -> int:
    """Put the findings of every finished run forward, once; returns how many runs that were."""
    waiting = ProbeRun.objects.filter(state=ProbeRun.State.DONE, attached_at=None).order_by("finished_at")
    runs = list(waiting.values_list("pk", flat=True)[:BATCH])
    return sum(attach_findings_of(run_id) for run_id in runs)


def open_earlier_doubts() -> int:
    """Open the doubts of findings that were put forward before any was opened; returns how many that were.

    The event says when the doubt was opened, which is now: nobody is said to have known of it before. A concern that
    was shown absent was put forward as counter before decision 0085, and is no doubt.
    """
    findings = Finding.objects.filter(digest=OuterRef("digest"), run__spec__system=OuterRef("system"))
    absent = Q(summary__statistic__in=sorted(_concerns()), summary__status=Finding.Status.NOT_SUPPORTED)
    left = Evidence.objects.filter(
        ~absent, Exists(findings), layer=Layer.MECHANISTIC, role=Role.COUNTER, defeater=None
    ).order_by("pk")[:BATCH]
    for item in left:
        first = Finding.objects.filter(digest=item.digest, run__spec__system=item.system_id).order_by("pk")[0]
        open_defeater(evidence=item, release=first.run.release, actor=ACTOR)
    return len(left)


def _concerns() -> set[str]:
    return {name for entry in PROBES.values() for name in entry.concerns}


@transaction.atomic
def attach_findings_of(run_id: int) -> bool:
    """Put one run's findings forward; False where it is not done, or another worker has done so."""
    claimed = ProbeRun.objects.filter(pk=run_id, state=ProbeRun.State.DONE, attached_at=None)
    if claimed.update(attached_at=clock.now()) != 1:
        return False
    run = ProbeRun.objects.select_related("spec__system", "release").get(pk=run_id)
    # A status of before `interpret.verdicts` stays as it was stored, and is put forward as nothing anew.
    judged = run.findings.filter(status__in=DECIDED, verdict__isnull=False)
    for finding in judged.order_by("ordinal"):
        _put_forward(run, finding)
    return True


def _put_forward(run: ProbeRun, finding: Finding) -> Evidence:
    finished = run.finished_at or clock.now()  # a run that is done has ended
    draft = ItemDraft(
        source=f"interpret.Finding:{finding.pk}",
        digest=finding.digest,
        layer=Layer.MECHANISTIC,
        role=role_of(run.spec.probe, finding),
        kind="finding",
        title=_title(finding),
        owner=run.queued_by,
        review_every_days=REVIEW_EVERY_DAYS,
        observed_from=finding.observed_at,
        observed_to=finished,
        collected_at=finished,
        summary=dict(summarise(finding)),
    )
    return put_forward(draft=draft, release=run.release, slots=SLOTS, actor=ACTOR)


def role_of(probe: str, finding: Finding) -> Role:
    """Return whether what was decided speaks for a release or against it.

    That something is there speaks for it, and that it is not speaks against it; where it is a concern, as that answers
    use a sensitive attribute, it is the other way round. A probe that is no longer installed names no concerns.
    """
    entry = PROBES.get(probe)
    concern = entry is not None and finding.statistic in entry.concerns
    found = finding.status == Finding.Status.SUPPORTED
    return Role.COUNTER if found == concern else Role.SUPPORTING


def summarise(finding: Finding) -> FindingSummary:
    """Return what readers of evidence may know: statistic, interval and limits; no layer, head or item."""
    return {
        "statistic": finding.statistic,
        "unit": finding.unit,
        "value": finding.value,
        "low": finding.low,
        "high": finding.high,
        "confidence": finding.confidence,
        "n": finding.n,
        "baseline": _compared(finding.baseline),
        "null": _compared(finding.null),
        "control": _compared(finding.control) if finding.control is not None else None,
        "status": finding.status,
        "claim": finding.rung,
        "does_not_show": finding.does_not_show,
        "languages": finding.holds_for["languages"],
        "model_digest": finding.holds_for["model_digest"],
        "probe_version": finding.provenance["code_version"],
    }


def _title(finding: Finding) -> str:
    interval = f"{finding.value:.3g} [{finding.low:.3g}, {finding.high:.3g}] {finding.unit}"
    return f"{finding.statistic}: {interval}, n={finding.n}, {finding.status}"[:200]


def _compared(comparison: Mapping[str, Any]) -> ComparisonSummary:
    estimate = comparison["estimate"]
    return {
        "what": comparison["what"],
        "value": estimate["value"],
        "low": estimate["low"],
        "high": estimate["high"],
        "n": estimate["n"],
    }
