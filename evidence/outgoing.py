"""Requests that this server makes of others: whoever is configured is asked, in time, and nobody they point at."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import IO, Any, Final

from evidence.time_budget import TimeBudget

MOST_ANSWER: Final = 64 * 1024  # bytes of an answer that are read


class NoAnswer(Exception):
    """Somebody who was asked did not answer as they should; the message says how."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Whoever is configured is asked, and nobody they point at."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


_OPENER: Final = urllib.request.build_opener(_NoRedirects)


def ask(
    url: str, *, timeout: float, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Return status and body of an answer, whatever the status; no redirect is followed.

    Args:
        timeout: seconds until the answer is whole.
        body: what is posted; None asks with GET.

    Raises:
        NoAnswer: there was none in time.
    """
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}))  # noqa: S310  # of the settings
    try:
        with _OPENER.open(request, timeout=timeout) as answer:
            return answer.status, _read_in_time(answer, url, timeout)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, _read_in_time(exc, url, timeout)
    except (OSError, ValueError, http.client.HTTPException) as exc:
        raise NoAnswer(f"{url} does not answer: {exc}") from exc


def _read_in_time(answer: IO[bytes], url: str, seconds: float) -> bytes:
    """Return what is answered, unless it comes so slowly that it is not whole in time: a timeout is for each piece."""
    budget, pieces = TimeBudget.of(seconds), [b""]
    while (piece := answer.read1(MOST_ANSWER)) and sum(map(len, pieces)) <= MOST_ANSWER:  # type: ignore[attr-defined]  # an HTTPResponse, both times
        pieces.append(piece)
        if budget.is_spent():
            raise NoAnswer(f"{url} does not answer in time")
    return b"".join(pieces)[:MOST_ANSWER]
