"""What was live when."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from evidence.models import Deployment, System


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
