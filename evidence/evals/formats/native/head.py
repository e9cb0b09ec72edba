"""What a native eval file says of its run: checked against `schema.json`, every fault in one answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, cast

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from evidence.digests import parse_digest
from evidence.evals.contracts import (
    SHARE,
    Direction,
    EvalFileError,
    MetricSpec,
    RunHead,
    RunStatus,
    VersionClaim,
)
from evidence.nearest import nearest_name
from evidence.statistics import Plan
from evidence.strict_json import JsonObject, faults_in, place_of

SCHEMA_FILE: Final = Path(__file__).with_name("schema.json")

_SCHEMA: Final[Mapping[str, Any]] = json.loads(SCHEMA_FILE.read_bytes())
_MOST_FAULTS: Final = 100  # in one answer
_TIMES: Final = ("observed_from", "observed_to", "collected_at")

_formats = FormatChecker(formats=())


def read_head(document: JsonObject) -> RunHead:
    """Read everything but the samples, which only have to be a list here.

    Raises:
        EvalFileError: something is missing, wrong, unknown or cannot be stored; lists all of it.
    """
    head = cast("dict[str, Any]", copy(document))
    if isinstance(head.get("samples"), list):
        head["samples"] = []
    _refuse(faults_in(head))
    _refuse(chain(_misfits(head), _disorder(head)))  # none is looked for that would not be told
    _refuse(chain(_idle_judge(head), _boundless_proportions(head)))
    return RunHead(
        run_key=head["run_key"],
        system=head["system"],
        release=head.get("release"),
        suite=_claim(head["suite"]),
        evaluator=_claim(head["evaluator"]),
        dataset=_claim(head["dataset"]),
        model=_claim(head["model"]),
        status=RunStatus(head["status"]),
        observed_from=_moment(head["observed_from"]),
        observed_to=_moment(head["observed_to"]),
        collected_at=_moment(head["collected_at"]),
        commit=head.get("commit"),
        metrics={key: _metric(key, declared, head) for key, declared in head["metrics"].items()},
        plan=_plan(head["dataset"], head.get("planned") or {}),
    )


def _refuse(faults: Iterable[str]) -> None:
    found = list(islice(faults, _MOST_FAULTS))
    if found:
        raise EvalFileError(found)


def _claim(given: Mapping[str, str | None]) -> VersionClaim:
    digest = given.get("digest")
    return VersionClaim(
        str(given["key"]), given.get("label"), None if digest is None else parse_digest(digest)
    )


def _metric(key: str, given: Mapping[str, Any], head: Mapping[str, Any]) -> MetricSpec:
    everywhere = given.get("unmentioned") != "not_applicable"
    judge = given.get("judge", head.get("judge"))  # null: none, though the run has one
    return MetricSpec(
        key,
        given["kind"],
        Direction(given["direction"]),
        given["unit"],
        everywhere,
        _claim(judge) if judge else None,
    )


def _plan(dataset: Mapping[str, Any], planned: Mapping[str, Any]) -> Plan:
    counts = (dataset.get("samples"), planned.get("limit"), planned.get("epochs"))
    samples, limit, epochs = (None if count is None else int(count) for count in counts)  # 8.0 is whole, too
    return Plan(samples, limit, epochs or 1)


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or _moment(value).tzinfo is not None


_formats.checks("date-time", raises=ValueError)(_is_moment)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _disorder(head: Mapping[str, object]) -> Iterator[str]:
    """Complain where the times are not in order; what is no time has its own complaint."""
    given = [head.get(name) for name in _TIMES]
    moments = [
        _moment(text) for text in given if isinstance(text, str) and _formats.conforms(text, "date-time")
    ]
    if moments != sorted(moments):
        yield f"{', '.join(_TIMES)}: must be in this order in time"


def _idle_judge(head: Mapping[str, Any]) -> Iterator[str]:
    """Complain of a judge of the run that no metric is by: somebody thinks that one is."""
    if head.get("judge") and all("judge" in declared for declared in head["metrics"].values()):
        yield "judge: must be left out where each metric names its own, or none"


def _boundless_proportions(head: Mapping[str, Any]) -> Iterator[str]:
    """Complain of proportions in another unit: of seconds called one, a missing one would count as 1 at most."""
    for name, declared in head["metrics"].items():
        if declared["kind"] == "proportion" and declared["unit"] != SHARE:
            yield f'{place_of(("metrics", name, "unit"))}: must be "share" where the kind is proportion, else mean'


# --- The schema's findings, in our words ---------------------------------------------------------------------
_validator = Draft202012Validator(_SCHEMA, format_checker=_formats)


def _misfits(head: JsonObject) -> Iterator[str]:
    """Say what does not fit the schema, a place once: `place: must be` and the title the schema has for it."""
    told: set[str] = set()
    for error in _validator.iter_errors(head):
        for place, complaint in _explain(error):
            if place not in told:
                told.add(place)
                yield f"{place}: {complaint}"


def _explain(error: ValidationError) -> Iterator[tuple[str, str]]:
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        for name in error.instance:
            if name not in known:
                yield place_of((*path, name)), f"unknown field; did you mean {nearest_name(name, known)!r}?"
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                wanted = _resolve(error.schema["properties"][name])
                yield place_of((*path, name)), f"must be {wanted['title']}"
    elif "propertyNames" in error.relative_schema_path:
        yield place_of((*path, error.instance)), f"must be {error.schema['title']}"
    else:
        yield place_of(path), f"must be {error.schema['title']}"


def _resolve(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return schema if reference is None else _SCHEMA["$defs"][reference.removeprefix("#/$defs/")]
