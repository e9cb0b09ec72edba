"""A small JSON client for the demo: a token, or a person who signs in."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


class ApiError(Exception):
    """The server refused; the message is the problem's own."""


@dataclass(frozen=True, slots=True)
class Api:
    """The API as one token sees it."""

    url: str
    token: str

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON at a path below /api/v1/."""
        suffix = f"?{urlencode(query)}" if query else ""
        return json.loads(self._send("GET", f"/api/v1/{path}{suffix}", None, "application/json"))

    def get_bytes(self, path: str) -> bytes:
        """Return what is at a path below /api/v1/, as it is."""
        return self._send("GET", f"/api/v1/{path}", None, "application/json")

    def post(self, path: str, body: object) -> Any:
        """Post JSON and return the answer."""
        return json.loads(
            self._send("POST", f"/api/v1/{path}", json.dumps(body).encode(), "application/json")
        )

    def post_bytes(self, path: str, body: bytes, content_type: str) -> Any:
        """Post bytes and return the answer."""
        return json.loads(self._send("POST", f"/api/v1/{path}", body, content_type))

    def everything(self, path: str, **query: str) -> list[Any]:
        """Return all rows of a list, page after page."""
        rows: list[Any] = []
        page = self.get(path, limit="500", **query)
        while True:
            rows += page["results"]
            if not page["next"]:
                return rows
            page = json.loads(
                self._send("GET", page["next"].removeprefix(self.url), None, "application/json")
            )

    def _send(self, method: str, path: str, body: bytes | None, content_type: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310  # our own loopback address
            self.url + path,
            data=body,
            method=method,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": content_type,
                "Accept": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310  # likewise
                return bytes(response.read())
        except urllib.error.HTTPError as exc:
            raise ApiError(f"{method} {path}: {exc.code} {exc.read().decode(errors='replace')}") from exc
