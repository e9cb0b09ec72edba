"""Talking to a Tracebinder server: one request, its problem when it is refused, and patience where trouble may pass.

Every request that the client makes may be made twice. Releases, registrations and eval runs are known by their content,
a deployment by the time that is taken once, a retraction that waits answers for itself; asking a gate twice is two
decisions on record, of which the newest counts. So what may pass by itself (no connection, one that was cut, 429, 502,
503, 504) is tried again for as long as `retry_for`, which outlasts a restart; an error of the server's own (500) a few
times, because it may well be the same each time.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import BinaryIO, Final, Protocol, TypeAlias, cast

from tracebinder import __version__
from tracebinder.errors import TracebinderError

RETRY_FOR: Final = 300.0  # seconds: a server that restarts or is being upgraded is back by then
TIMEOUT: Final = 120.0  # seconds without a byte, of a question
UPLOAD_TIMEOUT: Final = 900.0  # likewise, of a file: the server reads all of it before it answers
_FIRST_PAUSE: Final = 0.5  # seconds; doubled each time, and shortened at random by up to half
_LONGEST_PAUSE: Final = 15.0  # seconds, where the server does not ask for more
_MOST_ERRORS: Final = 4  # attempts that end with an error of the server's own
_NAME_UNKNOWN_FOR: Final = 20.0  # seconds: a name that nobody knows is rather mistyped than starting
_MORE: Final = re.compile(
    r" \(\d+ more; `errors` lists each\)$"
)  # said by the server, and needless where they are told
_MOST_ANSWER: Final = 512 << 20  # bytes
_PASSING: Final = frozenset({429, 502, 503, 504})


class ServerUnreachable(TracebinderError):
    """No usable answer came, for as long as the client was to try."""


class RequestRefused(TracebinderError):
    """The server answered, and refused. `status`, `code` and `problem` are its problem's (RFC 9457)."""

    def __init__(self, *, status: int, problem: Mapping[str, object]) -> None:
        title = str(problem.get("title") or http.client.responses.get(status, ""))
        hint = _HINTS_BY_CODE.get(str(problem.get("code")), "")
        told = (f"{status} {title}".strip(), _detail_of(problem) or _HINTS.get(status, ""), hint)
        super().__init__(": ".join(part for part in told if part))
        self.status = status
        self.code = str(problem.get("code", ""))
        self.problem = dict(problem)

    def faults(self) -> list[Mapping[str, object]]:
        """Return what the problem lists as wrong, each with its place."""
        listed = self.problem.get("errors")
        return [fault for fault in listed if isinstance(fault, dict)] if isinstance(listed, list) else []


# What to do, where the answer does not say it: a proxy's, say.
_HINTS: Final = {
    401: "set TRACEBINDER_TOKEN to a token that is valid and not expired",
    403: "the token lacks the scope, or its owner is no member of the system",
    404: "check the keys given, and that TRACEBINDER_URL is the server's root",
    413: "the file is larger than the server takes",
}
_HINTS_BY_CODE: Final = {
    "csrf_failed": "that is a page for browsers: set TRACEBINDER_URL to the server's root"
}


class Upload(Protocol):
    """A body that is read as it is sent, and again where it is sent again."""

    @property
    def size(self) -> int:
        """Bytes."""

    def open(self) -> contextlib.AbstractContextManager[BinaryIO]:
        """Return a reader at its beginning."""


Body: TypeAlias = "bytes | Upload | None"


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is, who asks, and how patient they are.

    Attributes:
        url: the server's root, e.g. `https://tracebinder.example`.
        token: a token `tb_..._...`; shown nowhere.
        retry_for: seconds for which trouble that may pass is tried again; 0 tries once.
        tell: is told of each wait, in a sentence.
        pause, clock: wait and tell the time in seconds; replaced in tests.
    """

    url: str
    token: str
    retry_for: float = RETRY_FOR
    tell: Callable[[str], None] = lambda _: None
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def post(
        self,
        path: str,
        body: bytes | Upload,
        *,
        query: Mapping[str, str] | None = None,
        media_type: str = "application/json",
    ) -> tuple[int, dict[str, object]]:
        """Post a body that may safely be posted twice, and return status and JSON answer.

        Raises:
            RequestRefused: the server refused it.
            ServerUnreachable: no usable answer within `retry_for`.
        """
        return self._ask("POST", path, body, query or {}, media_type)

    def get(self, path: str, *, query: Mapping[str, str]) -> dict[str, object]:
        """Return the JSON answer to a question.

        Raises:
            RequestRefused, ServerUnreachable: as `post` does.
        """
        return self._ask("GET", path, None, query, "application/json")[1]

    def page(self, path: str) -> str:
        """Return the address of a page of the server's."""
        return f"{self.url.rstrip('/')}{path}"

    def _ask(
        self, method: str, path: str, body: Body, query: Mapping[str, str], media_type: str
    ) -> tuple[int, dict[str, object]]:
        waiting = _Waiting(self)
        while True:
            try:
                with _request(self, method, path, body, query, media_type) as request:
                    answer = _send(request, UPLOAD_TIMEOUT if _is_upload(body) else TIMEOUT)
            except (_PassingRefusal, OSError, http.client.HTTPException) as exc:
                waiting.wait_after(exc)
            else:
                waiting.end()
                return answer


class _Waiting:
    """The waits of one request, for as long as its server is to be tried."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._began = server.clock()
        self._attempts = 0
        self._errors = 0

    def wait_after(self, error: Exception) -> None:
        """Wait, and say so.

        Raises:
            TracebinderError: there is no sense in trying again, or no time left.
        """
        self._attempts += 1
        self._errors += isinstance(error, _PassingRefusal) and error.refusal.status not in _PASSING
        left = self._allowed(error) - (self._server.clock() - self._began)
        pause = _pause_before_next(self._attempts, error)
        if self._errors >= _MOST_ERRORS or left <= 0 or (_asks_to_wait(error) and pause > left):
            raise self._given_up(error) from error
        pause = min(pause, left)
        self._server.tell(
            f"{self._server.url}: {_reason(error)}; trying again in {in_words(pause)}"
            f" (for up to {in_words(left)} more)"
        )
        self._server.pause(pause)

    def end(self) -> None:
        """Say that an answer came, where it was waited for."""
        if self._attempts:
            self._server.tell(
                f"{self._server.url}: answered after {in_words(self._server.clock() - self._began)}"
            )

    def _allowed(self, error: Exception) -> float:
        """Return for how many seconds an error like this is worth trying again."""
        cause = _cause(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return 0.0
        unknown = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME
        return min(self._server.retry_for, _NAME_UNKNOWN_FOR) if unknown else self._server.retry_for

    def _given_up(self, error: Exception) -> TracebinderError:
        tried = "once" if self._attempts == 1 else f"{self._attempts} times"
        waited = in_words(self._server.clock() - self._began)
        told = f"gave up after {waited}, tried {tried}"
        if isinstance(error, _PassingRefusal):
            return ServerUnreachable(
                f"{error.refusal}; {told}: try again later, or wait longer with --retry-for"
            )
        return ServerUnreachable(
            f"cannot reach {self._server.url}: {_reason(error)}; check TRACEBINDER_URL and that the server runs"
            f" ({told}; --retry-for waits longer)"
        )


def in_words(seconds: float) -> str:
    """Return a time for people: `0.4 s`, `12 s`, `4 min 05 s`."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


def get_bytes(url: str, *, timeout: float = TIMEOUT) -> bytes:
    """Return what anybody may fetch at an http or https address. It is asked for once, without a token.

    Raises:
        RequestRefused: the server refused it.
        ServerUnreachable: there was no answer.
    """
    request = urllib.request.Request(url, headers={"User-Agent": f"tracebinder/{__version__}"})  # noqa: S310  # see the opener
    try:
        with _plain_opener().open(request, timeout=timeout) as answer:
            return _read_all(answer)
    except urllib.error.HTTPError as exc:
        with exc:
            raise _refusal(exc.code, exc.read(_MOST_ANSWER)) from exc
    except (OSError, http.client.HTTPException) as exc:
        raise ServerUnreachable(f"cannot fetch {url}: {exc}") from exc


class _PassingRefusal(TracebinderError):
    """A refusal that may pass by itself. `wait` is the server's wish in seconds, or None."""

    def __init__(self, refusal: RequestRefused, wait: float | None) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.wait = wait


class _Cut(http.client.HTTPConnection):
    """A connection whose server may answer before it has read all: a refusal is worth more than a broken pipe."""

    _cut: OSError | None = None

    def request(self, *args: object, **kwargs: object) -> None:
        try:
            super().request(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        except (BrokenPipeError, ConnectionResetError) as exc:
            self._cut = exc

    def getresponse(self) -> http.client.HTTPResponse:
        try:
            return super().getresponse()
        except (OSError, http.client.HTTPException) as exc:
            raise self._cut or exc from exc


class _SecureCut(_Cut, http.client.HTTPSConnection):
    """The same over TLS."""


class _HTTPHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Cut, req)


class _HTTPSHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureCut, req, context=ssl.create_default_context())


def _plain_opener() -> urllib.request.OpenerDirector:
    """Return an opener of http and https only that follows no redirect: one would carry the token elsewhere."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _HTTPHandler(),
        _HTTPSHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


@contextlib.contextmanager
def _request(
    server: Server, method: str, path: str, body: Body, query: Mapping[str, str], media_type: str
) -> Iterator[urllib.request.Request]:
    """Open the body, where it is a file, for as long as it is sent."""
    url = server.page(path)
    if query:
        url = f"{url}?{urllib.parse.urlencode(query)}"
    headers = {
        "Authorization": f"Bearer {server.token}",
        "Content-Type": media_type,
        "Accept": "application/json",
        "User-Agent": f"tracebinder/{__version__}",
    }
    with contextlib.ExitStack() as opened:
        data: bytes | BinaryIO | None
        if body is None or isinstance(body, bytes):
            data = body
        else:
            headers["Content-Length"] = str(body.size)
            data = opened.enter_context(body.open())
        yield urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310  # http or https: see the opener


def _is_upload(body: Body) -> bool:
    return body is not None and not isinstance(body, bytes)


def _send(request: urllib.request.Request, timeout: float) -> tuple[int, dict[str, object]]:
    try:
        with _plain_opener().open(request, timeout=timeout) as answer:
            return answer.status, _json_object(_read_all(answer))
    except urllib.error.HTTPError as exc:
        with exc:
            refusal = _refusal(exc.code, exc.read(_MOST_ANSWER), exc.headers.get("Location"))
        if exc.code == 429 or exc.code >= 500:
            raise _PassingRefusal(refusal, _retry_after(exc.headers.get("Retry-After"))) from exc
        raise refusal from exc


def _read_all(answer: http.client.HTTPResponse) -> bytes:
    body: bytes = answer.read(_MOST_ANSWER)
    if len(body) == _MOST_ANSWER:
        raise TracebinderError(f"the server's answer is longer than {_MOST_ANSWER >> 20} MiB")
    return body


def _json_object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except ValueError as exc:
        raise TracebinderError(
            "the server's answer is not JSON: is TRACEBINDER_URL the server's root?"
        ) from exc
    if not isinstance(value, dict):
        raise TracebinderError("the server's answer is not a JSON object")
    return cast("dict[str, object]", value)


def _refusal(status: int, body: bytes, location: str | None = None) -> RequestRefused:
    """Return the server's problem document as an error; any other body only by its status."""
    if location and 300 <= status < 400:
        told = f"the address leads to {location}, where the token is not sent: set TRACEBINDER_URL to what it leads to"
        return RequestRefused(status=status, problem={"detail": told})
    try:
        value = json.loads(body)
    except ValueError:
        value = {}
    return RequestRefused(status=status, problem=value if isinstance(value, dict) else {})


def _detail_of(problem: Mapping[str, object]) -> str:
    told = str(problem.get("detail") or "")
    faults = _faults(problem.get("errors"), told)
    if not faults:
        return told
    first = _MORE.sub("", told)
    return f"{first}{' ' if first.endswith('.') or not first else '; '}{'; '.join(faults)}".strip()


def _faults(errors: object, told: str) -> list[str]:
    """Return each fault that a problem lists and does not tell, with its place: `pins[0].digest: what is wrong`."""
    listed = errors if isinstance(errors, list) else []
    return [
        f"{fault.get('path') or fault.get('in')}: {fault['message']}"
        for fault in listed
        if isinstance(fault, dict) and fault.get("message") and str(fault["message"]) not in told
    ]


def _retry_after(value: str | None) -> float | None:
    """Return the seconds that a server asks to be left alone: a number, or until a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _asks_to_wait(error: Exception) -> bool:
    return isinstance(error, _PassingRefusal) and error.wait is not None


def _pause_before_next(attempt: int, error: Exception) -> float:
    backoff = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt - 1, 10))
    wished = error.wait if isinstance(error, _PassingRefusal) else None
    return wished if wished is not None else backoff * random.uniform(0.5, 1)  # noqa: S311  # spreads load, hides nothing


def _cause(error: Exception) -> object:
    return error.reason if isinstance(error, urllib.error.URLError) else error


def _reason(error: Exception) -> str:
    if isinstance(error, _PassingRefusal):
        return str(error.refusal)
    cause = _cause(error)
    return str(getattr(cause, "strerror", None) or cause) or type(cause).__name__
