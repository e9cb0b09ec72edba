"""A limit on how long the database may take for what somebody asks for by a search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from evidence.errors import SearchTooWide
from evidence.statement_limit import TookTooLong, statements_limited


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Let no statement within take longer.

    Raises:
        SearchTooWide: one did, and the database ended it.
    """
    try:
        with statements_limited(seconds):
            yield
    except TookTooLong as exc:
        raise SearchTooWide from exc
