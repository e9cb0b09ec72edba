"""Durable traces a second through the real web process, against a bare COPY of the same rows in the same run.

    python -m bench.ingest --traces 5000 --clients 4 --batch 64 [--json]

It runs in a folder of its own with its own PostgreSQL, so that nothing measured here depends on what is stored
elsewhere, and it counts the rows afterwards: a trace counts when its spans are in the table. Client processes make
their bodies before the clock starts. "Cost" is CPU time of the web processes and PostgreSQL together.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import multiprocessing
import os
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import Queue
from typing import Any, Final

import psycopg

from bench.generate import SPANS_A_TRACE, TraceGenerator
from bench.processes import Usage, measure_tree
from bench.server import WebProcess, connect_as_owner, find_free_port, prepare_database, running_web
from config import embedded

SYSTEM: Final = "bench"
REQUESTS_A_ROUND: Final = 100  # by one client; bodies of a round are made before its clock starts
# Requests by each client before the clock starts: processes import and connect on the first.
WARM_UP: Final = 5
COPY_ROWS: Final = 200_000  # at most so many are copied for the baseline, which holds them in memory
CLIENT_TIMEOUT: Final = 600  # seconds a round may take


@dataclass(frozen=True, slots=True)
class ClientJob:
    """What one client process does."""

    number: int
    n_requests: int
    batch: int  # traces a request
    token: str
    port: int


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What one client saw in one round."""

    started: float  # seconds, the machine's monotonic clock
    ended: float
    latencies: list[float]  # seconds a request


@dataclass(frozen=True, slots=True)
class CopyResult:
    """A bare COPY of stored rows into a table of the same shape."""

    n_traces: int
    seconds: float
    cpu_seconds: float  # of PostgreSQL


def main() -> None:
    """Run the benchmark and print a table, or JSON."""
    options = _read_options()
    folder = Path(tempfile.mkdtemp(prefix="tracebinder-bench-"))
    try:
        with embedded.running(folder, valkey=False):
            token = prepare_database(folder, SYSTEM)
            with running_web(folder, find_free_port(), options.web_workers) as web:
                result = _measure(options, token, web, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result) if options.json else _format_table(result))


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--traces", type=int, default=5_000, help="traces to send (default 5000)")
    parser.add_argument("--clients", type=int, default=4, help="client processes (default 4)")
    parser.add_argument("--batch", type=int, default=64, help="traces a request (default 64)")
    parser.add_argument("--web-workers", type=int, default=2, help="web processes (default 2)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _measure(options: argparse.Namespace, token: str, web: WebProcess, folder: Path) -> dict[str, Any]:
    postgres_pid = int((folder / "postgres" / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0])
    rounds, usages = _run_clients(options, token, web.port, (web.pid, postgres_pid))
    n_traces = sum(len(result.latencies) for results in rounds for result in results) * options.batch
    n_stored = n_traces + WARM_UP * options.clients * options.batch
    with connect_as_owner(folder) as connection:
        n_spans = connection.execute("SELECT count(*) FROM evidence_span").fetchone()
        if n_spans is None or n_spans[0] != n_stored * SPANS_A_TRACE:
            raise SystemExit(f"{n_stored * SPANS_A_TRACE} spans were acknowledged, {n_spans} are stored")
        plain = _copy_rows(connection, postgres_pid, rows_a_commit=None)
        batched = _copy_rows(connection, postgres_pid, rows_a_commit=options.batch * SPANS_A_TRACE)
    return _summarise(options, n_traces, rounds, usages, plain, batched)


def _run_clients(
    options: argparse.Namespace, token: str, port: int, servers: tuple[int, int]
) -> tuple[list[list[RoundResult]], list[tuple[Usage, Usage]]]:
    """Return the results by round, and what web and PostgreSQL had used after the warm-up and each round."""
    n_requests = math.ceil(options.traces / options.batch / options.clients)
    n_rounds = math.ceil(n_requests / REQUESTS_A_ROUND)
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(options.clients + 1), context.Queue()
    for number in range(options.clients):
        job = ClientJob(number, n_requests, options.batch, token, port)
        context.Process(target=run_client, args=(job, barrier, results), daemon=True).start()
    barrier.wait(CLIENT_TIMEOUT)  # all have warmed up and wait for the first round
    usages = [(measure_tree(servers[0]), measure_tree(servers[1]))]
    rounds = []
    for _ in range(n_rounds):
        barrier.wait(CLIENT_TIMEOUT)
        answers = [results.get(timeout=CLIENT_TIMEOUT) for _ in range(options.clients)]
        failures = [answer for answer in answers if isinstance(answer, str)]
        if failures:
            raise SystemExit(f"a client failed: {failures[0]}")
        rounds.append(answers)
        usages.append((measure_tree(servers[0]), measure_tree(servers[1])))
    return rounds, usages


def run_client(job: ClientJob, barrier: Barrier, results: Queue[Any]) -> None:
    """Post over one connection, in rounds whose bodies are made beforehand. Runs in a process of its own."""
    generator = TraceGenerator(SYSTEM, seed=job.number)
    connection = http.client.HTTPConnection("127.0.0.1", job.port, timeout=60)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    headers = {"Authorization": f"Bearer {job.token}", "Content-Type": "application/x-protobuf"}
    for _ in range(WARM_UP):
        _post(connection, generator.make_body(job.batch), headers)
    barrier.wait(CLIENT_TIMEOUT)
    for first in range(0, job.n_requests, REQUESTS_A_ROUND):
        n_bodies = min(REQUESTS_A_ROUND, job.n_requests - first)
        bodies = [generator.make_body(job.batch) for _ in range(n_bodies)]
        barrier.wait(CLIENT_TIMEOUT)
        started = time.monotonic()
        try:
            latencies = [_post(connection, body, headers) for body in bodies]
        except (OSError, http.client.HTTPException, RuntimeError) as exc:
            results.put(f"{type(exc).__name__}: {exc}")
            return
        results.put(RoundResult(started, time.monotonic(), latencies))


def _post(connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str]) -> float:
    """Post one body and return how long the answer took, in seconds.

    Raises:
        RuntimeError: anything but a full acceptance.
    """
    started = time.perf_counter()
    connection.request("POST", "/v1/traces", body, headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200 or answer:
        raise RuntimeError(f"status {response.status}: {answer[:300]!r}")
    return time.perf_counter() - started


def _copy_rows(
    connection: psycopg.Connection[Any], postgres_pid: int, rows_a_commit: int | None
) -> CopyResult:
    """COPY what is stored into a plain table with the same columns, constraint, index and compression."""
    connection.execute("DROP TABLE IF EXISTS bench_copy")
    connection.execute("CREATE TABLE bench_copy (LIKE evidence_span INCLUDING ALL)")
    query = f"COPY (SELECT * FROM evidence_span ORDER BY id LIMIT {COPY_ROWS}) TO STDOUT"
    with connection.cursor().copy(query) as rows:
        lines = [bytes(row) for row in rows]
    step = rows_a_commit or len(lines)
    chunks = [b"".join(lines[at : at + step]) for at in range(0, len(lines), step)]
    cpu, started = measure_tree(postgres_pid).cpu_seconds, time.monotonic()
    for chunk in chunks:
        with connection.cursor().copy("COPY bench_copy FROM STDIN") as target:
            target.write(chunk)
    seconds, cpu_seconds = time.monotonic() - started, measure_tree(postgres_pid).cpu_seconds - cpu
    result = CopyResult(len(lines) // SPANS_A_TRACE, seconds, cpu_seconds)
    connection.execute("DROP TABLE bench_copy")
    return result


def _summarise(
    options: argparse.Namespace,
    n_traces: int,
    rounds: list[list[RoundResult]],
    usages: list[tuple[Usage, Usage]],
    plain: CopyResult,
    batched: CopyResult,
) -> dict[str, Any]:
    """Return every figure with its unit in its name."""
    walls = [max(one.ended for one in results) - min(one.started for one in results) for results in rounds]
    sizes = [sum(len(one.latencies) for one in results) * options.batch for results in rounds]
    latencies = sorted(latency for results in rounds for one in results for latency in one.latencies)
    used = [last.cpu_seconds - first.cpu_seconds for first, last in zip(usages[0], usages[-1], strict=True)]
    web, postgres = (seconds / n_traces * 1e3 for seconds in used)
    copies = {"one_copy": plain, "copy_a_request": batched}
    figures: dict[str, Any] = {
        "traces": n_traces,
        "spans": n_traces * SPANS_A_TRACE,
        "clients": options.clients,
        "traces_a_request": options.batch,
        "web_workers": options.web_workers,
        "processors": os.cpu_count(),
        "load_average_1_minute": round(os.getloadavg()[0], 1),
        "durable_traces_a_second": round(n_traces / sum(walls)),
        "request_p50_ms": _percentile_ms(latencies, 0.50),
        "request_p95_ms": _percentile_ms(latencies, 0.95),
        "request_p99_ms": _percentile_ms(latencies, 0.99),
        "web_cpu_ms_a_trace": round(web, 3),
        "postgres_cpu_ms_a_trace": round(postgres, 3),
        "web_resident_mb_by_round": [web_use.resident_bytes // 2**20 for web_use, _ in usages],
        "traces_a_second_by_round": [round(size / wall) for size, wall in zip(sizes, walls, strict=True)],
    }
    for name, copy in copies.items():
        copy_cpu = copy.cpu_seconds / copy.n_traces * 1e3
        copy_rate = copy.n_traces / copy.seconds
        figures[f"{name}_cpu_ms_a_trace"] = round(copy_cpu, 3)
        figures[f"{name}_traces_a_second"] = round(copy_rate)
        figures[f"cpu_ratio_to_{name}"] = round((web + postgres) / copy_cpu, 2)
        figures[f"time_ratio_to_{name}"] = round(copy_rate / (n_traces / sum(walls)), 2)
    return figures


def _percentile_ms(sorted_seconds: list[float], share: float) -> float:
    return round(sorted_seconds[min(len(sorted_seconds) - 1, int(len(sorted_seconds) * share))] * 1e3, 1)


def _format_table(result: dict[str, Any]) -> str:
    return "\n".join(f"{name.replace('_', ' '):<40} {value!s:>10}" for name, value in result.items())


if __name__ == "__main__":
    main()
