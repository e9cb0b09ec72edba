"""Measure sections, print or write the page, and end with 1 where a promise is broken."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.calibration.page import render, render_section, sections


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for."""
    options = _parse(arguments)
    before = options.write.read_text(encoding="utf-8") if options.write and options.write.exists() else ""
    measured, broken = {}, []
    for each in sections():
        if options.only and each.title not in options.only:
            continue
        began, runs = time.monotonic(), each.runs_of(options.runs)
        rows = each.measure(runs)
        measured[each.title] = render_section(each, rows, runs)
        broken += [
            f"{each.title}: {row.case}: {', '.join(map(str, row.promised))}" for row in rows if row.is_broken
        ]
        print(f"{each.title}: {len(rows)} cases in {time.monotonic() - began:.0f} s")
    page = render(measured, before)
    if options.write:
        options.write.write_text(page, encoding="utf-8")
    else:
        print(page)
    for line in broken:
        print(f"broken: {line}", file=sys.stderr)
    return 1 if broken else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    titles = [each.title for each in sections()]
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("--runs", type=int, default=4000, help="for each simulated rate")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="where the page goes")
    parser.add_argument(
        "--only", nargs="+", choices=titles, metavar="TITLE",
        help="sections to measure; PAGE keeps the others as they are",
    )  # fmt: skip
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
