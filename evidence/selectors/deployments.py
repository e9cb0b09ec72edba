"""What was live when, what a rollback may go back to, and what a deployment changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from evidence import clock
from evidence.models import ArtefactVersion, Deployment, Evidence, Release, System


def live_at(*, system: System, environment: str, at: datetime) -> Deployment | None:
    """Return the deployment in force at a time: the last to take effect before it; None before the first."""
    return (
        Deployment.objects.filter(system=system, environment=environment, effective_from__lte=at)
        .select_related("release")
        .order_by("-effective_from", "-pk")
        .first()
    )


def all_live_at(deployments: QuerySet[Deployment], at: datetime) -> QuerySet[Deployment]:
    """Return, of these deployments, the one in force at a time for each system and environment."""
    newest_first = deployments.filter(effective_from__lte=at).order_by(
        "system_id", "environment", "-effective_from", "-pk"
    )
    return Deployment.objects.filter(pk__in=newest_first.distinct("system_id", "environment").values("pk"))


def find_way_back(*, live: Deployment, release: Release) -> Deployment | None:
    """Return the deployment that a rollback of what is live to a release restores; None where there is no such way.

    That is the last one by which gates let the release in there, before they let in what is live now. What was gone
    back to counts as of when it was let in, so that no way leads forward again.
    """
    let_in = live.restores or live
    way_back = Deployment.objects.filter(
        system=live.system,
        environment=live.environment,
        release=release,
        basis=Deployment.Basis.DECISION,
        effective_from__lt=let_in.effective_from,
    )
    return None if release.pk == live.release_id else way_back.order_by("-effective_from", "-pk").first()


def can_be_restored(deployment: Deployment) -> bool:
    """Whether a rollback of what is live now would go back to this deployment."""
    live = live_at(system=deployment.system, environment=deployment.environment, at=clock.now())
    return live is not None and find_way_back(live=live, release=deployment.release) == deployment


@dataclass(frozen=True, slots=True)
class PinChange:
    """A slot in which two releases pin different versions; None: it is not there."""

    slot: str
    before: ArtefactVersion | None
    after: ArtefactVersion | None


def changes_of(deployment: Deployment) -> list[PinChange]:
    """Return what differs between the release that stood there and the one that was deployed, by slot.

    Empty where nothing is on record that stood there.
    """
    if deployment.replaces is None:
        return []
    before, after = (_pinned(each) for each in (deployment.replaces.release, deployment.release))
    changes = [PinChange(slot, before.get(slot), after.get(slot)) for slot in sorted(before | after)]
    return [change for change in changes if change.before != change.after]


def suspect_evidence(deployment: Deployment) -> QuerySet[Evidence]:
    """Return the evidence items that were measured on a version that the deployment put another in place of."""
    gone = [change.before for change in changes_of(deployment) if change.before is not None]
    return (
        Evidence.objects.filter(system=deployment.system, links__version__in=gone).order_by("pk").distinct()
    )


@dataclass(frozen=True, slots=True)
class Suspects:
    """What a deployment leaves to be looked at again, by name."""

    links: tuple[str, ...]  # clean with what stood there, and suspect with what is live: "R>prompt:p"
    criteria: tuple[str, ...]  # assessed on what stood there, and not on what is live: "R/c"


def suspects_of(deployment: Deployment) -> Suspects:
    """Return what a deployment made suspect and nobody has looked at since, as the app that keeps links says."""
    find: Callable[[Deployment], Suspects] = import_string(settings.DEPLOYMENT_SUSPECTS)
    return find(deployment)


def _pinned(release: Release) -> dict[str, ArtefactVersion]:
    return {pin.slot: pin.version for pin in release.pins.select_related("version__artefact")}
