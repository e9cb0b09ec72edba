"""How many citations have a verdict that somebody wants many, or few, of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from django.db.models import F, Q

from evidence.evals.contracts import Direction
from evidence.models import Citation
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, parameter_schema
from requirements.checks.population import (
    Observations,
    Rows,
    admissible,
    count_set_aside,
    settling_of,
    traces_in,
)
from requirements.checks.registry import check
from requirements.checks.shares import (
    HIGHER_BETTER,
    Asked,
    better,
    direction_asked,
    measure_asked,
    worst_of,
)


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    traces = traces_in(population, parameters)
    citations = Citation.objects.filter(claim__trace__in=traces.values("pk"))
    if parameters["material_only"]:
        citations = citations.filter(claim__material=True)
    observed = Observations(
        rows=citations.annotate(trace_digest=F("claim__trace__digest")),
        fit=admissible(population, "claim__trace_id"),
        trace_digest="trace_digest",
        observed_at="claim__trace__ended_at",
        of=Rows.CITATIONS,
        came_at="claim__trace__sealed_at",
        trace="claim__trace",
        missing=count_set_aside(population),
        settling=settling_of(population, parameters),
    )
    chosen = Q(verdict__in=cast("Sequence[str]", parameters["verdicts"]))
    direction = direction_asked(parameters)
    return Asked(observed, good=chosen if direction is Direction.HIGHER else ~chosen, direction=direction)


@check(
    name="citations.verdict_share",
    version="1",
    title=Words("Citations with certain verdicts", "具有指定结论的引文"),
    measures=Words(
        "Of the citations in sealed answers, the share whose verdict is one of those listed. With `better: lower` few "
        "of them are wanted, such as misattributed ones. The citations of one conversation, or of one trace that names "
        "none, are one unit. An answer without a citation is not counted here: `citations.material_supported` counts "
        "claims, cited or not. A trace that was set aside counts against the criterion, as many times as the largest "
        "unit has citations.",
        "已封存回答的引文中，结论属于所列各项的比例。设 `better: lower` 时期望其少，例如张冠李戴的引文。"
        "同一对话（轨迹未注明对话时为该轨迹）的引文为一个独立单元。没有引文的回答不在此计入："
        "`citations.material_supported` 统计有无引文的全部陈述。被搁置的轨迹计为对准则不利，次数与引文最多的单元相同。",
    ),
    unit="share",
    direction=None,
    parameters=parameter_schema(
        verdicts={
            "type": "array",
            "items": {"enum": [verdict.value for verdict in Citation.Verdict]},
            "minItems": 1,
            "uniqueItems": True,
            "description": "the verdicts that are counted",
        },
        better=better(
            HIGHER_BETTER, meaning="whether many such citations are wanted (`at_least`), or few (`at_most`)"
        ),
        material_only={
            "type": "boolean",
            "default": False,
            "description": "whether only citations of material claims count",
        },
        risk_tiers=ALL_TIERS,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "Claim", "Citation", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_verdict_share(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of citations with one of the verdicts listed."""
    return measure_asked(_ask(population, parameters), bound_confidence)
