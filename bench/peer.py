"""The load of `bench.ingest` against another OTLP/HTTP server, to compare with in the same hour on the same machine.

    python -m bench.peer --url http://127.0.0.1:5000/v1/traces --header 'x-mlflow-experiment-id: 1' --pid 4711 \
        --stored-in mlflow.db

It counts what was acknowledged, and with `--stored-in` (an SQLite file with a table `spans`, as MLflow and Phoenix have
one) what can be read there: a server may acknowledge what it keeps in memory alone. The clock and the CPU time then run
until the last span is in the table.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import multiprocessing
import socket
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from bench.generate import SPANS_A_TRACE, TraceGenerator
from bench.processes import measure_tree

WARM_UP: Final = 2  # requests by each client before the clock starts
TIMEOUT: Final = 120  # seconds an answer may take
LONGEST_IN_MEMORY: Final = 600  # seconds until what was acknowledged must be stored


@dataclass(frozen=True, slots=True)
class PeerJob:
    """What one client process does."""

    number: int
    url: str
    headers: dict[str, str]
    n_requests: int
    batch: int  # traces a request
    warm_up: int = WARM_UP  # requests before the clock starts


def main() -> None:
    """Send the load and print what was acknowledged."""
    options = _read_options()
    headers = dict(line.split(": ", 1) for line in options.header)
    n_requests = math.ceil(options.traces / options.batch / options.clients)
    jobs = [
        PeerJob(number, options.url, headers, n_requests, options.batch) for number in range(options.clients)
    ]
    with multiprocessing.get_context("spawn").Pool(options.clients) as pool:
        before = measure_tree(options.pid) if options.pid else None
        spans = pool.map(send_load, jobs, chunksize=1)
    started, ended = min(began for began, _ in spans), max(over for _, over in spans)
    n_traces = n_requests * options.clients * options.batch
    sent = n_traces + WARM_UP * options.clients * options.batch
    result: dict[str, Any] = {"traces": n_traces, "acknowledged_per_second": n_traces / (ended - started)}
    if options.stored_in:
        wait_until_stored(options.stored_in, sent * SPANS_A_TRACE)
        result["stored_per_second"] = n_traces / (time.monotonic() - started)
    if before is not None:
        cpu = measure_tree(options.pid).cpu_seconds - before.cpu_seconds
        result["cpu_ms_per_trace"] = cpu / sent * 1_000
    print(json.dumps(result))


def wait_until_stored(path: str, n_spans: int) -> None:
    """Wait until as many spans can be read in an SQLite file.

    Raises:
        SystemExit: they are not there after `LONGEST_IN_MEMORY`.
    """
    deadline, stored = time.monotonic() + LONGEST_IN_MEMORY, 0
    while time.monotonic() < deadline:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=TIMEOUT)) as connection:
            (stored,) = connection.execute("SELECT count(*) FROM spans").fetchone()
        if stored >= n_spans:
            return
        time.sleep(0.2)
    raise SystemExit(f"{n_spans} spans were acknowledged, {stored} are stored")


def send_load(job: PeerJob) -> tuple[float, float]:
    """Post the bodies of one client over one connection; return when it began and ended, by the monotonic clock.

    Raises:
        RuntimeError: an answer other than 2xx.
    """
    parts = urlsplit(job.url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    generator = TraceGenerator("bench", seed=1_000 + job.number)
    bodies = [generator.make_body(job.batch) for _ in range(job.warm_up + job.n_requests)]
    started = time.monotonic()
    for index, body in enumerate(bodies):
        if index == job.warm_up:
            started = time.monotonic()
        headers = {"Content-Type": "application/x-protobuf", **job.headers}
        connection.request("POST", parts.path, body, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status // 100 != 2:
            raise RuntimeError(f"status {response.status}: {answer[:300]!r}")
    return started, time.monotonic()


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--url", required=True, help="where it takes OTLP/HTTP protobuf")
    parser.add_argument("--header", action="append", default=[], help="'name: value'; may be repeated")
    parser.add_argument("--pid", type=int, help="of the server, to count its CPU time")
    parser.add_argument("--stored-in", help="SQLite file with a table `spans`: wait until all are in it")
    parser.add_argument("--traces", type=int, default=1_000, help="traces to send (default 1000)")
    parser.add_argument("--clients", type=int, default=4, help="client processes (default 4)")
    parser.add_argument("--batch", type=int, default=64, help="traces a request (default 64)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
