"""Fixtures everybody uses. Tests run with the rights of the web process, on real PostgreSQL."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import Client, TransactionTestCase
from rest_framework import serializers
from rest_framework.test import APIClient

import config.urls  # noqa: F401  # with which the pages of the admin are registered
from evidence import kept_until_written
from tests import factories, kept_worlds
from tests.emptied import Emptier, close_connection
from tests.how_many import examples
from tests.kept_database import TEMPLATE
from tests.null_rules import check_nulls
from tests.page_rules import check_answer, check_not_kept

# A busy machine is slow, which is no fault of what is tested.
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    max_examples=examples(40),
)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """On a server that was started here, the database of the tests is a copy of the migrated one."""
    del django_db_modify_db_settings_parallel_suffix
    if django_settings.DATABASE_IS_EMBEDDED:
        connection.settings_dict["TEST"]["TEMPLATE"] = TEMPLATE


@pytest.fixture(scope="session", autouse=True)
def _act_as_runtime_role(django_db_setup: None) -> Iterator[None]:
    """After the test database is made by its owner, every connection acts as the runtime role."""
    del django_db_setup

    def act(sender: object, connection: Any, **_: object) -> None:
        del sender
        with connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{django_settings.RUNTIME_ROLE}"')

    connection_created.connect(act, weak=False, dispatch_uid="tests.role")
    connection.close()
    yield
    connection_created.disconnect(dispatch_uid="tests.role")
    connection.close()  # the owner drops the test database


@pytest.fixture(scope="session")
def _has_tables(_act_as_runtime_role: None, django_db_blocker: Any) -> bool:
    """Whether a database was made, as it is not where no test asks for one."""
    with django_db_blocker.unblock():
        made = User._meta.db_table in connection.introspection.table_names()
        connection.close()
    return made


@pytest.fixture(scope="session", autouse=True)
def _keep_worlds(_has_tables: bool, django_db_blocker: Any) -> Iterator[None]:
    if _has_tables:
        with django_db_blocker.unblock():
            kept_worlds.keep_worlds(factories.build_world)
            connection.close()
    yield
    kept_worlds.forget_worlds()


@pytest.fixture(scope="session", autouse=True)
def _find_files_when_asked() -> None:
    """Each test client builds the middleware anew, which would look through all static files each time."""
    django_settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session", autouse=True)
def _hash_passwords_once() -> Iterator[None]:
    """Django hashes a password a million times, which is most of what each sign-in would cost; here it does once."""
    original = PBKDF2PasswordHasher.iterations
    PBKDF2PasswordHasher.iterations = 1
    yield
    PBKDF2PasswordHasher.iterations = original


@pytest.fixture(scope="session", autouse=True)
def _empty_as_owner(_has_tables: bool, django_db_blocker: Any) -> Iterator[None]:
    """After a transactional test the tables are emptied with rights that the runtime role must not have."""
    case: Any = TransactionTestCase  # the stubs do not know its teardown
    flush = case._fixture_teardown
    emptier = None
    if _has_tables:
        with django_db_blocker.unblock():
            _reset_role()
            emptier = Emptier()
            connection.close()

    def teardown(self: TransactionTestCase) -> None:
        nonlocal emptier
        _reset_role()
        for kept in kept_until_written.every:  # rows that are gone are no rows that came
            kept.forget()
        try:
            if emptier is None or not emptier.empty():
                flush(self)
                emptier = Emptier()
        finally:
            connection.close()

    case._fixture_teardown = teardown
    yield
    case._fixture_teardown = flush
    close_connection()


def _reset_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


@pytest.fixture(scope="session", autouse=True)
def _hold_each_page_to_the_policy() -> Iterator[None]:
    """Whatever answer any test is given carries the policy, which no page breaks, and is kept by no cache."""
    original = Client.request

    def request(self: Client, **given: Any) -> Any:
        response = original(self, **given)
        check_answer(response, str(given.get("PATH_INFO", "")))
        check_not_kept(response, str(given.get("PATH_INFO", "")))
        return response

    Client.request = request  # type: ignore[method-assign]
    yield
    Client.request = original  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def _hold_each_answer_to_its_schema() -> Iterator[None]:
    """Whatever answer any test is given has null only where the schema says so."""
    original = serializers.Serializer.to_representation

    def represent(self: serializers.Serializer[Any], instance: Any) -> Any:
        answer = original(self, instance)
        check_nulls(self, answer)
        return answer

    serializers.Serializer.to_representation = represent  # type: ignore[method-assign]
    yield
    serializers.Serializer.to_representation = original  # type: ignore[method-assign]


_NUMBERS: Final = itertools.count(1)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test's own. Pytest's looks through the folders of all tests before this one for a free number."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = tmp_path_factory.getbasetemp() / "each" / f"{name}-{next(_NUMBERS)}"
    folder.mkdir(mode=0o700, parents=True)
    return folder


@pytest.fixture(autouse=True)
def _own_folders(settings: Any, tmp_path: Path) -> None:
    """Blobs, keys and the log's published head of a test go to its own folder."""
    settings.BLOB_ROOT = tmp_path / "blobs"
    settings.KEY_ROOT = tmp_path / "keys"
    settings.PUBLIC_KEY_ROOT = tmp_path / "public-keys"
    settings.LOG_HEAD_FILE = settings.KEY_ROOT / "log.head"


@pytest.fixture(autouse=True)
def _count_own_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests sign in from one address and within a minute; attempts of one make no other wait or go unrecorded."""
    monkeypatch.setattr("config.sign_in.throttle._PREFIX", f"tracebinder:sign-in:{uuid4()}:")
    monkeypatch.setattr("evidence.services.people.sign_ins._TRIED", f"failed-sign-ins:{uuid4()}")


@pytest.fixture
def api() -> APIClient:
    """An API client that has not signed in."""
    return APIClient()


@pytest.fixture
def monitor(settings: Any) -> APIClient:
    """An API client that watches the installation, as a monitoring system does."""
    settings.MONITOR_TOKEN = "a monitoring system's token, of 32 characters or more"
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {settings.MONITOR_TOKEN}")


@pytest.fixture
def world(db: None) -> factories.World:
    """A system with a registered release and one person of each role."""
    del db
    return factories.make_world()
