"""Traces assembled a second by one worker process, and what they cost it and PostgreSQL.

    python -m bench.assembly [--traces 2000 --rounds 5 --against ../other-checkout --json]

It fills a database of its own through the real web process, a round at a time, and each time has a new worker process
assemble everything as the worker's task does. What is stored grows from round to round, and the cost of a trace should
not. With `--against`, another checkout's worker does every other round, on the same database: on a machine that others
keep busy, the two are to be compared by what they cost in CPU time, and not by the clock.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.peer import PeerJob, send_load
from bench.server import REPOSITORY, environment_of, find_free_port, prepare_database, running_web
from config import embedded

SYSTEM: Final = "bench"  # as `bench.peer` names it
CLIENTS: Final = 2
REQUEST: Final = 50  # traces
WORKER: Final = Path(__file__).parent / "assembly_worker.py"


def main() -> None:
    """Fill and assemble, round by round, and print what it cost."""
    options = _read_options()
    folder = Path(tempfile.mkdtemp(prefix="tracebinder-bench-"))
    checkouts = {"this": REPOSITORY} | ({"other": options.against.resolve()} if options.against else {})
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in checkouts}
    try:
        with embedded.running(folder, valkey=False):
            token, port = prepare_database(folder, SYSTEM), find_free_port()
            with running_web(folder, port, 1):
                turns = [pair for _ in range(options.rounds) for pair in checkouts.items()]
                for seed, (name, checkout) in enumerate(turns):
                    _fill(token, port, options.traces, seed)
                    rounds[name].append(_assemble(folder, checkout))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result = {name: _summarise(of_one) for name, of_one in rounds.items()}
    print(json.dumps(result) if options.json else _format_table(result))


def _fill(token: str, port: int, n_traces: int, seed: int) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    n_requests = n_traces // (CLIENTS * REQUEST)
    url = f"http://127.0.0.1:{port}/v1/traces"
    numbers = range(seed * CLIENTS, (seed + 1) * CLIENTS)  # each has texts and ids of its own
    jobs = [PeerJob(number, url, headers, n_requests, REQUEST, warm_up=0) for number in numbers]
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        pool.map(send_load, jobs, chunksize=1)


def _assemble(folder: Path, checkout: Path) -> dict[str, Any]:
    """Have a process with the worker's rights, of a checkout's code, assemble all that waits; return what it says."""
    postgres_pid = (folder / "postgres" / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0]
    environment = environment_of(folder, "worker") | {"PYTHONPATH": str(checkout)}
    worker = subprocess.run(
        [sys.executable, "-P", str(WORKER), postgres_pid],
        cwd=checkout,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return dict(json.loads(worker.stdout))


def _summarise(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return medians over the rounds, and each round's cost."""
    seconds, worker, postgres = (
        [one[key] / one["traces"] for one in rounds]
        for key in ("seconds", "worker_cpu_seconds", "postgres_cpu_seconds")
    )
    return {
        "traces": sum(one["traces"] for one in rounds),
        "traces a second": round(1 / statistics.median(seconds)),
        "worker cpu ms a trace": round(statistics.median(worker) * 1_000, 2),
        "postgres cpu ms a trace": round(statistics.median(postgres) * 1_000, 2),
        "cpu ms a trace by round": [
            round((one + other) * 1_000, 2) for one, other in zip(worker, postgres, strict=True)
        ],
        "last round to first": round((worker[-1] + postgres[-1]) / (worker[0] + postgres[0]), 2),
        "resident mb by round": [one["resident_mb"] for one in rounds],
        "load average 1 minute": round(os.getloadavg()[0], 1),
    }


def _format_table(result: dict[str, dict[str, Any]]) -> str:
    keys = next(iter(result.values()))
    lines = [f"{'':26}" + "".join(f"{name:>34}" for name in result)]
    lines += [f"{key:26}" + "".join(f"{one[key]!s:>34}" for one in result.values()) for key in keys]
    return "\n".join(lines)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--traces", type=int, default=2_000, help="traces of a round (default 2000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each checkout (default 5)")
    parser.add_argument("--against", type=Path, help="another checkout of this repository, to compare with")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
