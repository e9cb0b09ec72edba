"""How an attack reaches the server: by HTTP to a running copy, or within this process, with the same requests."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils.datastructures import CaseInsensitiveMapping
from google.rpc.status_pb2 import Status
from rest_framework.renderers import JSONRenderer

from evidence.actors import actor_of_user

TIMEOUT: Final = 120  # seconds an answer may take
_CSRF: Final = "a" * 32  # cookie and header must agree; what they say is the client's to choose
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_refusal(self) -> bool:
        """Whether it is a problem that names itself, or a form that says what is wrong in it."""
        return 400 <= self.status < 500

    @property
    def code(self) -> str:
        """The code of a problem; empty where it is none."""
        kind = next((value for name, value in self.headers.items() if name.lower() == "content-type"), "")
        if self.status >= 400 and "x-protobuf" in kind:
            return str(Status.FromString(self.content).message.partition(":")[0])
        return str(json.loads(self.content).get("code", "")) if "problem+json" in kind else ""


class Send(Protocol):
    """Sends one request."""

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Return the answer."""


def over_http(port: int) -> Send:
    """Return what sends to a web process on this machine; each thread has a connection of its own."""
    mine = threading.local()

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        for attempt in (1, 2):
            if getattr(mine, "connection", None) is None:
                mine.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
            try:
                mine.connection.request(method, path, body, dict(headers))
                response = mine.connection.getresponse()
                return Answer(response.status, dict(response.getheaders()), response.read())
            except (http.client.HTTPException, ConnectionError):
                mine.connection.close()
                mine.connection = None
                if attempt == 2:  # the first may be a connection that the server closed after its last answer
                    raise
        raise AssertionError

    return send


def in_process() -> Send:
    """Return what sends to this process's own copy of the server."""

    client: Any = Client(enforce_csrf_checks=True, raise_request_exception=False)

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        client.cookies.clear()
        kind = headers.get("Content-Type", "application/octet-stream")
        response = client.generic(method, path, body, content_type=kind, headers=dict(headers))
        content = b"".join(response.streaming_content) if response.streaming else response.content
        return Answer(response.status_code, dict(response.items()), content)

    return send


def session_of(person: User) -> dict[str, str]:
    """Return the headers of a browser in which somebody has just signed in."""
    actor_of_user(person)  # which their first request would otherwise put on record
    client = Client()
    client.force_login(person)
    session = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    return {"Cookie": f"{session}; {settings.CSRF_COOKIE_NAME}={_CSRF}", "X-CSRFToken": _CSRF}


def bearer(text: str) -> dict[str, str]:
    """Return the header of a token."""
    return {"Authorization": f"Bearer {text}"}


@dataclass
class WiredClient:
    """Sends as the clients of Django's tests do, so that the doors of `tests/invariants/act_doors.py` are taken by it.

    Args:
        extra: fields that are put into each body, as somebody would who guesses names of columns; what the door has its
            sender say under such a name (whose requirement it is, say) is no guess and stays.
        drops: headers that are left out, such as the one against forged requests of other sites.
    """

    send: Send
    headers: Mapping[str, str]
    extra: Mapping[str, object] = field(default_factory=dict)
    drops: frozenset[str] = frozenset()
    answers: list[Answer] = field(default_factory=list)
    only_read: bool = True

    def get(self, path: str, **_: Any) -> _Response:
        """Send GET."""
        return self._request("GET", path, b"", {})

    def post(
        self,
        path: str,
        data: Any = None,
        format: str = "",  # noqa: A002  # as the client of Django REST framework names it
        content_type: str = "",
        follow: bool = False,
        **headers: Any,
    ) -> _Response:
        """Send POST: JSON, bytes as they are, or a form."""
        del follow
        more = {name.removeprefix("HTTP_").title(): str(value) for name, value in headers.items()}
        if isinstance(data, bytes):
            return self._request("POST", path, data, {"Content-Type": content_type, **more})
        if format == "json":
            body = JSONRenderer().render({**self.extra, **data})
            return self._request("POST", path, body, {"Content-Type": _JSON, **more})
        body = urlencode({**self.extra, **(data or {})}, doseq=True).encode()
        return self._request("POST", path, body, {"Content-Type": _FORM, **more})

    def _request(self, method: str, path: str, body: bytes, more: Mapping[str, str]) -> _Response:
        self.only_read = self.only_read and method == "GET"
        headers = {name: value for name, value in self.headers.items() if name not in self.drops}
        answer = self.send(method, path, {**headers, **more}, body)
        self.answers.append(answer)
        return _Response(answer)


class _Response:
    """An answer as Django's test client gives it; which messages a page showed is not told by HTTP."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.content = answer.content
        self.headers = CaseInsensitiveMapping(answer.headers)
        self.context: dict[str, list[str]] = {"messages": []}

    def json(self) -> Any:
        """Return the value of a JSON body; of none, a problem without a code."""
        try:
            return json.loads(self.content)
        except ValueError:
            return {"code": ""}
