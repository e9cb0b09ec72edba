"""The page that `make calibrate-gates` writes: sections, each a table that was measured and what it has to show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

ALPHA: Final = 0.05  # of one bound at the confidence that criteria have unless they state another

_HEAD: Final = """# What the statistics of verdicts promise

Written by `make calibrate-gates`, which simulates and takes minutes; the tests run a short version of it. Each
method is in `evidence/statistics/`, with its source.

A verdict passes by a bound at 0.95, so at most 5 % of what lies exactly at the threshold may pass, and at most 5 %
of it may fail. *False pass* and *false fail* are those two rates. *Power* is how often what is better than the
threshold passes, by half of what there is to be better by unless a table says otherwise. *Width* is how far the
bound lies from the value, relative to the naive interval: Wilson's for shares and Student's for means, over
observations taken for independent. *Naive* is the false-pass rate of that one. Rates without a number of runs are
exact. A simulated rate may exceed 5 % by three of its standard errors; otherwise the command ends with 1.
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened."""

    value: float  # in [0, 1]
    runs: int | None = None  # None: computed, and not simulated

    def exceeds(self, alpha: float = ALPHA) -> bool:
        """Whether it is above a promise by more than simulation explains: three standard errors."""
        error = math.sqrt(alpha * (1 - alpha) / self.runs) if self.runs else 1e-9
        return self.value > alpha + 3 * error

    def marked(self) -> str:
        """Return it in bold where it exceeds the promise."""
        return f"**{self}**" if self.exceeds() else str(self)

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} %"


@dataclass(frozen=True, slots=True)
class Row:
    """One case of a table."""

    case: str
    cells: tuple[str, ...]
    promised: tuple[Rate, ...]  # each at most `ALPHA`

    @property
    def is_broken(self) -> bool:
        """Whether a rate is above what is promised."""
        return any(rate.exceeds() for rate in self.promised)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page."""

    title: str
    says: str
    columns: tuple[str, ...]  # after the first, which is the case
    measure: Callable[[int], list[Row]]  # of how many runs to simulate for each case
    order: int


_sections: list[Section] = []


def section(
    *, title: str, says: str, columns: tuple[str, ...], order: int
) -> Callable[[Callable[[int], list[Row]]], Callable[[int], list[Row]]]:
    """Declare the function below as what measures a section of the page."""

    def declare(measure: Callable[[int], list[Row]]) -> Callable[[int], list[Row]]:
        _sections.append(Section(title, says, columns, measure, order))
        return measure

    return declare


def sections() -> list[Section]:
    """Return every section, in order. The first call imports the modules that declare them."""
    for module in iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    return sorted(_sections, key=lambda each: (each.order, each.title))


def render(tables: list[tuple[Section, list[Row]]], runs: int) -> str:
    """Return the page."""
    parts = [_HEAD, f"Runs for each simulated rate: {runs:,}.\n"]
    for each, rows in tables:
        parts += [f"## {each.title}\n", f"{each.says}\n", _table(each, rows)]
    return "\n".join(parts)


def _table(each: Section, rows: list[Row]) -> str:
    lines = ["| " + " | ".join(("case", *each.columns)) + " |", "|---" * (len(each.columns) + 1) + "|"]
    lines += ["| " + " | ".join((row.case, *row.cells)) + " |" for row in rows]
    return "\n".join(lines) + "\n"
