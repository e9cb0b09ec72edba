"""Talking to a Tracebinder server: one request, its problem when it is refused, and retries only where safe.

All requests that the client makes may be repeated: a release and an eval run are known by their content, and asking
a gate twice is two questions. What is retried is what may pass by itself: no connection, 429 and 5xx.
"""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from tracebinder import __version__
from tracebinder.errors import TracebinderError

ATTEMPTS: Final = 4
TIMEOUT: Final = 60.0  # seconds for one attempt
_FIRST_PAUSE: Final = 0.5  # seconds; doubled for each attempt, and shortened at random by up to half
_LONGEST_PAUSE: Final = 30.0  # seconds, whatever Retry-After says
_MOST_ANSWER: Final = 16 << 20  # bytes


class ServerUnreachable(TracebinderError):
    """No answer came, after every attempt."""


class RequestRefused(TracebinderError):
    """The server answered, and refused. `status` and `code` are its problem's (RFC 9457)."""

    def __init__(self, *, status: int, code: str, title: str, detail: str) -> None:
        hint = _HINTS.get(status, "")
        super().__init__(": ".join(part for part in (f"{status} {title}".strip(), detail, hint) if part))
        self.status = status
        self.code = code


_HINTS: Final = {
    401: "set TRACEBINDER_TOKEN to a token that is valid and not expired",
    403: "the token lacks the scope, or its owner is no member of the system",
    404: "check the keys given, and that TRACEBINDER_URL is the server's root",
    413: "the file is larger than the server takes",
}


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is, and who asks.

    Attributes:
        url: the server's root, e.g. `https://tracebinder.example`.
        token: a token `tb_..._...`; shown nowhere.
        pause: waits; replaced in tests.
    """

    url: str
    token: str
    pause: Callable[[float], None] = time.sleep

    def post(
        self,
        path: str,
        body: bytes,
        *,
        query: Mapping[str, str] | None = None,
        media_type: str = "application/json",
    ) -> tuple[int, dict[str, object]]:
        """Post a body that may safely be posted twice, and return status and JSON answer.

        Raises:
            RequestRefused: the server refused it.
            ServerUnreachable: no usable answer after `ATTEMPTS` attempts.
        """
        return self._ask(self._request("POST", path, body, query or {}, media_type))

    def get(self, path: str, *, query: Mapping[str, str]) -> dict[str, object]:
        """Return the JSON answer to a question.

        Raises:
            RequestRefused, ServerUnreachable: as `post` does.
        """
        return self._ask(self._request("GET", path, None, query, "application/json"))[1]

    def _ask(self, request: urllib.request.Request) -> tuple[int, dict[str, object]]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return _send(request)
            except (_PassingRefusal, OSError, http.client.HTTPException) as exc:
                if attempt == ATTEMPTS:
                    raise _given_up(exc, self.url) from exc
                self.pause(_pause_before_next(attempt, exc))
        raise ServerUnreachable(f"{self.url}: no attempt was made")

    def _request(
        self, method: str, path: str, body: bytes | None, query: Mapping[str, str], media_type: str
    ) -> urllib.request.Request:
        url = f"{self.url.rstrip('/')}{path}"
        if query:
            url = f"{url}?{urllib.parse.urlencode(query)}"
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": media_type,
            "Accept": "application/json",
            "User-Agent": f"tracebinder/{__version__}",
        }
        return urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310  # http or https: see the opener


def get_bytes(url: str, *, timeout: float = TIMEOUT) -> bytes:
    """Return what anybody may fetch at an http or https address. It is asked for once, without a token.

    Raises:
        RequestRefused: the server refused it.
        ServerUnreachable: there was no answer.
    """
    request = urllib.request.Request(url, headers={"User-Agent": f"tracebinder/{__version__}"})  # noqa: S310  # see the opener
    try:
        with _plain_opener().open(request, timeout=timeout) as answer:
            body: bytes = answer.read(_MOST_ANSWER)
            return body
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


def _plain_opener() -> urllib.request.OpenerDirector:
    """Return an opener of http and https only that follows no redirect: one would carry the token elsewhere."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _send(request: urllib.request.Request) -> tuple[int, dict[str, object]]:
    try:
        with _plain_opener().open(request, timeout=TIMEOUT) as answer:
            return answer.status, _json_object(answer.read(_MOST_ANSWER))
    except urllib.error.HTTPError as exc:
        with exc:
            refusal = _refusal(exc.code, exc.read(_MOST_ANSWER))
        if exc.code == 429 or exc.code >= 500:
            raise _PassingRefusal(refusal, _retry_after(exc.headers.get("Retry-After"))) from exc
        raise refusal from exc


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


def _refusal(status: int, body: bytes) -> RequestRefused:
    """Return the server's problem document as an error; any other body only by its status."""
    try:
        value = json.loads(body)
    except ValueError:
        value = {}
    problem = value if isinstance(value, dict) else {}
    title = str(problem.get("title") or http.client.responses.get(status, ""))
    told = str(problem.get("detail") or "")
    detail = " ".join(
        [told, *(fault for fault in _faults(problem.get("errors")) if fault not in told)]
    ).strip()
    return RequestRefused(status=status, code=str(problem.get("code", "")), title=title, detail=detail)


def _faults(errors: object) -> list[str]:
    """Return each fault that a problem lists, with its place: `pins[0].digest: what is wrong`."""
    listed = errors if isinstance(errors, list) else []
    return [
        f"{fault.get('path') or fault.get('in')}: {fault['message']}"
        for fault in listed
        if isinstance(fault, dict) and "message" in fault
    ]


def _retry_after(value: str | None) -> float | None:
    return float(value) if value is not None and value.isdecimal() else None


def _pause_before_next(attempt: int, error: Exception) -> float:
    wished = error.wait if isinstance(error, _PassingRefusal) else None
    backoff = _FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311  # spreads load, hides nothing
    return min(_LONGEST_PAUSE, wished if wished is not None else backoff)


def _given_up(error: Exception, url: str) -> TracebinderError:
    if isinstance(error, _PassingRefusal):
        return error.refusal
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return ServerUnreachable(
        f"cannot reach {url}: {reason}; check TRACEBINDER_URL and that the server runs (tried {ATTEMPTS} times)"
    )
