"""What commands share that set people, systems and tokens up: rows by name, and refusals as one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError
from psycopg.errors import UndefinedTable

from evidence.errors import EvidenceError
from evidence.models import System
from evidence.nearest import MISSPELT, nearest_name


class ServiceCommand(BaseCommand):
    """A command that calls services. What they refuse, and a database without tables, end it with one sentence."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it."""
        try:
            return super().execute(*args, **options)
        except EvidenceError as exc:
            raise CommandError(f"{exc.title}. {exc}") from exc
        except ProgrammingError as exc:
            if isinstance(exc.__cause__, UndefinedTable):
                raise CommandError(
                    "The database has no tables yet: run `make up` once, or `python manage.py migrate`."
                ) from exc
            raise


def find_person(username: str) -> User:
    """Return a person by user name; CommandError with the nearest name where there is none."""
    person = User.objects.filter(username=username).first()
    if person is None:
        raise CommandError(_missing("person", username, User.objects.values_list("username", flat=True)))
    return person


def find_systems(keys: Sequence[str]) -> list[System]:
    """Return systems by key, in this order; CommandError with the nearest key where there is none."""
    found = {system.key: system for system in System.objects.filter(key__in=keys)}
    for key in keys:
        if key not in found:
            raise CommandError(_missing("system", key, System.objects.values_list("key", flat=True)))
    return [found[key] for key in dict.fromkeys(keys)]


def _missing(noun: str, name: str, known: Iterable[str]) -> str:
    near = nearest_name(name, known, alike=MISSPELT)
    hint = f"did you mean {near!r}?" if near else f"make one with `manage.py create_{noun}`."
    return f"There is no {noun} {name!r}: {hint}"
