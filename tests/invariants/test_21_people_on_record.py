"""No command changes a person, a role, a password or a sign-in past the record; a shell alone can, and that is said."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command, get_commands
from django.test import Client

from evidence.models import AuditEvent, AuditPayload
from tests.factories import make_person
from tests.invariants.walk import OUR_APPS

pytestmark = pytest.mark.django_db

# Commands of Django and of libraries, each with why nothing about people changes past the record by it.
_READS: Final = "reads, or writes files"
_SCHEMA: Final = "changes tables and no rows of people; the database lets the owner alone"
_TESTS: Final = "works on a database of its own"
HARMLESS: Final = {
    "check": _READS, "collectstatic": _READS, "compilemessages": _READS, "diffsettings": _READS, "dumpdata": _READS,
    "findstatic": _READS, "generateschema": _READS, "inspectdb": _READS, "makemessages": _READS,
    "makemigrations": _READS, "optimizemigration": _READS, "showmigrations": _READS, "spectacular": _READS,
    "sqlflush": _READS, "sqlmigrate": _READS, "sqlsequencereset": _READS, "squashmigrations": _READS,
    "startapp": _READS, "startproject": _READS, "sendtestemail": _READS,
    "createcachetable": _SCHEMA, "test": _TESTS, "testserver": _TESTS,
    "runserver": "serves what the web process serves",
    "clearsessions": "takes away sessions that are over",
    "remove_stale_contenttypes": "permissions of models that are gone; roles are made from a table by `migrate`",
    "flush": "the owner's alone, and it takes the log with it: `verify_log` and any checkpoint kept elsewhere tell",
    "shell": "Python itself: docs/guides/operator.md says so",
    "dbshell": "SQL itself: docs/guides/operator.md says so",
}  # fmt: skip


def test_each_command_is_ours_or_changes_nobody() -> None:
    foreign = {
        name for name, app in get_commands().items() if app.partition(".")[0] not in {*OUR_APPS, "config"}
    }
    assert foreign == set(HARMLESS)


def events() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.order_by("pk").values_list("verb", "actor"))


def test_a_superuser_is_made_on_record() -> None:
    out = io.StringIO()
    call_command("createsuperuser", "--username", "root", "--generate-password", stdout=out)
    person = User.objects.get(username="root")
    assert (person.is_superuser, person.is_staff) == (True, True)
    added = AuditEvent.objects.get(verb="person.added")
    assert added.actor == "system:command-line"
    assert b'"is_superuser"' in bytes(AuditPayload.objects.get(event=added).payload)
    form = {"username": "root", "password": out.getvalue().rpartition(": ")[2].strip(), "next": "/admin/"}
    assert Client().post("/admin/login/", form).status_code == 302


@pytest.mark.parametrize(
    ("name", "password", "told"),
    [("root", "123456789012", "another password"), ("ro ot", None, "user name"), ("ana", None, "on record")],
)
def test_a_superuser_that_cannot_be_is_refused(
    name: str, password: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person("ana", "author")
    before = events()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password or 'three quiet herons wading'}\n"))
    with pytest.raises(CommandError, match=told):
        call_command("createsuperuser", "--username", name, "--password-stdin")
    assert (User.objects.filter(is_superuser=True).count(), events()) == (0, before)


def test_nobody_sets_a_password_by_command() -> None:
    ana = make_person("ana", "author")
    with pytest.raises(CommandError, match="password_link"):
        call_command("changepassword", "ana")
    assert User.objects.get(pk=ana.pk).password == ana.password


def test_no_person_comes_from_a_file(tmp_path: Path, settings: Any) -> None:
    rows = tmp_path / "people.json"
    rows.write_text('[{"model": "auth.user", "fields": {"username": "mallory", "is_superuser": true}}]')
    with pytest.raises(CommandError, match="create_person"):
        call_command("loaddata", str(rows))
    assert not User.objects.filter(username="mallory").exists()
