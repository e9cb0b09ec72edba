"""Traces assembled a second by one worker process, and whether its memory stays flat.

    python -m bench.assembly [--traces 20000 --json]

It fills a database of its own through the real web process, then assembles everything as the worker's task does. The
first tenth is the baseline of the same run: the cost of a trace should not grow with what is stored.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.peer import PeerJob, send_load
from bench.processes import measure_tree
from bench.server import REPOSITORY, environment_of, find_free_port, prepare_database, running_web
from config import embedded

SYSTEM: Final = "bench"  # as `bench.peer` names it
CLIENTS: Final = 2
REQUEST: Final = 50  # traces
TENTHS: Final = 10


def main() -> None:
    """Fill, assemble in a worker process, and print what it cost."""
    options = _read_options()
    if options.inside:
        _assemble(options.traces)
        return
    folder = Path(tempfile.mkdtemp(prefix="tracebinder-bench-"))
    try:
        with embedded.running(folder, valkey=False):
            _fill(folder, options.traces)
            command = [sys.executable, "-m", "bench.assembly", "--inside", "--traces", str(options.traces)]
            worker = subprocess.run(
                command,
                cwd=REPOSITORY,
                env=environment_of(folder, "worker"),
                check=True,
                capture_output=True,
                text=True,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tenths = [json.loads(line) for line in worker.stdout.splitlines()]
    result = _summarise(tenths)
    print(
        json.dumps(result)
        if options.json
        else "\n".join(f"{key:34} {value}" for key, value in result.items())
    )


def _fill(folder: Path, n_traces: int) -> None:
    token, port = prepare_database(folder, SYSTEM), find_free_port()
    headers = {"Authorization": f"Bearer {token}"}
    n_requests = n_traces // (CLIENTS * REQUEST)
    url = f"http://127.0.0.1:{port}/v1/traces"
    jobs = [PeerJob(number, url, headers, n_requests, REQUEST, warm_up=0) for number in range(CLIENTS)]
    with running_web(folder, port, 1), multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        pool.map(send_load, jobs, chunksize=1)


def _assemble(n_traces: int) -> None:
    """Assemble all that waits, and print a line a tenth. Runs in a process with the worker's rights."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415  # its settings read this process's environment

    django.setup()
    from django.conf import settings  # noqa: PLC0415

    from evidence.services.assembly import assemble_due_traces  # noqa: PLC0415

    time.sleep(settings.ASSEMBLY_QUIET)  # until the last trace has gone quiet
    done, printed, started, before = 0, 0, time.monotonic(), measure_tree(os.getpid())
    while done < n_traces:
        done += assemble_due_traces(limit=settings.ASSEMBLY_BATCH)
        if done - printed >= n_traces // TENTHS:
            now = measure_tree(os.getpid())
            line = {
                "traces": done - printed,
                "seconds": time.monotonic() - started,
                "cpu_seconds": now.cpu_seconds - before.cpu_seconds,
                "resident_mb": now.resident_bytes // 1_000_000,
            }
            print(json.dumps(line), flush=True)
            printed, started, before = done, time.monotonic(), now


def _summarise(tenths: list[dict[str, Any]]) -> dict[str, Any]:
    cost = [tenth["seconds"] / tenth["traces"] * 1_000 for tenth in tenths]
    n_traces = sum(tenth["traces"] for tenth in tenths)
    return {
        "traces": n_traces,
        "traces a second": round(n_traces / sum(tenth["seconds"] for tenth in tenths)),
        "worker cpu ms a trace": round(sum(tenth["cpu_seconds"] for tenth in tenths) / n_traces * 1_000, 2),
        "ms a trace by tenth": [round(each, 2) for each in cost],
        "last tenth to first": round(cost[-1] / cost[0], 2),
        "resident mb by tenth": [tenth["resident_mb"] for tenth in tenths],
    }


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--traces", type=int, default=5_000, help="traces to assemble (default 5000)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)  # the worker process itself
    return parser.parse_args()


if __name__ == "__main__":
    main()
