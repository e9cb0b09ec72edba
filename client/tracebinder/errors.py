"""The root of the client's errors: whatever goes wrong in it, `except TracebinderError` is enough."""

from __future__ import annotations


class TracebinderError(Exception):
    """Something the client could not do. The message says why, and where it helps what to do."""
