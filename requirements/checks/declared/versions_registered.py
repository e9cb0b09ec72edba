"""Which versions a trace names, and who vouches for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from django.db.models import Exists, OuterRef, Q

from evidence.evals.contracts import Direction
from evidence.models import ReleasePin, TraceVersion
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, names, parameter_schema
from requirements.checks.population import observe_traces
from requirements.checks.registry import check
from requirements.checks.shares import Asked, measure_asked, worst_of


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    annotations: dict[str, Exists] = {}
    for index, slot in enumerate(cast("Sequence[str]", parameters["slots"])):
        named = TraceVersion.objects.filter(trace_id=OuterRef("pk"), slot=slot)
        if parameters["match_release"]:
            pinned = ReleasePin.objects.filter(
                release_id=population.release_id, slot=slot, version_id=OuterRef("version_id")
            )
            named = named.filter(Exists(pinned))
        annotations[f"slot_{index}"] = Exists(named)
    observed = observe_traces(population, parameters, **annotations)
    return Asked(observed, good=Q(**dict.fromkeys(annotations, True)))


@check(
    name="versions.registered",
    version="5",
    title=Words("Versions are resolved and registered", "版本均已确认并登记"),
    measures=Words(
        "Of the sealed traces, the share that name a version in every slot listed, "
        "where each version they name was registered by a person or by CI before the assessment.",
        "已封存的轨迹中，所列各项均注明版本、且所注明的版本在评估之前已由人员或持续集成登记的比例。",
    ),
    unit="share",
    direction=Direction.HIGHER,
    parameters=parameter_schema(
        slots=names(["model", "prompt", "index"], meaning="slots that must be filled"),
        match_release={
            "type": "boolean",
            "default": True,
            "description": "whether a version must also be the one the release pins in that slot",
        },
        risk_tiers=ALL_TIERS,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "TraceVersion", "Registration", "ReleasePin", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_registered(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces that name a version in every slot; that they are registered is what `admissible` says.

    With `match_release`, a slot counts only when the release pins that very version in it.
    """
    return measure_asked(_ask(population, parameters), bound_confidence)
