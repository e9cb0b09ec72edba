"""Claims and the sources they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from django.db.models import Count, F, Q

from evidence.models import Citation, Claim
from requirements.checks.contracts import Measured, Population
from requirements.checks.population import admissible, measure_share, traces_in


def measure_material_supported(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of material claims with at least one citation that was found in its document."""
    traces = traces_in(population, parameters)
    found = Q(citations__verdict__in=[Citation.Verdict.VERBATIM, Citation.Verdict.NORMALISED]) | Q(
        citations__verdict=Citation.Verdict.FUZZY,
        citations__score__gte=cast("float", parameters["min_score"]),
    )
    # A join with citations, counted by claim. As EXISTS for each claim, PostgreSQL without statistics of young rows
    # intersects the index on verdicts with that on claims, and so reads all verdicts once for every claim.
    claims = Claim.objects.filter(trace__in=traces.values("pk"), material=True).annotate(
        n_found=Count("citations", filter=found),
        trace_digest=F("trace__digest"),
    )
    return measure_share(
        claims,
        good=Q(n_found__gt=0),
        fit=admissible(population, "trace_id"),
        bound_confidence=bound_confidence,
        identity="trace_digest",
        observed_at="trace__ended_at",
    )
