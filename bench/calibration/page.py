"""The page that `make calibrate-gates` writes: sections, each a table that was measured and what it has to show."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
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
observations taken for independent. *Naive* is the false-pass rate of that one, which promises nothing here. In bold
is what exceeds 5 %.

Under each text stands how many runs a simulated rate has; power, widths and numbers of units may have a quarter of
them. A rate that is promised may exceed 5 % by three standard errors of so many runs, an exact one by nothing;
otherwise the command ends with 1.
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
    one_in: int | None  # of the runs asked for, where each is slow; None: exact, there are none

    def runs_of(self, asked: int) -> int:
        """Return how many runs it simulates where so many are asked for."""
        return max(asked // self.one_in, 1) if self.one_in else 0


_sections: list[Section] = []


def section(
    *, title: str, says: str, columns: tuple[str, ...], order: int, one_in: int | None = 1
) -> Callable[[Callable[[int], list[Row]]], Callable[[int], list[Row]]]:
    """Declare the function below as what measures a section of the page."""

    def declare(measure: Callable[[int], list[Row]]) -> Callable[[int], list[Row]]:
        _sections.append(Section(title, says, columns, measure, order, one_in))
        return measure

    return declare


def sections() -> list[Section]:
    """Return every section, in order. The first call imports the modules that declare them."""
    for module in iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    return sorted(_sections, key=lambda each: (each.order, each.title))


def render_section(each: Section, rows: list[Row], runs: int) -> str:
    """Return a section as it stands on the page, measured with so many runs."""
    how = f"Runs for each simulated rate: {runs:,}." if runs else "Exact: computed, and not simulated."
    return f"## {each.title}\n\n{each.says}\n\n{how}\n\n{_table(each, rows)}"


def render(measured: Mapping[str, str], before: str = "") -> str:
    """Return the page.

    Args:
        measured: sections by title.
        before: the page as it was, which has the sections that were not measured this time.
    """
    texts = {**_split(before), **measured}
    return "\n".join([_HEAD, *(texts[each.title] for each in sections() if each.title in texts)])


def _split(page: str) -> dict[str, str]:
    """Return the sections of a page by title."""
    parts = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in parts}


def _table(each: Section, rows: list[Row]) -> str:
    lines = ["| " + " | ".join(("case", *each.columns)) + " |", "|---" * (len(each.columns) + 1) + "|"]
    lines += ["| " + " | ".join((row.case, *row.cells)) + " |" for row in rows]
    return "\n".join(lines) + "\n"
