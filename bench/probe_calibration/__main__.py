"""Measure what is not measured yet, and write the page: stopped at any time, it goes on with the next run."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.probe_calibration import audit, figures, page
from bench.probe_calibration.cases import KINDS, Kind, statistics_of
from bench.probe_calibration.runs import Run, measure, read_runs

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0; 1 where a promise is broken, 2 where the hunter is not committed."""
    options = _parse(arguments)
    options.state.mkdir(parents=True, exist_ok=True)
    file, many = options.state / "runs.jsonl", options.runs
    drawn, audited = None, list[audit.Verdict]()
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        if not options.no_audit:
            try:
                drawn = audit.draw(options.state / "audit.json")
            except audit.NotCommitted as exc:
                print(exc, file=sys.stderr)
                return 2
        _measure(pool, file, _wanted(options.only, many, real=not options.small), options.store)
        if drawn is not None:
            tasks = [
                pool.submit(audit.hunt, i, *each, options.store)
                for i, each in enumerate(audit.models_of(drawn))
            ]
            audited = [done.result() for done in as_completed(tasks)]
    runs = read_runs(file)
    if options.write:
        _write(options.write, options.figures, page.render(runs, drawn, audited), page.as_json(runs))
    else:
        print(page.render(runs, drawn, audited))
    broken = _broken(runs)
    for line in broken:
        print(f"broken: {line}", file=sys.stderr)
    return 1 if broken else 0


def _wanted(only: Sequence[str], runs: int | None, *, real: bool) -> list[tuple[Kind, int]]:
    kinds = [kind for kind in KINDS if (not only or kind.name in only) and (real or not kind.real)]
    many = {kind.name: kind.many if runs is None else runs for kind in kinds}
    rounds = range(max(many.values(), default=0))  # some of each first, for whoever stops it
    return [(kind, number) for number in rounds for kind in kinds if number < many[kind.name]]


def _measure(pool: ProcessPoolExecutor, file: Path, wanted: Sequence[tuple[Kind, int]], store: Path) -> None:
    done = {(run.kind, run.number) for run in read_runs(file)}
    left = [(kind, number) for kind, number in wanted if (kind.name, number) not in done]
    tasks = [pool.submit(measure, kind, number, store) for kind, number in left]
    with file.open("a", encoding="utf-8") as lines:
        for number, task in enumerate(as_completed(tasks), 1):
            run = task.result()
            print(run.as_line(), file=lines, flush=True)
            said = ", ".join(f"{told.statistic.rpartition('.')[2]} {told.status}" for told in run.findings)
            print(f"{number}/{len(left)} {run.kind} {run.number}: {said}, {run.seconds:.0f} s", flush=True)


def _write(to: Path, figures_to: Path, text: str, found: dict[str, Any]) -> None:
    """Write what was measured; of probes that were not, and an audit that was not drawn, what stands there is kept."""
    before = to.read_text(encoding="utf-8") if to.exists() else ""
    kept = json.loads(figures_to.read_text(encoding="utf-8")) if figures_to.exists() else {}
    to.write_text(page.renewed(before, text), encoding="utf-8")
    figures_to.write_text(json.dumps(page.renewed_figures(kept, found), indent=1) + "\n", encoding="utf-8")


def _broken(runs: Sequence[Run]) -> list[str]:
    faults = []
    for probe in sorted({run.probe for run in runs}):
        ours = [run for run in runs if run.probe == probe]
        faults += figures.broken(ours, statistics_of(probe))
    return faults


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.probe_calibration", description=__doc__)
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="where the page goes; without, it is printed"
    )
    parser.add_argument("--figures", type=Path, default=ROOT / "interpret" / "calibration" / "figures.json")
    parser.add_argument(
        "--state", type=Path, default=ROOT / "var" / "calibration", help="where runs are kept"
    )
    parser.add_argument("--store", type=Path, default=ROOT / "var" / "models", help="the model store")
    parser.add_argument("--runs", type=int, help="of each kind, instead of what it wants")
    parser.add_argument("--small", action="store_true", help="planted models alone, without SmolLM2")
    parser.add_argument("--no-audit", action="store_true", help="without the blind audit")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument(
        "--only", nargs="+", default=[], choices=[kind.name for kind in KINDS], metavar="MODEL"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
