"""`verify_log` over many rows: how many a second, by one process and by two, whole and since a checkpoint.

    python -m bench.verify_log [--traces 10000] [--processes 1 2]

The rows are those of traces, ingested and assembled as a server does it, on a PostgreSQL of its own below a temporary
folder: about 20 rows a trace.
"""

from __future__ import annotations

import argparse
import sys
import time

from bench.binder import SYSTEM, fill
from bench.server import make_token, own_database


def main() -> int:
    """Make the rows, check them in each way, and print a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--traces", type=int, default=10_000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    with own_database() as folder:
        make_token(folder, SYSTEM)
        fill(options.traces)
        size = _log()
        for processes in options.processes:
            _check(processes)
        _check(1, since=size)
    return 0


def _log() -> int:
    """Sequence and sign all there is; return the size of the signed tree."""
    from evidence.models import Checkpoint  # noqa: PLC0415  # after django.setup()
    from evidence.services import log  # noqa: PLC0415

    while log.sequence_events():
        pass
    log.sign_checkpoint()
    return Checkpoint.objects.latest("size").size


def _check(processes: int, since: int = 0) -> None:
    from evidence.services import log  # noqa: PLC0415  # after django.setup()

    began = time.perf_counter()
    report = log.check_log(since=since, effort=log.Effort(processes))
    seconds = time.perf_counter() - began
    what = f"since {since:,}" if since else f"{processes} process{'es' if processes > 1 else ''}"
    print(
        f"{what:<18}{report.rows.rows / seconds:>10,.0f} rows/s {seconds:>8,.1f} s   {report.rows.rows:,} rows, "
        f"{report.size:,} leaves, {report.n_faults} faults",
        flush=True,
    )
    for fault in report.faults[:3]:
        print(fault)


if __name__ == "__main__":
    sys.exit(main())
