"""Reading findings: which belong to a release, and which have gone stale."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from evidence.models import Evidence, Layer, Release, ReleasePin, System
from interpret.models import Finding, ProbeRun
from interpret.registry import PROBES

_OF_PROMPTS = ("prompt", "index")  # slots that count for probes that read prompts


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


def latest_release(system: System) -> Release | None:
    """Return the release of a system that was registered last."""
    return Release.objects.filter(system=system).order_by("-pk").first()


def fresh_for(release: Release) -> Q:
    """Return the condition that a finding of the release's system is not stale for it, as `is_stale` says of one."""
    own = [key for key, entry in PROBES.items() if not entry.reads_prompts]
    alike = Q(run__release__in=_with_the_same_prompts(release)) | Q(run__spec__probe__in=own)
    model = release.pins.filter(slot="model").values("version")
    return Q(run__spec__model_version__in=model) & alike


def items_for(release: Release) -> QuerySet[Evidence]:
    """Return what was put forward of findings that are not stale for a release."""
    fresh = Finding.objects.filter(fresh_for(release), run__spec__system=release.system_id)
    return Evidence.objects.filter(
        system=release.system_id, layer=Layer.MECHANISTIC, digest__in=fresh.values("digest")
    )


def _with_the_same_prompts(release: Release) -> QuerySet[Release]:
    """Return the releases of its system that pin the same prompt and index, or none where it pins none."""
    rows = Release.objects.filter(system=release.system_id)
    for slot in _OF_PROMPTS:
        its = ReleasePin.objects.filter(release=OuterRef("pk"), slot=slot)
        own = release.pins.filter(slot=slot)
        rows = rows.filter(
            Exists(its.filter(version__in=own.values("version"))) | (~Exists(its) & ~Exists(own))
        )
    return rows
