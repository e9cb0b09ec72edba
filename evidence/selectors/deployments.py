"""What was live when."""

from __future__ import annotations

from datetime import datetime

from evidence.models import Deployment, System


def live_at(*, system: System, environment: str, at: datetime) -> Deployment | None:
    """Return the deployment in force at a time: the last to take effect before it; None before the first."""
    return (
        Deployment.objects.filter(system=system, environment=environment, effective_from__lte=at)
        .select_related("release")
        .order_by("-effective_from", "-pk")
        .first()
    )
