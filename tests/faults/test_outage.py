"""Something the server needs goes away for a while: what is told to senders, and who recovers without help."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

import psycopg
import pytest

from bench.generate import TraceGenerator
from config import embedded
from tests.faults.checks import checking
from tests.faults.load import Load
from tests.faults.stack import SYSTEM, Stack, children_of

# The embedded servers outlive the handle they were started with; they are stopped by their own commands.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(stack: Stack, method: str, path: str, body: bytes | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {stack.token}"}
    if body is not None:
        headers["Content-Type"] = "application/x-protobuf"
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def test_without_the_database_senders_are_told_to_come_back_and_the_web_needs_no_restart(
    stack: Stack,
) -> None:
    load = Load(stack, seed=2)
    answering = children_of(stack.pid("web"))
    unsent = TraceGenerator(SYSTEM, seed=99).make_body(1)
    with checking(stack) as checks, load:
        load.wait_for_progress()
        embedded.stop_postgres(stack.folder)
        for method, path, body, form in (
            ("POST", "/v1/traces", unsent, "application/x-protobuf"),
            ("POST", "/v1/logs", unsent, "application/x-protobuf"),
            ("GET", "/api/v1/traces", None, "application/problem+json"),
        ):
            answer = ask(stack, method, path, body)
            assert (answer.status, answer.headers["Content-Type"]) == (503, form)
            assert int(answer.headers["Retry-After"]) > 0
        assert ask(stack, "GET", "/healthz").status == 200
        assert ask(stack, "GET", "/readyz").status == 503
        assert load.answers["away"] > 0
        embedded.start_postgres(stack.folder)
        load.wait_for_progress()
        load.pause()
        checks.check_traces()
        checks.check_spans()
    assert load.broken_promises == []
    assert children_of(stack.pid("web")) == answering


def test_without_the_broker_spans_are_taken_and_later_assembled(stack: Stack) -> None:
    load = Load(stack, seed=3)
    with checking(stack) as checks, load:
        embedded.stop_valkey(stack.folder)
        for _ in range(5):
            load.wait_for_progress()
        assert set(load.answers) == {"acknowledged"}
        load.pause()
        checks.check_spans()
        embedded.start_valkey(stack.folder)
        checks.check_traces()
    assert load.broken_promises == []


def test_a_web_server_asked_to_stop_finishes_or_refuses(stack: Stack) -> None:
    load = Load(stack, seed=4, senders=6)
    with checking(stack) as checks, load:
        load.wait_for_progress()
        stack.stop("web")  # fails where it takes longer than `manage.py up` waits
        stack.start("web")
        stack.wait_for_web()
        load.wait_for_progress()
        load.pause()
        checks.check_spans()
    assert set(load.answers) <= {"acknowledged", "no answer", "busy"}


def test_commits_of_the_server_wait_for_the_disk(stack: Stack) -> None:
    plan = embedded.read_plan(stack.folder)
    with psycopg.connect(plan.database_url(embedded.WEB_ROLE)) as connection:
        values = [
            connection.execute(f"SHOW {name}").fetchone()
            for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
        ]
    assert values == [("on",)] * 4
