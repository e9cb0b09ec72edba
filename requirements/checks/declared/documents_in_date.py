"""Whether answers rely on documents that are in date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db.models import BooleanField, Exists, F, Func, JSONField, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, JSONObject

from evidence.evals.contracts import Direction
from evidence.models import SourceDocument, TraceDocument
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
from requirements.checks.shares import Asked, measure_asked, worst_of

# Dates are read by PostgreSQL's JSON path, which takes what is no date for false and never for an error.
_IS_DATED: Final = 'strict $.valid_until ? (@.datetime().type() like_regex "^(date|timestamp)")'
# A date without a time holds to its end: it is compared with the day of the answer, in UTC.
_UNTIL_THEN: Final = (
    "strict $.valid_until ? (@.datetime() >= $at.datetime() "
    '|| (@.datetime().type() == "date" && @.datetime() >= $day.datetime()))'
)
_FROM_BEFORE: Final = "strict $.valid_from ? (@.datetime() <= $at.datetime())"
_HAS_BEGINNING: Final = "strict $.valid_from"


def _says(path: str) -> Coalesce:
    """Whether what is said of a document holds at the time of the answer."""
    found = Func(
        F("said"),
        Func(Value(path), template="%(expressions)s::jsonpath"),
        F("times"),
        Value(True),  # noqa: FBT003  # SQL's `silent`
        function="jsonb_path_exists_tz",
        output_field=BooleanField(),
    )
    return Coalesce(found, Value(False), output_field=BooleanField())  # noqa: FBT003  # SQL's false


def _entries() -> QuerySet[SourceDocument]:
    """Return what the index versions that the trace of the outer row used say of its document."""
    in_index = SourceDocument.objects.filter(
        digest=OuterRef("digest"),
        index_version__traces__trace=OuterRef("trace_id"),
        index_version__traces__slot="index",
    )
    at = OuterRef("trace__ended_at")
    return in_index.annotate(
        said=Func(
            F("index_version__metadata"), Value("documents"), F("document_id"),
            template="(%(expressions)s)", arg_joiner=" -> ", output_field=JSONField(),
        ),
        times=JSONObject(at=_as_text(at, "YYYY-MM-DD\"T\"HH24:MI:SS+00:00"), day=_as_text(at, "YYYY-MM-DD")),
    )  # fmt: skip


def _as_text(at: OuterRef, form: str) -> Func:
    return Func(at, Value(form), template="to_char(%(expressions)s)", arg_joiner=" AT TIME ZONE 'UTC', ")


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    traces = traces_in(population, parameters)
    relied = TraceDocument.objects.filter(trace__in=traces.values("pk"))
    if parameters["relied"] == "cited":
        relied = relied.filter(cited=True)
    dated = _entries().filter(_says(_IS_DATED))
    holds = Q(_says(_UNTIL_THEN)) & (Q(_says(_FROM_BEFORE)) | ~Q(_says(_HAS_BEGINNING)))
    rows = relied.annotate(
        trace_digest=F("trace__digest"),
        is_dated=Exists(dated),
        is_in=Exists(dated.filter(holds)),
        is_out=Exists(dated.exclude(holds)),
    )
    undated = rows.filter(is_dated=False).count()
    observed = Observations(
        rows=rows.filter(is_dated=True),
        fit=admissible(population, "trace_id"),
        trace_digest="trace_digest",
        observed_at="trace__ended_at",
        of=Rows.DOCUMENTS,
        came_at="trace__sealed_at",
        trace="trace",
        unit_path="digest",
        missing={**count_set_aside(population), **({"undated": undated} if undated else {})},
        settling=settling_of(population, parameters),
    )
    return Asked(observed, good=Q(is_in=True, is_out=False))


@check(
    name="documents.in_date",
    version="1",
    title=Words("Sources are in date when they are used", "来源在使用时有效"),
    measures=Words(
        "Of the documents that sealed answers cite, or with `relied: any` also retrieved, each once an answer, the "
        "share that held at the end of the answer: `valid_until` was not over and `valid_from`, where stated, had "
        "begun. Both are dates or times in the metadata of the index version that the trace used, under "
        "`documents.DOCUMENT_ID`; a date without a time holds to its end, in UTC. A document of which nobody says "
        "until when it holds is missing: it counts against a pass and for a fail. All answers that rely on one "
        "document within `settle_hours` are one unit.",
        "已封存回答所引用的文档（设 `relied: any` 时也包括检索到的文档），每个回答各计一次，"
        "其中在回答结束时有效的比例：`valid_until` 未过，且如有 `valid_from` 则已开始。"
        "两者为轨迹所用索引版本元数据中 `documents.文档标识` 下的日期或时间；"
        "只有日期的，以协调世界时当日结束为止。无人说明有效期的文档计为缺失：判断通过时对其不利，判断不通过时对其有利。"
        "在 `settle_hours` 内依据同一文档的全部回答为一个独立单元。",
    ),
    unit="share",
    direction=Direction.HIGHER,
    parameters=parameter_schema(
        relied={
            "enum": ["cited", "any"],
            "default": "cited",
            "description": "whether documents count that a claim of the answer cites, or all that were retrieved too",
        },
        risk_tiers=ALL_TIERS,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "TraceDocument", "SourceDocument", "ArtefactVersion", "Reject"),
    independent=IndependentUnit.DOCUMENT,
    worst=worst_of(_ask),
)
def measure_in_date(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of reliances on a document during which it held."""
    return measure_asked(_ask(population, parameters), bound_confidence)
