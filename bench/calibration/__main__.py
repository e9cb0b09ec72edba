"""Measure sections, print or write the page, and end with 1 where a promise is broken."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from bench.calibration.page import render, render_section, sections


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for."""
    options = _parse(arguments)
    before = options.write.read_text(encoding="utf-8") if options.write and options.write.exists() else ""
    wanted = [each.title for each in sections() if not options.only or each.title in options.only]
    measured, broken = {}, []
    with ProcessPoolExecutor(options.processes) as pool:
        for done in as_completed([pool.submit(measure, title, options.runs) for title in wanted]):
            title, text, broken_here, said = done.result()
            measured[title] = text
            broken += broken_here
            print(said, flush=True)
    page = render(measured, before)
    if options.write:
        options.write.write_text(page, encoding="utf-8")
    else:
        print(page)
    for line in broken:
        print(f"broken: {line}", file=sys.stderr)
    return 1 if broken else 0


def measure(title: str, asked: int) -> tuple[str, str, list[str], str]:
    """Measure one section: its title, its text, the promises broken in it, and what to say of it."""
    (each,) = (each for each in sections() if each.title == title)
    began, runs = time.process_time(), each.runs_of(asked)
    rows = each.measure(runs)
    broken = [f"{title}: {row.case}: {', '.join(map(str, row.promised))}" for row in rows if row.is_broken]
    said = f"{title}: {len(rows)} cases in {time.process_time() - began:.0f} s"
    return title, render_section(each, rows, runs), broken, said


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    titles = [each.title for each in sections()]
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("--runs", type=int, default=4000, help="for each simulated rate")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="sections measured at once")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="where the page goes")
    parser.add_argument(
        "--only", nargs="+", choices=titles, metavar="TITLE",
        help="sections to measure; PAGE keeps the others as they are",
    )  # fmt: skip
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
