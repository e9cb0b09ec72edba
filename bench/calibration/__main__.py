"""Measure every section, print and write the page, and end with 1 where a promise is broken."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from bench.calibration.page import render, sections


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4000, help="for each simulated rate")
    parser.add_argument("--write", type=Path, help="where the page goes")
    options = parser.parse_args()
    tables, broken = [], []
    for each in sections():
        began = time.monotonic()
        rows = each.measure(options.runs)
        tables.append((each, rows))
        broken += [
            f"{each.title}: {row.case}: {', '.join(map(str, row.promised))}" for row in rows if row.is_broken
        ]
        print(f"{each.title}: {len(rows)} cases in {time.monotonic() - began:.0f} s")
    page = render(tables, options.runs)
    if options.write:
        options.write.write_text(page, encoding="utf-8")
    else:
        print(page)
    for line in broken:
        print(f"broken: {line}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
