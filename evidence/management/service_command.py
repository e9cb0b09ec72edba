"""What commands share that read or change what is stored: rows by name, values in range, refusals as one sentence."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import DataError, Error, IntegrityError, InterfaceError, OperationalError
from psycopg.errors import CheckViolation, UndefinedTable

from evidence.hidden_signs import show_hidden
from evidence.models import System
from evidence.nearest import MISSPELT, nearest_name
from evidence.strict_json import fault_in_text

_NO_TABLES: Final = "The database has no tables yet: run `make up` once, or `python manage.py migrate`."
_STYLED: Final = re.compile(r"(\x1b\[[0-9;]*m)(.*)(\x1b\[0m)", re.DOTALL)
_UNSTORABLE: Final = (
    "A value is too long, too large, or holds characters that cannot be stored: give another."
)


class MarkedOutput(OutputWrapper):
    """What a command writes, with marks for characters that nobody sees: a terminal obeys some of them."""

    def write(  # type: ignore[override]  # Django's own signature
        self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None
    ) -> None:
        styled = _STYLED.fullmatch(msg)  # by us, around the whole of it
        shown = f"{styled[1]}{show_hidden(styled[2])}{styled[3]}" if styled else show_hidden(msg)
        super().write(shown, style_func, ending)


class ServiceCommand(BaseCommand):
    """A command that calls services. What they or the database refuse ends it with one sentence, and no traceback.

    Django's checks would load every page of the web: `manage.py check` runs them.
    """

    requires_system_checks = ()

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.stdout = MarkedOutput(given.get("stdout") or sys.stdout)
        self.stderr = MarkedOutput(given.get("stderr") or sys.stderr)
        self.stderr.style_func = self.style.ERROR

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it.

        Raises:
            CommandError: saying what to do.
        """
        for stream in ("stdout", "stderr"):
            if options.get(stream):  # as `call_command` gives them; Django would wrap them itself
                setattr(self, stream, MarkedOutput(options.pop(stream)))
        for name, text in _texts(options):
            if fault := fault_in_text(text):
                raise CommandError(f"--{name.replace('_', '-')} {fault}: give another.")
        try:
            return super().execute(*args, **options)
        except Exception as exc:  # of any kind, and raised again where it is nobody's to put right
            sentence = _sentence_of(exc)
            if sentence is None:
                raise
            raise CommandError(sentence) from exc


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


def whole_number(lowest: int, highest: int, *, of: str = "number") -> Callable[[str], int]:
    """Return the type of an argument that is a whole number within these bounds.

    Args:
        of: what it counts, for the sentence: "number of days".
    """

    def read(text: str) -> int:
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(highest))
        if not (is_number and lowest <= int(text) <= highest):
            raise ArgumentTypeError(f"{text[:40]!r} is not a whole {of} from {lowest} to {highest}")
        return int(text)

    return read


def moment(text: str) -> datetime:
    """Return the time that an argument says, aware, in UTC; one without an offset is in UTC already."""
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as exc:
        raise ArgumentTypeError(
            f"{text[:40]!r} is no time between the years 1 and 9999: write it as 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from exc


def _texts(options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in options.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                yield name, each


def _sentence_of(exc: Exception) -> str | None:
    """Return what somebody is told of an exception; None where it is a fault of ours, which keeps its traceback."""
    if hasattr(exc, "http_status"):  # the errors of all three apps
        return f"{getattr(exc, 'title', '')}. {exc}"
    return _sentence_of_database(exc) if isinstance(exc, Error) else None


def _sentence_of_database(exc: Error) -> str | None:
    if isinstance(exc.__cause__, UndefinedTable):
        return _NO_TABLES
    if isinstance(exc, DataError) or isinstance(exc.__cause__, CheckViolation):
        return _UNSTORABLE
    if isinstance(exc, IntegrityError):
        return "Something stored contradicts this: read what is there, then decide."
    if isinstance(exc, OperationalError | InterfaceError):
        return f"The database cannot be reached, or gave way to another: run it again later. ({str(exc).strip()})"
    return None


def _missing(noun: str, name: str, known: Iterable[str]) -> str:
    near = nearest_name(name, known, alike=MISSPELT)
    hint = f"did you mean {near!r}?" if near else f"make one with `manage.py create_{noun}`."
    return f"There is no {noun} {name!r}: {hint}"
