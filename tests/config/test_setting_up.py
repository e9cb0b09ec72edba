"""The commands that set people, systems and tokens up, as an operator types them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection
from django.test import Client

from evidence.access import principal_of_command_line
from evidence.models import AccessToken, AuditEvent, Membership, System
from evidence.services.people.persons import create_person
from tests.factories import make_person

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    """Run a command as `manage.py` does, and return what it printed."""
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that puts text on the standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def make_system() -> str:
    run("create_person", "ana", "--role", "author", "--generate-password")
    return run(
        "create_system",
        "--key",
        "loan-desk",
        "--name",
        "Loan desk",
        "--risk-tier",
        "medium",
        "--owner",
        "ana",
    )


def test_from_nothing_to_a_token_and_a_person_who_signs_in() -> None:
    assert make_system() == "loan-desk: Loan desk, medium risk, owned by ana\n"
    told = run(
        "create_person", "pia", "--role", "approver", "--role", "reviewer", "--system", "loan-desk",
        "--generate-password",
    )  # fmt: skip
    assert "pia: approver, reviewer; sees loan-desk" in told
    password = told.rpartition("shown once: ")[2].strip()
    client = Client()
    form = {"username": "pia", "password": password, "next": "/admin/"}
    assert client.post("/admin/login/", form).status_code == 302
    assert client.get("/admin/").status_code == 200

    text = run("issue_token", "--owner", "ana", "--system", "loan-desk", "--scope", "ingest").strip()
    assert text.startswith("tb_")
    assert AccessToken.objects.get().scopes == ["ingest"]


def test_the_same_again_answers_the_same(typed: Any) -> None:
    make_system()
    before = list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))
    assert before == ["person.identified", "person.added", "system.registered", "membership.granted"]
    assert make_system() == "loan-desk: Loan desk, medium risk, owned by ana\n"
    typed("another password\n")
    told = run("create_person", "ana", "--role", "author", "--password-stdin")
    assert "keeps their password" in told
    assert not User.objects.get().check_password("another password")
    assert list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True)) == before


def test_another_system_is_one_more_that_they_see() -> None:
    make_system()
    run("create_system", "--key", "aml", "--name", "AML", "--risk-tier", "high", "--owner", "ana")
    run("create_person", "pia", "--role", "approver", "--system", "aml", "--generate-password")
    told = run("create_person", "pia", "--role", "approver", "--system", "loan-desk")
    assert "sees aml, loan-desk" in told
    assert Membership.objects.filter(user__username="pia").count() == 2


def test_a_password_comes_from_standard_input_and_is_never_printed(typed: Any) -> None:
    typed("correct horse battery\nsecond line\n")
    told = run("create_person", "ana", "--role", "author", "--password-stdin")
    assert "horse" not in told
    assert User.objects.get().check_password("correct horse battery")


@pytest.mark.parametrize(
    "weak",
    [
        "123456789012",
        "aaaaaaaaaaaa",
        "qwertyuiop12",
        "password1234",
        "2026-11-26-26",
        "ana-ana-ana-1",
        "P@ssw0rd1234!",
    ],
)  # fmt: skip
def test_a_password_that_is_guessed_soon_is_refused(typed: Any, weak: str) -> None:
    typed(f"{weak}\n")
    with pytest.raises(CommandError, match=r"guessed too soon|too common"):
        run("create_person", "ana", "--role", "author", "--password-stdin")
    assert not User.objects.exists()


def test_a_long_password_is_read_in_no_time_and_taken(typed: Any) -> None:
    typed("window apricot ledger sundial " * 100 + "\n")
    run("create_person", "ana", "--role", "author", "--password-stdin")
    assert User.objects.get().has_usable_password()


def test_a_password_is_asked_for_where_somebody_is_there_to_ask(
    monkeypatch: pytest.MonkeyPatch, typed: Any
) -> None:
    answers = iter(["correct horse battery", "correct horse battery", "one thing here", "another there"])
    typed("")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("config.management.typed_password.getpass", lambda _: next(answers))
    run("create_person", "ana", "--role", "author")
    assert User.objects.get().check_password("correct horse battery")
    with pytest.raises(CommandError, match="differ"):
        run("create_person", "pia", "--role", "approver")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["create_person", "x", "--role", "aprover", "--generate-password"], "Did you mean 'approver'"),
        (["create_person", "x", "--role", "king", "--generate-password"], "The roles are author, approver"),
        (["create_person", "a b", "--role", "author", "--generate-password"], "cannot be a user name"),
        (["create_person", "x", "--role", "author"], "--generate-password or --password-stdin"),
        (["create_person", "x", "--role", "author", "--system", "loan-dask", "--generate-password"],
         "did you mean 'loan-desk'"),
        (["create_person", "ana", "--role", "auditor"], "on record as author"),
        (["create_system", "--key", "b", "--name", "B", "--risk-tier", "low", "--owner", "anna"], "did you mean 'ana'"),
        (["create_system", "--key", "b", "--name", "B", "--risk-tier", "low", "--owner", "zz"], "create_person"),
        (["create_system", "--key", "b c", "--name", "B", "--risk-tier", "low", "--owner", "ana"], "key: "),
        (["create_system", "--key", "b", "--name", "", "--risk-tier", "low", "--owner", "ana"], "name: "),
        (["create_system", "--key", "b", "--name", "B", "--risk-tier", "hgh", "--owner", "ana"], "invalid choice"),
        (["create_system", "--key", "loan-desk", "--name", "Loan desk", "--risk-tier", "low", "--owner", "ana"],
         "risk tier medium"),
        (["issue_token", "--owner", "anna", "--system", "loan-desk", "--scope", "read"], "did you mean 'ana'"),
        (["issue_token", "--owner", "ana", "--system", "lone-desk", "--scope", "read"], "did you mean 'loan-desk'"),
        (["issue_token", "--owner", "ana", "--system", "loan-desk", "--scope", "reed"], "invalid choice"),
        (["issue_token", "--owner", "ana", "--system", "loan-desk", "--scope", "read", "--days", "9999999999"],
         "from 1 to 3650"),
        (["issue_token", "--owner", "ana", "--system", "loan-desk", "--scope", "read", "--days", "0"],
         "from 1 to 3650"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_to_do(arguments: list[str], told: str, typed: Any) -> None:
    make_system()
    before = AuditEvent.objects.count()
    typed("")
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    assert told in str(refused.value)
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("password", ["", "short", "password1234"])
def test_a_weak_password_is_refused_before_anything_is_stored(password: str, typed: Any) -> None:
    typed(f"{password}\n")
    with pytest.raises(CommandError, match="Choose another password"):
        run("create_person", "ana", "--role", "author", "--password-stdin")
    assert not User.objects.exists()


def test_another_owner_of_a_registered_system_is_a_conflict() -> None:
    make_system()
    make_person("omar", "operator")
    with pytest.raises(CommandError, match="owned by ana"):
        run(
            "create_system",
            "--key",
            "loan-desk",
            "--name",
            "Loan desk",
            "--risk-tier",
            "medium",
            "--owner",
            "omar",
        )
    assert System.objects.get().owner.username == "ana"


def test_somebody_made_inactive_does_not_come_back_unnoticed() -> None:
    make_system()
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="inactive"):
        run("create_person", "ana", "--role", "author")


def test_the_person_and_their_event_commit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise RuntimeError("the event cannot be written")

    monkeypatch.setattr("evidence.services.audit.record", refuse)
    with pytest.raises(RuntimeError):
        create_person(
            principal=principal_of_command_line(), username="ana", roles=["author"], systems=[], password=None
        )
    assert not User.objects.exists()


def test_a_database_without_tables_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object, **__: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")

    monkeypatch.setattr("config.management.commands.create_system.find_person", find)
    with pytest.raises(CommandError, match="make up"):
        run("create_system", "--key", "b", "--name", "B", "--risk-tier", "low", "--owner", "ana")
    monkeypatch.setattr("config.management.commands.create_system.find_person", raise_other_error)
    with pytest.raises(ProgrammingError):
        run("create_system", "--key", "b", "--name", "B", "--risk-tier", "low", "--owner", "ana")


def raise_other_error(_: str) -> None:
    raise ProgrammingError("a fault of ours")
