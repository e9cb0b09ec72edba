"""A production process that was given what is not safe ends with a sentence, before it serves anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from config import embedded, starting
from config.checks import PRODUCTION
from config.database_role import RoleTooPowerful, refuse_connection
from config.demo_people import DEMO_PASSWORD
from config.env import ConfigurationError
from config.production import Start, find_faults, refuse_unsafe
from tests.invariants.walk import REPOSITORY

SAFE = Start(
    process="web",
    secret_key="a secret of fifty characters or more, as it is here",
    monitor_token="",
    is_debugged=False,
    is_behind_tls=True,
    holds_keys=False,
    hosts=["tracebinder.example.com"],
    broker_url="redis://web:password@redis:6379/0",
)
PROBES = replace(SAFE, process="interpret")


def start(statement: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Run a statement in a process with the settings of production, changed; None takes one away."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TRACEBINDER_", "DATABASE_", "REDIS_"))
    }
    given = PRODUCTION | {"TRACEBINDER_VAR": os.environ["TRACEBINDER_VAR"]} | changes
    environment = {**ours, **{name: value for name, value in given.items() if value is not None}}
    return subprocess.run(
        [sys.executable, "-c", statement],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"TRACEBINDER_SECRET_KEY": None}, "TRACEBINDER_SECRET_KEY is not set"),
        ({"TRACEBINDER_SECRET_KEY": "x" * 49 + "y"}, "fewer than 5 different characters"),
        ({"TRACEBINDER_DEBUG": "true"}, "TRACEBINDER_DEBUG shows settings"),
        ({"TRACEBINDER_HTTPS": "false"}, "passwords and cookies travel in the clear"),
        ({"TRACEBINDER_HOLDS_KEYS": "true"}, "a web process never signs"),
        ({"REDIS_URL": "redis://redis:6379/0"}, "REDIS_URL has no password"),
        ({"TRACEBINDER_ALLOWED_HOSTS": "*"}, "TRACEBINDER_ALLOWED_HOSTS holds *"),
        ({"TRACEBINDER_OIDC_ISSUER": "https://id.example.org"}, "TRACEBINDER_OIDC_CLIENT_ID is not set"),
        ({"TRACEBINDER_PASSWORD_SIGN_IN": "false"}, "nobody could sign in"),
        ({"TRACEBINDER_KMS_TOKEN": "0123456789abcdef" * 2}, "must not be given TRACEBINDER_KMS_TOKEN"),
        ({"TRACEBINDER_LOG_KEY": "kms+https://keys.example.org/log"}, "needs TRACEBINDER_KMS_TOKEN"),
        ({"TRACEBINDER_BINDER_KEY": "file:///keys/b"}, "TRACEBINDER_BINDER_KEY is kms+https"),
        (
            {"TRACEBINDER_PROCESS": "interpret", "DATABASE_INTERPRET_URL": "postgresql://probe:p@h/d"},
            "must not be given DATABASE_URL, TRACEBINDER_SECRET_KEY",
        ),
    ],
)
def test_a_process_with_unsafe_settings_does_not_start(changes: dict[str, str | None], told: str) -> None:
    ended = start("import config.settings", **changes)
    assert ended.returncode != 0
    assert told in ended.stderr


def test_with_the_settings_of_production_each_process_starts() -> None:
    for changes in (
        {},
        {"TRACEBINDER_HTTPS": None, "TRACEBINDER_DEBUG": None},  # safe is what is not said
        {"TRACEBINDER_PROCESS": "worker", "TRACEBINDER_SECRET_KEY": None},
        {
            "TRACEBINDER_PROCESS": "interpret",
            "DATABASE_INTERPRET_URL": "postgresql://probe:p@h/d",
            "DATABASE_URL": None,
            "TRACEBINDER_SECRET_KEY": None,
        },
    ):
        ended = start(
            "from config.settings import *; print(HTTPS, HOLDS_KEYS, len(SECRET_KEY) >= 50)", **changes
        )
        assert ended.returncode == 0, ended.stderr[-500:]
        is_worker = changes.get("TRACEBINDER_PROCESS") == "worker"
        assert ended.stdout.split() == ["True", str(is_worker), "True"]


def test_no_process_of_production_keeps_passwords_of_servers_that_it_does_not_have(tmp_path: Path) -> None:
    """The folder is one that all of them see."""
    ended = start(
        "import config.settings", TRACEBINDER_VAR=str(tmp_path), TRACEBINDER_SECRET_KEY=None,
        TRACEBINDER_PROCESS="owner", DATABASE_OWNER_URL="postgresql://owner:p@h/d",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-500:]
    assert list(tmp_path.iterdir()) == []


def test_what_a_developer_runs_is_no_production() -> None:
    ended = start(
        "from config.settings import *; print(PRODUCTION, HTTPS)",
        DATABASE_URL=None, REDIS_URL=None, TRACEBINDER_SECRET_KEY=None, TRACEBINDER_HTTPS=None,
    )  # fmt: skip
    assert ended.stdout.split() == ["False", "False"], ended.stderr[-500:]


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"\(1\) TRACEBINDER_DEBUG.*\(2\) TRACEBINDER_SECRET_KEY"):
        refuse_unsafe(replace(SAFE, is_debugged=True, secret_key="short"))


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URL_FILE", "TRACEBINDER_SECRET_KEY_FILE"])
def test_a_worker_that_runs_probes_is_given_nobody_elses_secrets(name: str) -> None:
    assert list(find_faults(PROBES)) == []
    (fault,) = find_faults(replace(PROBES, environment={name: "/run/secrets/x"}))
    assert name.removesuffix("_FILE") in fault


def test_a_monitor_token_that_is_soon_guessed_is_refused() -> None:
    (fault,) = find_faults(replace(SAFE, monitor_token="monitor"))
    assert "TRACEBINDER_MONITOR_TOKEN" in fault


# Who the process is in the database.


def url_of(role: str) -> str:
    """Return the URL of a role, to the database of this session."""
    at = settings.DATABASES["default"]
    if not settings.DATABASE_IS_EMBEDDED:
        return os.environ["DATABASE_OWNER_URL" if role == embedded.OWNER_ROLE else "DATABASE_URL"]
    return embedded.read_plan(settings.VAR).database_url(role).rpartition("/")[0] + f"/{at['NAME']}"


@pytest.mark.django_db
@pytest.mark.parametrize("production", ["true", "false"])
def test_a_web_process_that_is_the_owner_of_the_tables_does_not_start(production: str) -> None:
    ended = start(
        "import config.wsgi",
        DATABASE_URL=url_of(embedded.OWNER_ROLE),
        TRACEBINDER_PRODUCTION=production,
    )
    assert ended.returncode != 0
    assert "owns the tables, or may act as who does" in ended.stderr


@pytest.mark.django_db
def test_a_web_process_in_its_own_role_starts() -> None:
    ended = start("import config.wsgi", DATABASE_URL=url_of(embedded.WEB_ROLE))
    assert ended.returncode == 0, ended.stderr[-1000:]


@pytest.mark.django_db
def test_a_worker_that_is_the_owner_ends() -> None:
    ended = start(
        "import sys; from celery.__main__ import main\n"
        "sys.argv = 'celery --quiet -A config worker -Q nobody -P solo'.split(); sys.exit(main())",
        DATABASE_URL=url_of(embedded.OWNER_ROLE),
        REDIS_URL=settings.REDIS_URL,
        TRACEBINDER_PROCESS="worker",
    )
    assert ended.returncode != 0
    assert "This worker process is the role" in ended.stderr


@pytest.mark.django_db
def test_a_connection_made_later_is_asked_as_well() -> None:
    """The database was away at the start, or the URL's role was given more since."""
    with pytest.raises(RoleTooPowerful, match="owns the database, or may act as who does"):
        refuse_connection(None, connection)  # these tests' session is the owner's, whatever role it acts as


class Cursor:
    """A cursor that answers the one question."""

    def __init__(self, *row: object) -> None:
        self.row = row

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, *_: object) -> None:
        return None

    def fetchone(self) -> tuple[object, ...]:
        return self.row


class Session:
    """A connection as one role."""

    def __init__(self, *row: object) -> None:
        self.row, self.closed = row, False

    def cursor(self) -> Cursor:
        return Cursor(*self.row)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("postgres", True, False, False, False, False, []), "is a superuser"),
        (("admin", False, True, False, False, False, []), "makes roles"),
        (("dump", False, False, True, False, False, []), "passes by row security"),
        (
            ("loader", False, False, False, False, False, ["pg_write_all_data"]),
            "is a member of pg_write_all_data",
        ),
    ],
)
def test_each_power_beyond_the_rules_ends_the_connection(row: tuple[object, ...], told: str) -> None:
    session = Session(*row)
    with pytest.raises(RoleTooPowerful, match=told):
        refuse_connection(None, session)
    assert session.closed


def test_a_role_under_the_rules_keeps_its_connection() -> None:
    session = Session("tracebinder_web", False, False, False, False, False, [])
    refuse_connection(None, session)
    assert not session.closed


# People of the demo.


@pytest.mark.django_db
def test_production_does_not_start_beside_people_of_the_demo(settings: Any) -> None:
    settings.PRODUCTION, settings.PROCESS = True, "web"
    ana = User.objects.create_user("ana", password=DEMO_PASSWORD)
    User.objects.create_user("pia", password="another one altogether")
    with pytest.raises(ConfigurationError, match="a password that everybody knows: ana"):
        starting.refuse_unsafe_start()
    ana.is_active = False
    ana.save()
    starting.refuse_unsafe_start()
