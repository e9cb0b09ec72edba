"""The criteria of a requirement file: each names a check, and is read against that check's declaration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from jsonschema import Draft202012Validator

from evidence.evals.contracts import Direction
from evidence.limits import excess
from evidence.nearest import hint_at, nearest_name
from requirements.checks.contracts import Check
from requirements.checks.registry import get_check
from requirements.drafts import DEFAULT_BOUND_CONFIDENCE, Comparator, CriterionDraft
from requirements.errors import UnknownCheck
from requirements.yaml_import.faults import Faults
from requirements.yaml_import.links import CRITERION_LINKS
from requirements.yaml_import.reader import Path

MOST_DAYS = 36_500  # a hundred years: what is older is no evidence of anything here
_COMPARATOR_OF = {Direction.HIGHER: Comparator.AT_LEAST, Direction.LOWER: Comparator.AT_MOST}
_FIELDS = (
    "key",
    "check",
    "parameters",
    "at_least",
    "at_most",
    "unit",
    "min_n",
    "max_age_days",
    "confidence",
    "slices",
)


def read_criterion(item: object, path: Path, faults: Faults) -> CriterionDraft | None:
    """Read one criterion, or report what is wrong with it and return None."""
    before = len(faults.problems)
    if not isinstance(item, Mapping):
        faults.add(path, "not_a_mapping", "a criterion must be a mapping with a key and a check")
        return None
    faults.check_fields(item, path, known=(*_FIELDS, *CRITERION_LINKS), required=("key", "check", "min_n"))
    key = faults.key(item, path)
    check = _read_check(item, path, faults)
    comparator, threshold = _read_threshold(item, path, faults)
    min_n = faults.whole_number(item, "min_n", path, least=1)
    max_age = None
    if item.get("max_age_days") is not None:
        max_age = faults.whole_number(item, "max_age_days", path, least=1, most=MOST_DAYS)
    bound_confidence = _read_bound_confidence(item, path, faults)
    if check is None:
        return None
    unit = _read_unit(item, check, path, faults)
    _check_fit(check, comparator, threshold, unit, path, faults)
    parameters = _read_parameters(item, check, path, faults)
    slices = _read_slices(item, check, path, faults)
    if len(faults.problems) > before or comparator is None:
        return None
    return CriterionDraft(
        key=key,
        check=check.name,
        parameters=parameters,
        comparator=comparator,
        threshold=threshold,
        unit=unit,
        min_n=min_n,
        max_age_days=max_age,
        bound_confidence=bound_confidence,
        slices=slices,
    )


def _read_check(item: Mapping[str, object], path: Path, faults: Faults) -> Check | None:
    if "check" not in item:
        return None
    try:
        return get_check(str(item["check"]))
    except UnknownCheck as unknown:
        faults.add((*path, "check"), unknown.code, str(unknown), unknown.nearest)
        return None


def _read_threshold(
    item: Mapping[str, object], path: Path, faults: Faults
) -> tuple[Comparator | None, float]:
    given = [name for name in Comparator if name in item]
    if len(given) != 1:
        faults.add(path, "bad_threshold", "must give exactly one of 'at_least' and 'at_most'")
        return None, 0.0
    comparator = given[0]
    value = item[comparator]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        faults.add((*path, comparator), "bad_threshold", f"must be a number, not {value!r}")
        return None, 0.0
    return comparator, float(value)


def _read_bound_confidence(item: Mapping[str, object], path: Path, faults: Faults) -> float:
    value = item.get("confidence", DEFAULT_BOUND_CONFIDENCE)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.5 < value < 1:
        faults.add((*path, "confidence"), "bad_confidence", "must lie between 0.5 and 1, e.g. 0.95")
        return DEFAULT_BOUND_CONFIDENCE
    return float(value)


def _read_unit(item: Mapping[str, object], check: Check, path: Path, faults: Faults) -> str:
    given = item.get("unit")
    if given is None:
        return check.unit or "share"
    if not isinstance(given, str) or not 0 < len(given) <= 32:
        faults.add((*path, "unit"), "bad_unit", "must be a short text, e.g. share")
    elif check.unit is not None and given != check.unit:
        faults.add((*path, "unit"), "bad_unit", f"the check {check.name} measures in {check.unit!r}")
    return str(given)


def _check_fit(
    check: Check, comparator: Comparator | None, threshold: float, unit: str, path: Path, faults: Faults
) -> None:
    if comparator is None:
        return
    wanted = _COMPARATOR_OF[check.direction] if check.direction else comparator
    if comparator is not wanted:
        message = f"for {check.name} {check.direction} is better, so its threshold is {wanted.value!r}"
        faults.add((*path, comparator), "bad_threshold", message, wanted)
    if unit == "share" and not 0 <= threshold <= 1:
        message = f"a share lies between 0 and 1, so {threshold:g} cannot be its threshold"
        if 1 < threshold <= 100:
            message += f"; for {threshold:g} % write {threshold / 100:g}"
        faults.add((*path, comparator), "bad_threshold", message)


def _read_parameters(
    item: Mapping[str, object], check: Check, path: Path, faults: Faults
) -> Mapping[str, object]:
    given = item.get("parameters")
    here = (*path, "parameters")
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        faults.add(here, "bad_parameters", "must be a mapping")
        return {}
    known = tuple(cast("Mapping[str, object]", check.parameters["properties"]))
    for name in given:
        if name not in known:
            nearest = nearest_name(name, known)
            message = f"the check {check.name} has no parameter {name!r}; {hint_at(nearest)}"
            faults.add((*here, name), "unknown_parameter", message, nearest)
    filled = check.with_defaults({name: value for name, value in given.items() if name in known})
    for error in Draft202012Validator(check.parameters).iter_errors(filled):
        faults.add((*here, *error.absolute_path), "bad_parameters", error.message)
    return filled


def _read_slices(
    item: Mapping[str, object], check: Check, path: Path, faults: Faults
) -> tuple[Mapping[str, str], ...]:
    listed = item.get("slices")
    if listed is None:
        return ()
    here = (*path, "slices")
    if not isinstance(listed, list):
        faults.add(here, "bad_slices", "must be a list of slices, each a mapping, e.g. - {language: zh-Hans}")
        return ()
    if too_many := excess(len(listed), "MAX_SLICES"):
        faults.add(here, "too_many", too_many)
        return ()
    slices: list[Mapping[str, str]] = []
    for index, where in enumerate(listed):
        if not isinstance(where, Mapping) or not where:
            faults.add((*here, index), "bad_slices", "a slice is a mapping, e.g. {language: zh-Hans}")
            continue
        for dimension, value in where.items():
            _check_dimension(check, str(dimension), value, (*here, index, str(dimension)), faults)
        slices.append({str(dimension): str(value) for dimension, value in where.items()})
    return tuple(slices)


def _check_dimension(check: Check, dimension: str, value: object, path: Path, faults: Faults) -> None:
    if check.dimensions is not None and dimension not in check.dimensions:
        nearest = nearest_name(dimension, check.dimensions)
        message = f"the check {check.name} cannot be sliced by {dimension!r}; it can by "
        faults.add(path, "unknown_dimension", message + ", ".join(check.dimensions), nearest)
    if not isinstance(value, str) or not value:
        faults.add(path, "bad_slices", "a slice's value is a text; put quotes round it")
