"""What the JSON of a finding holds, read for showing. Free of Django and torch.

Probes of third parties write some of it, so nothing is taken on trust: what has another shape than it should is
`Malformed`, by itself, and the rest of the finding is still shown.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evidence.statistics import CONFIDENCE, Unit, estimate_mean, tally
from interpret.contracts import NullKind
from interpret.errors import InterpretError

MOST_CELLS: Final = 10_000  # of a heat map; more than a page can show
MOST_NAME: Final = 200  # characters of a name that is shown


class Malformed(InterpretError):
    """A part of a finding has not the shape it should have."""

    code = "malformed_finding_part"
    title = "A part of the finding cannot be shown"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its interval over `n` units; None where there is no interval."""

    value: float
    low: float | None
    high: float | None
    n: int | None


@dataclass(frozen=True, slots=True)
class Compared:
    """The statistic of a baseline, null or control, and in words what that is."""

    what: str
    amount: Amount


@dataclass(frozen=True, slots=True)
class Tests:
    """What a verdict rests on, by null: its own mean over clusters of distinct texts."""

    smallest_effect: float
    nulls: Mapping[str, Amount]
    random_sets: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """A figure that stands beside the statistic, in its unit, and in words what it is; None: there is none."""

    what: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Item:
    """The statistic of one unit."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class DoseValue:
    """What a dose came to, and what a control of the same dose did; None where that, or its interval, was not told."""

    dose: float
    value: float
    low: float
    high: float
    control: float | None
    control_low: float | None = None
    control_high: float | None = None


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A table of amounts in `unit`: one line for each of `rows`, which are `row`s, and one cell for each column."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    row: str
    column: str
    unit: str
    values: tuple[tuple[float, ...], ...]

    @property
    def lines(self) -> list[tuple[str, tuple[float, ...]]]:
        """Return each row's name with its cells."""
        return list(zip(self.rows, self.values, strict=True))


def read_compared(given: object) -> Compared | None:
    """Read a stored baseline, null or control; None: there is none.

    Raises:
        Malformed: it has another shape.
    """
    if given is None:
        return None
    told = _mapping(given, "a comparison")
    return Compared(_text(told, "what"), read_estimate(told.get("estimate")))


def read_estimate(given: object) -> Amount:
    """Read a stored estimate.

    Raises:
        Malformed: it has another shape, or its interval runs downwards.
    """
    told = _mapping(given, "an estimate")
    amount = _amount(told)
    return Amount(amount.value, amount.low, amount.high, _count(told.get("n"), "n"))


def read_differences(verdict: Mapping[str, Any]) -> dict[str, Amount]:
    """Read the paired difference to each null that a verdict rests on; those it has, in the order of `NullKind`.

    Raises:
        Malformed: one has another shape.
    """
    told = _mapping(verdict.get("differences") or {}, "differences")
    return {str(kind): _amount(_mapping(told[kind], str(kind))) for kind in NullKind if kind in told}


def read_number(told: object, name: str) -> float | None:
    """Return a number that may stand there; None: there is none that a float holds."""
    given = told.get(name) if isinstance(told, Mapping) else None
    try:
        return None if given is None else _number(given, name)
    except Malformed:
        return None


def read_tests(given: object) -> Tests | None:
    """Read the units of a test, and what each null comes to by itself; None: nothing was tested.

    Raises:
        Malformed: it has another shape.
    """
    if given is None:
        return None
    told = _mapping(given, "tested")
    units = [_mapping(unit, "a unit") for unit in _list(told, "units")]
    return Tests(
        smallest_effect=_number(told.get("smallest_effect"), "smallest_effect"),
        nulls={str(kind): found for kind in NullKind if (found := _null(units, kind))},
        random_sets=tuple(_number(value, "a random set") for value in _list(told, "random_sets")),
    )


def read_items(given: object) -> list[Item]:
    """Read the values of single units, least first.

    Raises:
        Malformed: it has another shape.
    """
    if given is None:
        return []
    if not isinstance(given, list | tuple):
        raise Malformed("per_item is no list")
    told = [_mapping(each, "an item") for each in given]
    items = [Item(_text(each, "id"), _number(each.get("value"), "an item's value")) for each in told]
    return sorted(items, key=lambda item: item.value)


def read_beside(details: Mapping[str, Any]) -> Beside | None:
    """Read what stands beside the statistic and is judged by nobody; None: nothing does.

    Raises:
        Malformed: it has another shape.
    """
    if "beside" not in details:
        return None
    told = _mapping(details["beside"], "beside")
    value = told.get("value")
    return Beside(_text(told, "what"), None if value is None else _number(value, "beside"))


def read_doses(details: Mapping[str, Any]) -> list[DoseValue]:
    """Read what each dose came to, least dose first; empty: none were tried.

    Raises:
        Malformed: it has another shape, or a dose stands there twice.
    """
    if "dose_response" not in details:
        return []
    doses = sorted(
        (_dose(_mapping(each, "a dose")) for each in _list(details, "dose_response")),
        key=lambda dose: dose.dose,
    )
    if len({dose.dose for dose in doses}) != len(doses):
        raise Malformed("dose_response: a dose stands there twice")
    return doses


def read_heat_map(details: Mapping[str, Any]) -> HeatMap | None:
    """Read a table of amounts; None: there is none.

    Raises:
        Malformed: it has another shape, or more than `MOST_CELLS` cells.
    """
    if "heat_map" not in details:
        return None
    told = _mapping(details["heat_map"], "heat_map")
    rows, columns = _names(told, "rows"), _names(told, "columns")
    if not rows or not columns or len(rows) * len(columns) > MOST_CELLS:
        raise Malformed(f"heat_map: {len(rows)} × {len(columns)} cells; 1 to {MOST_CELLS} can be shown")
    lines = _list(told, "values")
    if len(lines) != len(rows) or any(
        not isinstance(line, list) or len(line) != len(columns) for line in lines
    ):
        raise Malformed(f"heat_map: values are not {len(rows)} lines of {len(columns)} numbers")
    return HeatMap(
        rows=rows,
        columns=columns,
        row=_text(told, "row"),
        column=_text(told, "column"),
        unit=_text(told, "unit"),
        values=tuple(tuple(_number(value, "a cell") for value in line) for line in lines),
    )


def _dose(told: Mapping[str, Any]) -> DoseValue:
    amount = _amount(told)
    if amount.low is None or amount.high is None:
        raise Malformed("dose_response: a dose has no interval")
    control = _amount_of_control(told)
    return DoseValue(
        dose=_number(told.get("dose"), "a dose"),
        value=amount.value,
        low=amount.low,
        high=amount.high,
        control=control.value if control else None,
        control_low=control.low if control else None,
        control_high=control.high if control else None,
    )


def _amount_of_control(told: Mapping[str, Any]) -> Amount | None:
    if told.get("control") is None:
        return None
    names = {"value": "control", "low": "control_low", "high": "control_high"}
    return _amount({name: told.get(given) for name, given in names.items()})


def _null(units: Sequence[Mapping[str, Any]], kind: NullKind) -> Amount | None:
    """Return what a null comes to by itself: its mean over clusters, each distinct text once."""
    owners: dict[str, str] = {}
    texts: dict[str, dict[str, float]] = defaultdict(dict)
    for unit in units:
        nulls = _mapping(unit.get("nulls"), "nulls")
        if kind not in nulls:
            return None
        text = _text(unit, "text")
        owner = owners.setdefault(text, _text(unit, "cluster"))
        texts[owner].setdefault(text, _number(nulls[kind], str(kind)))
    found = estimate_mean(
        tally(Unit(len(values), sum(values.values())) for values in texts.values()), CONFIDENCE
    )
    return None if found is None else Amount(found.value, found.low, found.high, len(texts))


def _amount(told: Mapping[str, Any]) -> Amount:
    low, high = (None if told.get(name) is None else _number(told[name], name) for name in ("low", "high"))
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        raise Malformed(f"no interval: [{low}, {high}]")
    return Amount(_number(told.get("value"), "value"), low, high, None)


def _number(given: object, name: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise Malformed(f"{name} is no number")
    try:
        number = float(given)
    except OverflowError as exc:
        raise Malformed(f"{name} is too large a number") from exc
    if not math.isfinite(number):
        raise Malformed(f"{name} is not finite")
    return number


def _count(given: object, name: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise Malformed(f"{name} is no count")
    return given


def _text(told: Mapping[str, Any], name: str) -> str:
    given = told.get(name)
    if not isinstance(given, str):
        raise Malformed(f"{name} is no text")
    return given[:MOST_NAME]


def _names(told: Mapping[str, Any], name: str) -> tuple[str, ...]:
    given = _list(told, name)
    if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in given):
        raise Malformed(f"{name} are no names")
    return tuple(str(each)[:MOST_NAME] for each in given)


def _mapping(given: object, name: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise Malformed(f"{name} has no fields")
    return given


def _list(told: Mapping[str, Any], name: str) -> Sequence[Any]:
    given = told.get(name)
    if not isinstance(given, list | tuple):
        raise Malformed(f"{name} is no list")
    return given
