"""Django's `migrate`, beside a live server: it gives way to whoever uses a table, and comes again."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import Error, connections

from evidence.database_errors import gave_way
from evidence.schema_age import read_schema_age
from evidence.short_transactions import LOCK_TIMEOUT, PATIENCE, TableBusy

_PAUSE: Final = 0.5  # seconds between two tries
# New objects that are not gone again, before garbage is looked for; and how seldom among the old ones.
_GARBAGE: Final = (20_000, 10, 50)


class Command(migrate.Command):
    """Bring the database to the version of the code; a migration that is in somebody's way is tried again."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate.

        Raises:
            CommandError: the database is of a newer version, or a table was in use all the time; the sentence says
                what to do.
        """
        connection = connections[options["database"]]
        _refuse_newer(options["database"])
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {LOCK_TIMEOUT}")
        try:
            with _collecting_seldom():
                self._migrate(*args, **options)
        except TableBusy as exc:
            raise CommandError(str(exc)) from exc
        finally:
            if connection.is_usable():
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")

    def _migrate(self, *args: Any, **options: Any) -> None:
        """Run Django's; whatever it has committed is skipped by the next try."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                super().handle(*args, **options)
            except Error as exc:
                if not gave_way(exc):
                    raise
                if time.monotonic() > deadline:
                    raise TableBusy("A table") from exc
                self.stderr.write(f"Gave way to another transaction, trying again. ({str(exc).strip()})")
                time.sleep(_PAUSE)
            else:
                return


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Look for garbage less often: each step draws up models that are thrown away, some million objects together."""
    usual = gc.get_threshold()
    gc.set_threshold(*_GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _refuse_newer(using: str) -> None:
    """Old code would put the rules of old back, below servers of the newer version."""
    if unknown := read_schema_age(using).unknown:
        raise CommandError(
            f"The database is newer than this code, which does not know {', '.join(unknown)}. Run `manage.py migrate` "
            "of the version that does; to go back, name a state to its `migrate` first, or restore a backup."
        )
