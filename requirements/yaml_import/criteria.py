"""The criteria of a requirement file: each names a check, and is read against that check's declaration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, cast

from jsonschema import Draft202012Validator, ValidationError

from evidence.evals.contracts import Direction
from evidence.limits import excess
from evidence.nearest import MISSPELT, hint_at, nearest_name
from evidence.selectors.eval_comparisons import BETTER_WORDS
from evidence.worded import Worded, quoted, sentence_of, worded
from requirements.bounds import LARGEST_THRESHOLD, MOST_DAYS, MOST_N, MOST_UNIT, MOST_WORD
from requirements.checks.contracts import Check
from requirements.checks.registry import get_check
from requirements.drafts import DEFAULT_BOUND_CONFIDENCE, Comparator, CriterionDraft
from requirements.errors import UnknownCheck
from requirements.yaml_import.faults import PLAIN_KEY, Faults, brief, told_number
from requirements.yaml_import.links import CRITERION_LINKS
from requirements.yaml_import.numbers import number_meant
from requirements.yaml_import.reader import Path

_COMPARATOR_OF = {Direction.HIGHER: Comparator.AT_LEAST, Direction.LOWER: Comparator.AT_MOST}
CRITERION_FIELDS: Final = (
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
_KNOWN: Final = (*CRITERION_FIELDS, *CRITERION_LINKS)
_PERCENT: Final = frozenset({"percent", "per cent", "%", "pct", "percentage", "百分比"})
# What jsonschema says where a parameter does not fit, by its validators.
_OF_LIBRARY: Final = {
    "type": worded("%(given)s is not of type %(wanted)s"),
    "enum": worded("%(given)s is not one of %(wanted)s"),
    "minimum": worded("%(given)s is less than the minimum of %(wanted)s"),
    "maximum": worded("%(given)s is greater than the maximum of %(wanted)s"),
    "exclusiveMinimum": worded("%(given)s is less than or equal to the minimum of %(wanted)s"),
    "exclusiveMaximum": worded("%(given)s is greater than or equal to the maximum of %(wanted)s"),
    "required": worded("%(wanted)s is a required property"),
    "uniqueItems": worded("%(given)s has non-unique elements"),
    "pattern": worded("%(given)s does not match %(wanted)s"),
    "minItems": worded("%(given)s should be non-empty"),
    "minLength": worded("%(given)s should be non-empty"),
}
# Place, message, what was most likely meant.
_ParameterFault = tuple[tuple[str | int, ...], Worded, str | None]


def read_criterion(item: object, path: Path, faults: Faults) -> CriterionDraft | None:
    """Read one criterion, or report what is wrong with it and return None."""
    before = len(faults.problems)
    if not isinstance(item, Mapping):
        faults.add(path, "not_a_mapping", worded("a criterion must be a mapping with a key and a check"))
        return None
    faults.check_fields(item, path, known=_KNOWN, required=("key", "check", "min_n"))
    key = faults.key(item, path, pattern=PLAIN_KEY)
    check = _read_check(item, path, faults)
    comparator, threshold = _read_threshold(item, path, faults)
    min_n = faults.whole_number(item, "min_n", path, least=1, most=MOST_N)
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
        faults.add((*path, "check"), unknown.code, sentence_of(unknown), unknown.nearest)
        return None


def _read_threshold(
    item: Mapping[str, object], path: Path, faults: Faults
) -> tuple[Comparator | None, float]:
    given = [name for name in Comparator if name in item]
    if len(given) != 1:
        faults.add(path, "bad_threshold", worded("must give exactly one of 'at_least' and 'at_most'"))
        return None, 0.0
    comparator = given[0]
    unit = item.get("unit")
    value = faults.number(
        item[comparator],
        (*path, comparator),
        "bad_threshold",
        most=LARGEST_THRESHOLD,
        unit=unit if isinstance(unit, str) else None,
    )
    return comparator, value


def _read_bound_confidence(item: Mapping[str, object], path: Path, faults: Faults) -> float:
    value = item.get("confidence", DEFAULT_BOUND_CONFIDENCE)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.5 < value < 1:
        meant = number_meant(value, "share") or _hundredth(value)
        told = worded("must lie between 0.5 and 1, e.g. 0.95, not %(given)s", given=brief(value))
        faults.add((*path, "confidence"), "bad_confidence", told, meant)
        return DEFAULT_BOUND_CONFIDENCE
    return float(value)


def _read_unit(item: Mapping[str, object], check: Check, path: Path, faults: Faults) -> str:
    given = item.get("unit")
    if given is None:
        return check.unit or "share"
    here = (*path, "unit")
    if not isinstance(given, str) or not 0 < len(given.strip()) <= MOST_UNIT:
        faults.add(
            here, "bad_unit", worded("must be a text of 1 to %(most)s characters, e.g. share", most=MOST_UNIT)
        )
    elif check.unit is not None and given != check.unit:
        told = worded("the check %(check)s measures in %(unit)s", check=check.name, unit=repr(check.unit))
        if check.unit == "share":
            told = worded(
                "the check %(check)s measures in %(unit)s, between 0 and 1: 90 %% is 0.9",
                check=check.name,
                unit=repr(check.unit),
            )
        faults.add(here, "bad_unit", told, check.unit)
    elif given.strip().lower() in _PERCENT:
        faults.warn(
            here,
            "unit_percent",
            worded(
                "the unit %(given)s is compared with nothing measured as a share: if the eval file "
                "gives shares, leave the unit out and write 95 %% as 0.95",
                given=repr(given),
            ),
        )
    return str(given).strip()


def _check_fit(
    check: Check, comparator: Comparator | None, threshold: float, unit: str, path: Path, faults: Faults
) -> None:
    if comparator is None:
        return
    wanted = _COMPARATOR_OF[check.direction] if check.direction else comparator
    if check.direction and comparator is not wanted:
        message = worded(
            "for %(check)s %(direction)s is better, so its threshold is %(wanted)s",
            check=check.name,
            direction=BETTER_WORDS[check.direction],
            wanted=repr(wanted.value),
        )
        faults.add((*path, comparator), "bad_threshold", message, wanted)
    if unit == "share" and not 0 <= threshold <= 1:
        message = worded(
            "a share lies between 0 and 1, so %(threshold)s cannot be its threshold",
            threshold=f"{threshold:g}",
        )
        if 1 < threshold <= 100:
            message = worded(
                "a share lies between 0 and 1, so %(threshold)s cannot be its threshold; "
                "for %(threshold)s %% write %(share)s",
                threshold=f"{threshold:g}",
                share=f"{threshold / 100:g}",
            )
        faults.add((*path, comparator), "bad_threshold", message, _hundredth(threshold))


def _hundredth(value: object) -> str | None:
    """Return the share that a percentage stands for."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value / 100:.15g}" if is_number and 1 < value <= 100 else None  # type: ignore[operator]  # a number


def _read_parameters(
    item: Mapping[str, object], check: Check, path: Path, faults: Faults
) -> Mapping[str, object]:
    given = item.get("parameters")
    here = (*path, "parameters")
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        faults.add(here, "bad_parameters", worded("must be a mapping"))
        return {}
    known = tuple(cast("Mapping[str, object]", check.parameters["properties"]))
    for name in given:
        if name not in known:
            nearest = nearest_name(name, known)
            message = worded(
                "the check %(check)s has no parameter %(name)s; %(hint)s",
                check=check.name,
                name=repr(name),
                hint=hint_at(nearest),
            )
            faults.add((*here, name), "unknown_parameter", message, nearest)
    filled = check.with_defaults({name: value for name, value in given.items() if name in known})
    for place, message, nearest in _faults_of(check, filled):
        faults.add((*here, *place), "bad_parameters", message, nearest)
    return filled


def _faults_of(check: Check, filled: Mapping[str, object]) -> tuple[_ParameterFault, ...]:
    """Return what the check's schema refuses; the same parameters are looked at once."""
    try:
        written = json.dumps(filled, sort_keys=True, allow_nan=False)
    except ValueError:
        return (((), worded("no parameter may be infinite or no number"), None),)
    return _faults_of_written(check.name, written)


@lru_cache(maxsize=4_096)
def _faults_of_written(name: str, written: str) -> tuple[_ParameterFault, ...]:
    schema = get_check(name).parameters
    found = Draft202012Validator(schema).iter_errors(json.loads(written))
    faults = [(tuple(error.absolute_path), _in_words(error), _nearest_value(error)) for error in found]
    return (*faults, *_too_long(json.loads(written), ()))


def _in_words(error: ValidationError) -> Worded:
    if error.instance is None and error.validator == "type":
        return worded("is empty: it must be of type %(type)s", type=repr(error.validator_value))
    nearest, told = _nearest_value(error), _of_library(error)
    return worded("%(told)s; write %(nearest)s", told=told, nearest=nearest) if nearest else told


def _of_library(error: ValidationError) -> Worded:
    """Return what the library says, with its template where it is one of those that are known here."""
    template = _OF_LIBRARY.get(str(error.validator), "%(given)s")
    told = worded(template, given=repr(error.instance), wanted=_wanted(error))
    return told if told == error.message else quoted(error.message)


def _wanted(error: ValidationError) -> str:
    wanted = error.validator_value
    if error.validator == "required":
        return next((repr(each) for each in wanted if error.message.startswith(repr(each))), "")
    return repr(wanted)


def _nearest_value(error: ValidationError) -> str | None:
    """Return what was most likely meant: the option alike, the number in quotes, the share of a percentage."""
    given, wanted = error.instance, error.validator_value
    if error.validator == "enum" and isinstance(given, str):
        return nearest_name(given.lower(), [str(each) for each in wanted], alike=MISSPELT)
    if error.validator == "type" and wanted in ("number", "integer") and isinstance(given, str):
        return number_meant(given, "share")
    if error.validator == "maximum" and wanted == 1:
        return _hundredth(given)
    return None


def _too_long(value: object, place: tuple[str | int, ...]) -> Iterator[_ParameterFault]:
    """Yield the texts, at every depth, that are longer than any name is."""
    if isinstance(value, str) and len(value) > MOST_WORD:
        yield place, told_number(value, MOST_WORD), None
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _too_long(each, (*place, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _too_long(each, (*place, index))


def _read_slices(
    item: Mapping[str, object], check: Check, path: Path, faults: Faults
) -> tuple[Mapping[str, str], ...]:
    listed = item.get("slices")
    if listed is None:
        return ()
    here = (*path, "slices")
    if not isinstance(listed, list):
        faults.add(
            here, "bad_slices", worded("must be a list of slices, each a mapping, e.g. - {language: zh-Hans}")
        )
        return ()
    if too_many := excess(len(listed), "MAX_SLICES"):
        faults.add(here, "too_many", too_many)
        return ()
    slices: list[Mapping[str, str]] = []
    for index, where in enumerate(listed):
        if not isinstance(where, Mapping) or not where:
            faults.add((*here, index), "bad_slices", worded("a slice is a mapping, e.g. {language: zh-Hans}"))
            continue
        for dimension, value in where.items():
            _check_dimension(check, str(dimension), value, (*here, index, str(dimension)), faults)
        slices.append({str(dimension): str(value) for dimension, value in where.items()})
    return tuple(slices)


def _check_dimension(check: Check, dimension: str, value: object, path: Path, faults: Faults) -> None:
    if check.dimensions is not None and dimension not in check.dimensions:
        nearest = nearest_name(dimension, check.dimensions)
        message = worded(
            "the check %(check)s cannot be sliced by %(dimension)s; it can by %(dimensions)s",
            check=check.name,
            dimension=repr(dimension),
            dimensions=", ".join(check.dimensions),
        )
        faults.add(path, "unknown_dimension", message, nearest)
    if not isinstance(value, str) or not value.strip():
        faults.add(path, "bad_slices", worded("a slice's value is a text; put quotes round it"))
    elif len(value) > MOST_WORD:
        faults.check_length(value, path, MOST_WORD)
    if len(dimension) > MOST_WORD:
        faults.check_length(dimension, path, MOST_WORD)
