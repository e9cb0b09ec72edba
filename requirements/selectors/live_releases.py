"""The releases of a system that are live now, and where."""

from __future__ import annotations

from datetime import datetime

from evidence.access import Principal, visible_to
from evidence.models import Deployment, Release
from evidence.selectors.deployments import all_live_at


def live_releases(system_id: int, principal: Principal, at: datetime) -> dict[Release, tuple[str, ...]]:
    """Return each release that is live somewhere with its environments, the newest deployment first: one query."""
    live = visible_to(all_live_at(Deployment.objects.filter(system=system_id), at), principal)
    where: dict[Release, list[str]] = {}
    for each in live.select_related("release__system").order_by("-effective_from", "-pk"):
        where.setdefault(each.release, []).append(each.environment)
    return {release: tuple(sorted(environments)) for release, environments in where.items()}
