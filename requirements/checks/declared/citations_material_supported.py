"""Claims and the sources they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from django.db.models import Count, F, Q, QuerySet

from evidence.evals.contracts import Direction
from evidence.models import Citation, Claim
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import (
    ALL_TIERS,
    LOOKS,
    TRACE_DIMENSIONS,
    parameter_schema,
    share,
)
from requirements.checks.population import (
    Observations,
    Rows,
    admissible,
    count_set_aside,
    settling_of,
    traces_in,
)
from requirements.checks.registry import check
from requirements.checks.shares import Asked, measure_asked, worst_of


def _count_origins(claims: QuerySet[Claim]) -> dict[str, int]:
    """Count claims by who found them; each origin is there, and 0 where it found none."""
    counted = claims.order_by().values_list("origin").annotate(n=Count("pk"))
    return {**dict.fromkeys(sorted(Claim.Origin.values), 0), **dict(counted)}


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    traces = traces_in(population, parameters)
    found = Q(citations__verdict__in=[Citation.Verdict.VERBATIM, Citation.Verdict.NORMALISED]) | Q(
        citations__verdict=Citation.Verdict.FUZZY,
        citations__score__gte=cast("float", parameters["min_score"]),
    )
    # A join with citations, counted by claim. As EXISTS for each claim, PostgreSQL without statistics of young rows
    # intersects the index on verdicts with that on claims, and so reads all verdicts once for every claim.
    material = Claim.objects.filter(trace__in=traces.values("pk"), material=True)
    claims = material.annotate(
        n_found=Count("citations", filter=found),
        trace_digest=F("trace__digest"),
    )
    observed = Observations(
        rows=claims,
        fit=admissible(population, "trace_id"),
        trace_digest="trace_digest",
        observed_at="trace__ended_at",
        of=Rows.CLAIMS,
        came_at="trace__sealed_at",
        trace="trace",
        missing=count_set_aside(population),
        settling=settling_of(population, parameters),
    )
    return Asked(observed, good=Q(n_found__gt=0), origins=_count_origins(material))


@check(
    name="citations.material_supported",
    version="5",
    title=Words("Material claims are supported by their sources", "重要陈述有来源支持"),
    measures=Words(
        "Of the material claims in sealed answers, the share with at least one citation whose quote was found "
        "in the cited version of the document: verbatim, normalised, or fuzzy at or above `min_score`. "
        "The claims of one conversation, or of one trace that names none, are one unit. "
        "The inputs, and the words of the verdict, count the claims that the application declared apart from those "
        "that were derived from the answer: claims that the extractor missed are in no count and flatter the share.",
        "已封存回答中的重要陈述里，至少有一条引文能在所引文档版本中找到的比例："
        "逐字一致、规范化后一致，或模糊匹配得分不低于 `min_score`。"
        "同一对话（轨迹未注明对话时为该轨迹）的陈述为一个独立单元。"
        "输入和结论文字分别统计应用声明的陈述与从回答中提取的陈述：提取时遗漏的陈述不计入任何数目，会使比例偏高。",
    ),
    unit="share",
    direction=Direction.HIGHER,
    parameters=parameter_schema(
        min_score=share(0.9, meaning="lowest alignment, in [0, 1], at which a fuzzy match counts"),
        risk_tiers=ALL_TIERS,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "Claim", "Citation", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_material_supported(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of material claims with at least one citation that was found in its document."""
    return measure_asked(_ask(population, parameters), bound_confidence)
