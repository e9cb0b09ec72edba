"""What the application says of itself in an attribute of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from django.db.models import BooleanField, Exists, F, Func, JSONField, OuterRef, Q, Value
from django.db.models.functions import Coalesce

from evidence.evals.contracts import Direction
from evidence.models import Span
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, optional, parameter_schema
from requirements.checks.population import observe_traces
from requirements.checks.registry import check
from requirements.checks.shares import Asked, measure_asked, worst_of

_LARGEST: Final = 1e15  # of a bound: numbers up to it are told apart
_NUMBER_WITHIN: Final = 'strict $ ? (@.type() == "number" && @ >= $low && @ <= $high)'


class _Of(Func):
    """The value of an attribute by its name, whatever the name: "0" is a name here, and no place in a list."""

    template = "(%(expressions)s)"
    arg_joiner = " -> "
    output_field = JSONField()


def _is_within(value: str, low: float | None, high: float | None) -> Coalesce:
    """Whether a JSON value is a number, and within bounds. A text, a list or true is within none."""
    bounds = {"low": -_LARGEST if low is None else low, "high": _LARGEST if high is None else high}
    path = Func(Value(_NUMBER_WITHIN), template="%(expressions)s::jsonpath")
    found = Func(
        F(value), path, Value(bounds, JSONField()), Value(True),  # noqa: FBT003  # SQL's `silent`
        function="jsonb_path_exists",
        output_field=BooleanField(),
    )  # fmt: skip
    return Coalesce(found, Value(False), output_field=BooleanField())  # noqa: FBT003  # SQL's false


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    column, name = str(parameters["of"]), str(parameters["attribute"])
    carrying = Span.objects.filter(
        population.as_of.knew("received_at"),
        system_id=OuterRef("system_id"),
        trace_id=OuterRef("trace_id"),
        received_at__lte=OuterRef("sealed_at"),  # what came later is of a later revision
        **{f"{column}__has_key": name},
    ).annotate(said=_Of(F(column), Value(name)))
    fits = Q()
    if (listed := cast("Sequence[Any] | None", parameters.get("one_of"))) is not None:
        fits &= Q(said__in=[Value(each, JSONField()) for each in listed])
    low, high = (cast("float | None", parameters.get(end)) for end in ("lowest", "highest"))
    if low is not None or high is not None:
        carrying = carrying.annotate(is_within=_is_within("said", low, high))
        fits &= Q(is_within=True)
    annotations = {"says": Exists(carrying), **({"differs": Exists(carrying.exclude(fits))} if fits else {})}
    good = Q(says=True) & (Q(differs=False) if fits else Q())
    return Asked(observe_traces(population, parameters, **annotations), good=good)


def _bound(meaning: str) -> dict[str, object]:
    return optional({"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST, "description": meaning})


@check(
    name="traces.attribute",
    version="1",
    title=Words("An attribute that the application sends", "应用发送的属性"),
    measures=Words(
        "Of the sealed traces, the share in which at least one span carries the attribute, and each span that carries "
        "it has a value that is one of those listed, or a number within the bounds; without either, any value. A trace "
        "that lacks the attribute, or of which an erasure took it, does not count as good.",
        "已封存的轨迹中，至少一个跨度带有该属性，且带有该属性的每个跨度取值均属所列各值之一、或为界限内的数值的比例；"
        "两者均未设时任何值皆可。缺少该属性的轨迹，或该属性已被擦除的轨迹，不计为合格。",
    ),
    unit="share",
    direction=Direction.HIGHER,
    parameters=parameter_schema(
        attribute={
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "the attribute's name as it is sent, such as `app.answer.reading_level`",
        },
        of={
            "enum": ["attributes", "resource"],
            "default": "attributes",
            "description": "whether spans carry it themselves, or the resource that sent them",
        },
        one_of=optional(
            {
                "type": "array",
                "items": {"type": ["string", "number", "boolean"]},
                "minItems": 1,
                "maxItems": 100,
                "uniqueItems": True,
                "description": 'the values that are good; 1 and 1.0 are the same, 1 and "1" are not',
            }
        ),
        lowest=_bound("the smallest number that is good"),
        highest=_bound("the largest number that is good"),
        risk_tiers=ALL_TIERS,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "Span", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_attribute(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces whose spans carry the attribute with a value that is good."""
    return measure_asked(_ask(population, parameters), bound_confidence)
