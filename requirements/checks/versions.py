"""Which versions a trace names, and who vouches for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from django.db.models import Exists, OuterRef, Q

from evidence.models import ReleasePin, TraceVersion
from requirements.checks.contracts import Measured, Population
from requirements.checks.population import admissible, measure_share, traces_in


def measure_registered(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces that name a version in every slot; that they are registered is what `admissible` says.

    With `match_release`, a slot counts only when the release pins that very version in it.
    """
    good = Q()
    annotations: dict[str, Exists] = {}
    for index, slot in enumerate(cast("Sequence[str]", parameters["slots"])):
        named = TraceVersion.objects.filter(trace_id=OuterRef("pk"), slot=slot)
        if parameters["match_release"]:
            pinned = ReleasePin.objects.filter(
                release_id=population.release_id, slot=slot, version_id=OuterRef("version_id")
            )
            named = named.filter(Exists(pinned))
        annotations[f"slot_{index}"] = Exists(named)
        good &= Q(**{f"slot_{index}": True})
    return measure_share(
        traces_in(population, parameters).annotate(**annotations),
        good=good,
        fit=admissible(population),
        bound_confidence=bound_confidence,
        identity="digest",
        observed_at="ended_at",
    )
