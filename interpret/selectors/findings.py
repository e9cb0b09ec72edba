"""Reading findings: which belong to a release, and which have gone stale."""

from __future__ import annotations

from django.db.models import QuerySet

from evidence.models import Release
from interpret.models import Finding, ProbeRun
from interpret.registry import PROBES


def findings_of(release: Release) -> QuerySet[Finding]:
    """Return the findings of the release's own runs, in the order in which they were made."""
    related = ("run__spec__system", "run__spec__model_version", "run__release")
    return Finding.objects.filter(run__release=release).select_related(*related).order_by("pk")


def stale_slots(finding: Finding, release: Release) -> list[str]:
    """Return the slots in which `release` pins another version than the finding was measured on.

    The model counts for every probe; prompt and index for those that read prompts, which were made from them.
    """
    run = ProbeRun.objects.select_related("spec").get(pk=finding.run_id)
    now = dict(release.pins.values_list("slot", "version_id"))
    then = dict(run.release.pins.values_list("slot", "version_id"))
    then["model"] = run.spec.model_version_id
    entry = PROBES.get(run.spec.probe)
    slots = ["model"] if entry is not None and not entry.reads_prompts else ["model", "prompt", "index"]
    return [slot for slot in slots if now.get(slot) != then.get(slot)]


def is_stale(finding: Finding, release: Release) -> bool:
    """Whether the finding says nothing any more about `release`."""
    return bool(stale_slots(finding, release))
