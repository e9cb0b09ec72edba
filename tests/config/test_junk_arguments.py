"""Junk for each argument of every command of ours: it is done, or a sentence says what to do; never a traceback."""

from __future__ import annotations

import io
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db import transaction

from evidence.errors import InvalidInput
from evidence.models import LegalHold, Scope
from evidence.services.disposal.holds import place_hold
from evidence.services.people.tokens import issue_token
from evidence.services.registry import register_system
from tests.factories import World, acting

pytestmark = pytest.mark.django_db

# They write files of ours or start processes, and none asks the database.
NOT_RUN: Final = {
    "write_translations",
    "write_reference",
    "up",
    "migrate",
}  # the arguments of the last are Django's
WITHOUT_VALUES: Final = {"check_access", "make_partitions", "retention", "verify_blobs"}
NEVER_ASKED: Final = {"settings", "pythonpath", "verbosity", "version", "help"}
JUNK: Final = [
    "", " ", "a\x00b", "\udcff", "x" * 101, "x" * 300, "9" * 30, "9" * 5000, "-1", "0", "1.5", "\u00b2", "NaN",
    "0000-01-01", "10000-01-01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-13-40",
    "/nowhere", "a=b", "=",
]  # fmt: skip


def ours() -> list[str]:
    apps = {"config", "evidence", "requirements", "interpret"}
    return sorted(name for name, app in get_commands().items() if app.partition(".")[0] in apps)


def parser_of(name: str) -> ArgumentParser:
    return load_command_class(get_commands()[name], name).create_parser("manage.py", name)


def ways(parser: ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Yield each way to call a command: its sub-command, and the actions that take a value."""
    below = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    for action in below:
        for name, inner in action.choices.items():
            yield from ways(inner, (*path, name))
    if not below:
        yield path, [each for each in parser._actions if each.nargs != 0 and each.dest not in NEVER_ASKED]


def valid(world: World) -> dict[str, str]:
    operator = world.people["operator"].username
    return {
        "system": world.system.key, "owner": operator, "by": operator, "reason": "r", "scope": Scope.READ.value,
        "role": "author", "username": "somebody", "key": "a-key", "name": "a name", "risk_tier": "low",
        "period_from": "2026-01-01", "since": "2026-01-01", "hold": "1", "trace": "ab" * 16, "action": "list",
    }  # fmt: skip


def calls(world: World, name: str) -> Iterator[list[str]]:
    """Yield the command with junk in one argument at a time, and something valid in each that it cannot do without."""
    known = valid(world)
    for path, actions in ways(parser_of(name)):
        for tried in actions:
            needed = [each for each in actions if each.required or each.dest == "trace"]
            others = [each for each in needed if {each.dest, tried.dest} != {"trace", "attribute"}]
            for junk in JUNK:
                words = list(path)
                for action in dict.fromkeys([tried, *others]):
                    value = junk if action is tried else known[action.dest]
                    words += [f"{action.option_strings[0]}={value}"] if action.option_strings else [value]
                yield words


@pytest.mark.parametrize("name", [each for each in ours() if each not in NOT_RUN])
def test_junk_ends_a_command_with_a_sentence(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    tried = list(calls(world, name))
    assert len(tried) >= len(JUNK) or name in WITHOUT_VALUES
    for words in tried or [[]]:
        run_and_undo(name, words)


def run_and_undo(name: str, words: list[str]) -> None:
    with transaction.atomic():
        savepoint = transaction.savepoint()
        try:
            call_command(name, *words, stdout=io.StringIO(), stderr=io.StringIO())
        except CommandError:
            pass
        except Exception as exc:
            raise AssertionError(f"{name} {words}: {exc!r}"[:1000]) from exc
        transaction.savepoint_rollback(savepoint)


@pytest.mark.parametrize("argument", ["--port", "--web-workers"])
@pytest.mark.parametrize("junk", ["", "-1", "0", "9" * 5000, "\u00b2", "1.5"])
def test_what_starts_processes_reads_its_numbers_first(argument: str, junk: str) -> None:
    with pytest.raises(CommandError, match="is not a whole number from 1 to"):
        call_command("up", f"{argument}={junk}")


@pytest.mark.parametrize("time", ["0000-01-01", "10000-01-01", "0001-01-01T00:00:00+23:59", "soon"])
def test_a_hold_from_no_time_is_refused(world: World, time: str) -> None:
    asked = ["place", "--system", world.system.key, "--from", time, "--reason", "r", "--by", "x"]
    with pytest.raises(CommandError, match="is no time between the years 1 and 9999"):
        call_command("legal_hold", *asked)
    assert not LegalHold.objects.exists()


def test_a_name_that_is_too_long_is_refused_by_the_service_and_says_how_long(world: World) -> None:
    with pytest.raises(InvalidInput, match="name has 101 characters, at most 100 are kept"):
        issue_token(
            principal=world.principal("operator"), name="x" * 101, owner=world.people["operator"],
            scopes=[Scope.INGEST], systems=[world.system], expires_at=world.release.created_at + timedelta(days=900),
        )  # fmt: skip


def test_a_text_with_a_nul_is_refused_by_the_service(world: World) -> None:
    operator = world.people["operator"]
    with pytest.raises(InvalidInput, match="name holds a NUL character"):
        register_system(principal=acting(), key="k", name="a\0b", risk_tier="low", owner=operator)
    with pytest.raises(InvalidInput, match="reason holds a NUL character"):
        place_hold(
            principal=world.principal("operator"), system=world.system, reason="a\0b",
            period_from=world.release.created_at, period_to=None,
        )  # fmt: skip
