"""What a network and a server that restarts do to a request: waited out with progress, or told with what to do."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate

import pytest

from tests.client.answering import CUT, TOKEN, Answering
from tracebinder import http as client_http
from tracebinder.http import RequestRefused, Server, ServerUnreachable


@dataclass
class Clock:
    """A clock that only waiting moves."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def server(self, url: str, retry_for: float = 300.0) -> Server:
        return Server(
            url=url,
            token=TOKEN,
            retry_for=retry_for,
            tell=self.told.append,
            pause=self.pause,
            clock=lambda: self.now,
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_restart_of_minutes_is_outlasted(server: Answering, clock: Clock) -> None:
    server.will_answer(200, {"here": "again"})
    asked = clock.server(f"http://127.0.0.1:{free_port()}")

    def pause(seconds: float) -> None:
        clock.pause(seconds)
        if clock.now > 120:  # by then it is back, at another port of this machine
            object.__setattr__(asked, "url", server.url)

    object.__setattr__(asked, "pause", pause)
    assert asked.get("/readyz", query={}) == {"here": "again"}
    assert clock.now > 120
    assert max(clock.pauses) <= 15
    assert "trying again in" in clock.told[0]
    assert "answered after 2 min" in clock.told[-1]


def test_no_server_is_given_up_after_as_long_as_was_said(clock: Clock) -> None:
    with pytest.raises(ServerUnreachable, match=r"gave up after 1 min 30 s, tried \d+ times") as caught:
        clock.server(f"http://127.0.0.1:{free_port()}", retry_for=90).get("/", query={})
    assert clock.now == pytest.approx(90)
    assert "check TRACEBINDER_URL" in str(caught.value)


def test_pauses_grow_and_are_shortened_at_random(clock: Clock) -> None:
    with pytest.raises(ServerUnreachable):
        clock.server(f"http://127.0.0.1:{free_port()}").get("/", query={})
    for number, pause in enumerate(clock.pauses[:-1]):
        longest = min(15.0, 0.5 * 2**number)
        assert longest / 2 <= pause <= longest
    assert len(set(clock.pauses[6:-1])) > 1


@pytest.mark.parametrize("date", [False, True])
def test_retry_after_is_waited_for(server: Answering, clock: Clock, date: bool) -> None:
    server.will_answer(503, b"", Retry_After=formatdate(time.time() + 42) if date else "42")
    server.will_answer(200, {})
    clock.server(server.url).get("/", query={})
    assert clock.pauses == [pytest.approx(42, abs=3)]


def test_a_wait_longer_than_there_is_time_for_is_not_begun(server: Answering, clock: Clock) -> None:
    server.will_answer(503, {"title": "The database is being upgraded"}, Retry_After="3600")
    with pytest.raises(ServerUnreachable, match="being upgraded"):
        clock.server(server.url).get("/", query={})
    assert clock.pauses == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_tried_for_as_long_as_that_takes(server: Answering, clock: Clock, status: int) -> None:
    for _ in range(12):
        server.will_answer(status)
    server.will_answer(200, {})
    clock.server(server.url).get("/", query={})
    assert len(server.asked) == 13


def test_an_error_of_the_servers_own_is_tried_four_times(server: Answering, clock: Clock) -> None:
    for _ in range(5):
        server.will_answer(500, {"title": "Internal error", "detail": "The error is in the server's log."})
    with pytest.raises(ServerUnreachable, match=r"500 Internal error.*tried 4 times"):
        clock.server(server.url).post("/", b"{}")
    assert len(server.asked) == 4


def test_a_refusal_is_not_repeated(server: Answering, clock: Clock) -> None:
    server.will_answer(409, {"code": "conflict", "title": "Conflict"})
    with pytest.raises(RequestRefused):
        clock.server(server.url).post("/", b"{}")
    assert len(server.asked) == 1


def test_a_connection_that_is_cut_before_the_answer_is_made_again(server: Answering, clock: Clock) -> None:
    server.will_answer(CUT)
    server.will_answer(201, {"id": 1})
    assert clock.server(server.url).post("/", b"{}") == (201, {"id": 1})
    assert [body for _, _, body in server.asked] == [b"{}", b"{}"]


@pytest.mark.parametrize(
    ("cause", "seconds"),
    [
        (ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate"), 0),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), 20),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), 300),
    ],
)
def test_what_hardly_passes_is_not_waited_for_as_long(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, cause: OSError, seconds: float
) -> None:
    def fail(*_: object) -> None:
        raise urllib.error.URLError(cause)

    monkeypatch.setattr(client_http, "_send", fail)
    with pytest.raises(ServerUnreachable, match=str(cause.strerror)):
        clock.server("https://nobody.example").get("/", query={})
    assert clock.now == pytest.approx(seconds)


@contextlib.contextmanager
def refusing_unread() -> Iterator[str]:
    """Serve one refusal as a proxy does that has read only the head, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(2000)
                problem = b'{"title": "Not signed in", "code": "authentication_failed"}'
                head = b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: "
                connection.sendall(head + str(len(problem)).encode() + b"\r\n\r\n" + problem)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_a_refusal_before_all_was_sent_is_heard(clock: Clock) -> None:
    with refusing_unread() as url, pytest.raises(RequestRefused, match="Not signed in"):
        clock.server(url).post("/", b"x" * (32 << 20))
    assert clock.pauses == []
