"""What an answer to junk must be: never a 500, and where it refuses, a problem with a code that is documented."""

from __future__ import annotations

import re
from typing import Any, Final

from config.reference import render_errors

CODES: Final = {
    code: int(status)
    for code, status in re.findall(r"^\| `(\w+)` \| (\d+) \|", render_errors(), re.MULTILINE)
}
PROBLEM: Final = {"type": str, "code": str, "title": str, "status": int, "detail": str}


def check_answer(response: Any) -> None:
    """Fail where an answer is none that we document.

    Args:
        response: of Django's test client, for a client that takes JSON.
    """
    status = response.status_code
    assert status < 500, f"{status}: {response.content[:500]!r}"
    if status < 400:
        return
    assert response.headers["Content-Type"] == "application/problem+json", response.headers["Content-Type"]
    body = response.json()
    assert {name: type(body.get(name)) for name in PROBLEM} == PROBLEM, body
    assert body["status"] == status
    assert CODES.get(body["code"]) == status, (
        f"{body['code']} with {status} is not in docs/reference/errors.md"
    )
    assert body["title"].strip()
    assert body["detail"].strip()
    assert all(set(fault) >= {"path", "code", "message", "nearest"} for fault in body.get("errors", [])), (
        body["errors"]
    )
