"""Asking PostgreSQL where names that do not say their schema are looked up in schemas of our choice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

# Functions and operators are PostgreSQL's own, whatever stands in other schemas under their names.
BUILT_IN = "pg_catalog"


@contextmanager
def looking_in(using: str, path: str) -> Iterator[CursorWrapper]:
    """Yield a cursor whose statements look names up in these schemas; afterwards it is as before.

    Args:
        path: as `search_path` has it.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_catalog.current_setting('search_path')")
        (before,) = cursor.fetchone() or ("",)
        cursor.execute("SELECT pg_catalog.set_config('search_path', %s, true)", [path])
        yield cursor
        cursor.execute("SELECT pg_catalog.set_config('search_path', %s, true)", [before])
