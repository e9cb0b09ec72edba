"""Claims and the sources they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from django.db.models import Exists, F, OuterRef, Q

from evidence.models import Citation, Claim
from requirements.checks.contracts import Measured, Scope
from requirements.checks.scope import admissible, measure_share, traces_in


def measure_material_supported(scope: Scope, parameters: Mapping[str, object], confidence: float) -> Measured:
    """Share of material claims with at least one citation that was found in its document."""
    traces = traces_in(scope, parameters)
    found = Citation.objects.filter(
        Q(verdict__in=[Citation.Verdict.VERBATIM, Citation.Verdict.NORMALISED])
        | Q(verdict=Citation.Verdict.FUZZY, score__gte=cast("float", parameters["min_score"])),
        claim_id=OuterRef("pk"),
    )
    claims = Claim.objects.filter(trace__in=traces.values("pk"), material=True).annotate(
        supported=Exists(found),
        trace_digest=F("trace__digest"),
    )
    return measure_share(
        claims,
        good=Q(supported=True),
        fit=admissible(scope, "trace_id"),
        confidence=confidence,
        identity="trace_digest",
        observed_at="trace__ended_at",
    )
