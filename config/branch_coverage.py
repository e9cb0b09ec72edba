"""`make coverage`, once the suite has run: how much of the product it went through, and where it went least."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from coverage import Coverage
from rich.console import Console
from rich.table import Table
from rich.text import Text

LOOKED_AT: Final = 10  # files
SMALLEST: Final = 5  # statements; in a smaller file one line that is left out looks like a hole
FOLDER: Final = Path(__file__).resolve().parent.parent / "var" / "coverage"


def main() -> int:
    """Print what was measured, write the pages, and return 1 where the share fell below `fail_under`."""
    coverage = Coverage()
    coverage.load()
    share = coverage.json_report(outfile=str(FOLDER / "coverage.json"))
    coverage.html_report(directory=str(FOLDER / "html"))
    return print_measured(
        json.loads((FOLDER / "coverage.json").read_text(encoding="utf-8")),
        share,
        coverage.config.fail_under,
        Console(),
    )


def print_measured(measured: dict[str, Any], share: float, least: float, console: Console) -> int:
    """Print the totals and the files gone through least; return 1 where `share` is below `least`, both in per cent."""
    totals = measured["totals"]
    branches, lines = totals["num_branches"], totals["num_statements"]
    console.print(
        f"[bold]{share:.1f} %[/] of the product was run by its tests: {totals['covered_branches']} of {branches}"
        f" branches, {totals['covered_lines']} of {lines} statements. Pages: {FOLDER / 'html' / 'index.html'}",
        soft_wrap=True,
    )
    table = Table("file", "run", "statements never run", title=f"The {LOOKED_AT} files run least")
    for name, file in _least_covered(measured["files"]):
        table.add_row(Text(name), f"{file['summary']['percent_covered']:.0f} %", Text(_ranges(file)))
    console.print(table)
    if share < least:
        console.print(f"[bold red]below {least} %[/], which pyproject.toml asks for (tool.coverage.report)")
        return 1
    return 0


def _least_covered(files: dict[str, Any]) -> list[tuple[str, Any]]:
    listed = [(name, file) for name, file in files.items() if file["summary"]["num_statements"] >= SMALLEST]
    return sorted(listed, key=lambda item: item[1]["summary"]["percent_covered"])[:LOOKED_AT]


def _ranges(file: dict[str, Any]) -> str:
    """Return the numbers of lines never run, runs of neighbours as `from-to`."""
    runs: list[list[int]] = []
    for line in file["missing_lines"]:
        if runs and line == runs[-1][-1] + 1:
            runs[-1].append(line)
        else:
            runs.append([line])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


if __name__ == "__main__":
    sys.exit(main())
