"""One section of the page of calibration figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """A table with what it shows, in words."""

    title: str
    text: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def as_markdown(self) -> str:
        """Return the section as it stands on the page."""
        lines = [self.header, tuple("---" for _ in self.header), *self.rows]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"## {self.title}\n{self.text}\n\n{table}\n"


def percent(share: float) -> str:
    """Return a share as a percentage with one decimal: 0.0514 is "5.1 %"."""
    return f"{100 * share:.1f} %"
