"""The demo's API client without a server: the same requests, to the application in this process."""

from __future__ import annotations

from django.test import Client
from typing_extensions import override

from examples.demo.api import Api, ApiError


class InProcess(Api):
    """The API as one token sees it."""

    @override
    def _send(self, method: str, path: str, body: bytes | None, content_type: str) -> bytes:
        answer = Client().generic(
            method,
            path,
            body or b"",
            content_type=content_type,
            headers={"Authorization": f"Bearer {self.token}", "Accept": "application/json"},
        )
        if answer.status_code >= 400:
            raise ApiError(f"{method} {path}: {answer.status_code} {answer.content.decode()}")
        return bytes(answer.content)
