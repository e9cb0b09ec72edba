"""What is acknowledged survives kill -9 of the web process and of PostgreSQL, once, with its batch and its event.

Real processes in a folder of their own. Senders repeat a request until it is acknowledged, as SDKs do.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.generate import TraceGenerator
from bench.server import WebProcess, connect_as_owner, find_free_port, prepare_database, start_web
from config import embedded
from evidence.digests import sha256_hex

SYSTEM = "faults"
SENDERS = 3
SpanIds = set[tuple[str, str]]  # trace id and span id


@dataclass
class Load:
    """Senders under way, and what they were promised."""

    port: int
    token: str
    stop: threading.Event = field(default_factory=threading.Event)
    acknowledged: SpanIds = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    def send(self, number: int) -> None:
        """Post body after body, each until it is acknowledged."""
        generator = TraceGenerator(SYSTEM, seed=number)
        while not self.stop.is_set():
            body = generator.make_body(8)
            while not self.stop.is_set() and not self._post(body):
                time.sleep(0.05)

    def _post(self, body: bytes) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/x-protobuf"}
        try:
            connection.request("POST", "/v1/traces", body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if response.status == 200:
            self.acknowledged |= read_span_ids(body)
        if response.status not in {200, 429, 503} or (response.status == 200 and answer):
            self.refused.append(f"{response.status} {answer[:200]!r}")
        return response.status == 200


def read_span_ids(body: bytes) -> SpanIds:
    request = ExportTraceServiceRequest.FromString(body)
    spans = request.resource_spans[0].scope_spans[0].spans
    return {(span.trace_id.hex(), span.span_id.hex()) for span in spans}


def kill_postgres(folder: Path) -> None:
    """Kill the postmaster and its backends at once, and start it again."""
    pid = int((folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    group = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    for process in group:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it ended by itself as its parent died
    wait_until(lambda: not any(is_running(process) for process in group))
    # Where process 1 does not bury the dead, PostgreSQL takes its own corpse for a running server.
    (folder / "postgres" / "postmaster.pid").unlink()
    embedded.start_postgres(folder)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def check_store(folder: Path, acknowledged: SpanIds) -> None:
    """Nothing lost, nothing twice, and batches, spans, events and raw bodies agree."""
    with connect_as_owner(folder) as connection:
        spans = connection.execute("SELECT trace_id, span_id, batch_id FROM evidence_span").fetchall()
        batches = connection.execute(
            "SELECT id, n_accepted, body_digest FROM evidence_ingestbatch"
        ).fetchall()
        events = connection.execute(
            "SELECT object_id FROM evidence_auditevent WHERE verb = 'ingest_batch.stored'"
        ).fetchall()
    stored = {(trace_id.hex, span_id) for trace_id, span_id, _ in spans}
    assert len(stored) == len(spans), "a span is stored twice"
    assert acknowledged - stored == set(), "an acknowledged span is lost"
    accepted = {batch_id: n_accepted for batch_id, n_accepted, _ in batches}
    assert sum(accepted.values()) == len(spans)
    assert {batch_id for *_, batch_id in spans} <= set(accepted)
    assert sorted(int(object_id) for (object_id,) in events) == sorted(accepted)
    for _, _, digest in batches:
        assert sha256_hex((folder / "blobs" / digest[:2] / digest).read_bytes()) == digest


def run_faults(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    embedded.start_postgres(folder)
    web: WebProcess | None = None
    try:
        load = Load(find_free_port(), prepare_database(folder, SYSTEM))
        web = start_web(folder, load.port, workers=1)
        senders = [threading.Thread(target=load.send, args=(number,)) for number in range(SENDERS)]
        for sender in senders:
            sender.start()
        try:
            for number in range(rounds):
                seen = len(load.acknowledged)
                wait_until(lambda seen=seen: len(load.acknowledged) > seen)
                time.sleep(chance.uniform(0, 0.5))
                if number % 3 == 1:
                    kill_postgres(folder)
                else:
                    web.stop(signal.SIGKILL if number % 3 == 0 else signal.SIGTERM)
                    web = start_web(folder, load.port, workers=1)
            seen = len(load.acknowledged)
            wait_until(lambda seen=seen: len(load.acknowledged) > seen)
        finally:
            load.stop.set()
            for sender in senders:
                sender.join()
        assert load.refused == []
        check_store(folder, load.acknowledged)
    finally:
        if web is not None and web.process.poll() is None:
            web.stop()
        embedded.stop_postgres(folder)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not come back"
        time.sleep(0.02)


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    run_faults(tmp_path, rounds=3, seed=1)


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_in_fifty_rounds(tmp_path: Path) -> None:
    run_faults(tmp_path, rounds=50, seed=int(time.time()))
