"""The pictures of a finding, with the same in numbers for a table. What cannot be drawn says why, by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any, Final, TypeVar

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence import drawings
from evidence.admin.frame.display import BAD, GOOD, PLAIN, WARN, drawing, tone_of
from evidence.admin.frame.units import unit_in_words
from evidence.figures import in_figures
from interpret.contracts import NullKind
from interpret.finding_parts import (
    Amount,
    DoseValue,
    HeatMap,
    Item,
    Malformed,
    Tests,
    read_compared,
    read_differences,
    read_doses,
    read_estimate,
    read_heat_map,
    read_items,
    read_number,
    read_tests,
)
from interpret.models import Finding

T = TypeVar("T")
NULLS: Final[Mapping[str, StrOrPromise]] = {
    NullKind.DEAD_MODEL: gettext_lazy("Dead model"),
    NullKind.SHUFFLED_ORDER: gettext_lazy("Shuffled order"),
    NullKind.TEXT_ONLY: gettext_lazy("Text alone"),
}
MOST_DOTS: Final = 2000  # of a strip; more are counted
_LISTED: Final = 10  # items at each end that the table names
_TALL: Final = 16  # characters of a unit on an axis of the narrow picture


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a picture and of its table."""

    label: StrOrPromise
    amount: Amount
    what: str = ""
    tone: str = PLAIN
    dots: tuple[float, ...] = ()

    @property
    def value(self) -> str:
        """The value, as text."""
        return in_figures(self.amount.value)

    @property
    def interval(self) -> str:
        """Its interval, as text; empty: it has none."""
        low, high = self.amount.low, self.amount.high
        return "" if low is None or high is None else f"[{in_figures(low, 3)}, {in_figures(high, 3)}]"

    def whisker(self) -> drawings.Whisker:
        """Return it as a drawing's row."""
        value, low, high = self.amount.value, self.amount.low, self.amount.high
        note = "" if self.amount.n is None else f"n {self.amount.n}"
        ends = (value, value) if low is None or high is None else (low, high)
        return drawings.Whisker(str(self.label), value, *ends, tone=self.tone, note=note, dots=self.dots)


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing, one for narrow pages where there is another, what its table holds, and what could not be read."""

    wide: SafeString | str = ""
    narrow: SafeString | str = ""
    rows: Sequence[Any] = ()
    troubles: Sequence[str] = ()
    more: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Reader:
    """Reads parts one by one and notes what has not the shape it should have."""

    troubles: list[str]

    def read(self, part: Callable[[], T], name: str) -> T | None:
        try:
            return part()
        except Malformed as exc:
            self.troubles.append(f"{name}: {exc}")
        except (ArithmeticError, ValueError):
            self.troubles.append(name)
        return None


def compare(finding: Finding) -> Picture:
    """Draw the value beside baseline, nulls, control and second seed, all on one axis."""
    reader = _Reader([])
    tests = reader.read(lambda: _tests_of(finding.internals), "tested")
    rows = [
        Row(
            _("Measured"), Amount(finding.value, finding.low, finding.high, finding.n),
            tone=tone_of(finding.status),
        ),
        *_second(finding, reader),
        *_compared(finding, tests, reader),
    ]  # fmt: skip
    band = _band(tests)
    return _whiskers(
        rows,
        reader,
        title=_("Value beside baseline, nulls, control and second seed"),
        unit=unit_in_words(finding.unit),
        band=band,
    )


def differ(finding: Finding) -> Picture:
    """Draw the paired difference to each null against the smallest effect of interest."""
    verdict = finding.verdict if isinstance(finding.verdict, Mapping) else {}
    reader = _Reader([])
    found = reader.read(lambda: read_differences(verdict), "differences") or {}
    smallest = read_number(verdict, "smallest_effect")
    rows = [
        Row(_("less %(null)s") % {"null": NULLS[kind]}, amount, tone=_tone(amount, smallest, finding.status))
        for kind, amount in found.items()
    ]
    if not rows:
        return Picture(troubles=reader.troubles)
    band = drawings.Band(0.0, smallest, _("too small to matter")) if smallest and smallest > 0 else None
    zero = drawings.Reference(0.0, "")
    return _whiskers(
        rows,
        reader,
        title=_("Paired differences to each null"),
        unit=unit_in_words(finding.unit),
        band=band,
        reference=zero,
    )


def show_items(finding: Finding) -> Picture:
    """Draw the value of each item, and name those at both ends."""
    reader = _Reader([])
    items = reader.read(lambda: read_items(_part(finding.internals, "per_item")), "per_item") or []
    if not items:
        return Picture(troubles=reader.troubles)
    dots = [drawings.Dot(item.name, item.value) for item in items[:MOST_DOTS]]
    mean = drawings.Reference(finding.value, _("measured"))
    svg = _drawn(
        lambda: drawings.strip(
            dots, title=_("The value of each item"), unit=unit_in_words(finding.unit), reference=mean
        ),
        reader,
    )
    return Picture(
        wide=svg, rows=_ends(items), troubles=reader.troubles, more={"n": len(items), "drawn": len(dots)}
    )


def show_doses(finding: Finding) -> Picture:
    """Draw what each dose came to."""
    reader = _Reader([])
    found: list[DoseValue] = reader.read(lambda: read_doses(_details(finding)), "dose_response") or []
    if not found:
        return Picture(troubles=reader.troubles)
    svg = _drawn(
        lambda: drawings.doses(
            [drawings.Dose(*astuple(each)) for each in found],
            title=_("Response to the dose"), unit=unit_in_words(finding.unit), dose=_("dose"),
            control=_("control of the same dose"),
        ),
        reader,
    )  # fmt: skip
    return Picture(wide=svg, rows=found, troubles=reader.troubles)


def show_heat(finding: Finding) -> Picture:
    """Draw a table of amounts, as layer by head."""
    reader = _Reader([])
    found: HeatMap | None = reader.read(lambda: read_heat_map(_details(finding)), "heat_map")
    if found is None:
        return Picture(troubles=reader.troubles)
    svg = _drawn(
        lambda: drawings.heat(
            found.values, rows=found.rows, columns=found.columns, row=found.row, column=found.column,
            unit=unit_in_words(found.unit),
            title=_("%(row)s by %(column)s") % {"row": found.row, "column": found.column},
        ),
        reader,
    )  # fmt: skip
    return Picture(wide=svg, rows=found.lines, troubles=reader.troubles, more={"map": found})


def _whiskers(
    rows: Sequence[Row], reader: _Reader, *, title: str, unit: str, band: drawings.Band | None,
    reference: drawings.Reference | None = None,
) -> Picture:  # fmt: skip
    drawn = [row.whisker() for row in rows]
    wide = _drawn(
        lambda: drawings.whiskers(
            drawn, title=title, unit=unit, band=band, reference=reference, width=900, notes=240
        ),
        reader,
    )
    narrow = wide and _drawn(
        lambda: drawings.whiskers(
            drawn, title=title, unit=unit[:_TALL], band=band, reference=reference, width=330, stacked=True
        ),
        reader,
    )
    return Picture(wide=wide, narrow=narrow, rows=rows, troubles=reader.troubles)


def _drawn(draw: Callable[[], str], reader: _Reader) -> SafeString | str:
    try:
        return drawing(draw())
    except drawings.DrawingError as exc:
        reader.troubles.append(str(exc))
        return ""


def _second(finding: Finding, reader: _Reader) -> list[Row]:
    told = _part(finding.stability, "second")
    found = None if told is None else reader.read(lambda: read_estimate(told), "stability")
    what = _part(finding.stability, "what")
    return [Row(_("Second seed"), found, str(what or ""))] if found else []


def _compared(finding: Finding, tests: Tests | None, reader: _Reader) -> list[Row]:
    rows = []
    for label, stored in ((_("Baseline"), finding.baseline), (_("Null"), finding.null)):
        found = reader.read(partial(read_compared, stored), label) if stored else None
        if found:
            rows.append(Row(label, found.amount, found.what))
    if tests:
        rows += [
            Row(NULLS[kind], amount, _("mean over clusters of distinct texts"))
            for kind, amount in tests.nulls.items()
        ]
    control = reader.read(lambda: read_compared(finding.control), _("Control")) if finding.control else None
    if control:
        sets = tests.random_sets if tests else ()
        rows.append(Row(_("Control"), control.amount, control.what, dots=sets[:MOST_DOTS]))
    return rows


def _band(tests: Tests | None) -> drawings.Band | None:
    """Return the values too little beyond the strongest null to matter."""
    if tests is None or not tests.nulls or tests.smallest_effect <= 0:
        return None
    strongest = max(amount.value for amount in tests.nulls.values())
    return drawings.Band(strongest, strongest + tests.smallest_effect, _("too small to matter"))


def _tone(amount: Amount, smallest: float | None, status: str) -> str:
    if smallest is None or amount.low is None or amount.high is None:
        return PLAIN
    if amount.low > smallest:
        return GOOD
    return BAD if amount.high < smallest and status == Finding.Status.NOT_SUPPORTED else WARN


def _ends(items: Sequence[Item]) -> list[Item]:
    """Return the least and the greatest items, or all where there are few."""
    return list(items) if len(items) <= 2 * _LISTED else [*items[:_LISTED], *items[-_LISTED:]]


def _tests_of(internals: object) -> Tests | None:
    return read_tests(_part(internals, "tested"))


def _details(finding: Finding) -> Mapping[str, Any]:
    found = _part(finding.internals, "details")
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise Malformed("details has no fields")
    return found


def _part(told: object, name: str) -> Any:
    return told.get(name) if isinstance(told, Mapping) else None
