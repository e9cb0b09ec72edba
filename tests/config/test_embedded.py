"""The embedded servers: loopback only, passwords required, three roles with three sets of rights."""

from __future__ import annotations

import json
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
