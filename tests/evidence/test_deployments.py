"""What was live on a day, and who put it there: by API and in the admin."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.test import Client
from rest_framework.test import APIClient

from evidence.models import Release, Scope
from evidence.services import deployments, registry
from tests import factories
from tests.factories import World, acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(world: World) -> Release:
    """r1 went live on 1 March, r2 on 5 March, r1 again on 9 March."""
    first_pin, *others = factories.manifest().pins
    manifest = replace(
        factories.manifest(name="r2"), pins=[replace(first_pin, digest="d" * 64, label="2"), *others]
    )
    release = registry.register_release(system=world.system, manifest=manifest, principal=acting())
    for day, live, actor in (
        (1, world.release, "user:ana"),
        (5, release, "user:ben"),
        (9, world.release, "user:ana"),
    ):
        deployments.record_deployment(
            system=world.system,
            environment="production",
            release=live,
            effective_from=datetime(2026, 3, day, 12, tzinfo=UTC),
            principal=acting(actor),
        )
    return release


@pytest.mark.parametrize(
    ("at", "live", "by"),
    [
        ("2026-03-03T00:00:00Z", "r1", "user:ana"),
        ("2026-03-05T12:00:00Z", "r2", "user:ben"),
        ("2026-03-08T00:00:00Z", "r2", "user:ben"),
        ("2026-03-09T12:00:01Z", "r1", "user:ana"),
    ],
)
def test_the_api_says_what_was_live(world: World, second: Release, at: str, live: str, by: str) -> None:
    query = {"system": world.system.key, "environment": "production", "at": at}
    answer = APIClient().get("/api/v1/deployments", query, **world.headers(Scope.READ)).json()
    assert (answer["release"], answer["deployed_by"]) == (live, by)


def test_before_the_first_nothing_was_live(world: World, second: Release) -> None:
    query = {"system": world.system.key, "environment": "production", "at": "2026-02-01T00:00:00Z"}
    assert APIClient().get("/api/v1/deployments", query, **world.headers(Scope.READ)).status_code == 404


@pytest.mark.parametrize(("day", "live"), [("2026-03-03", "r1"), ("2026-03-05", "r2"), ("2026-03-20", "r1")])
def test_the_admin_shows_what_was_live_on_a_day(
    client: Client, world: World, second: Release, day: str, live: str
) -> None:
    client.force_login(world.people["auditor"])
    response = client.get("/admin/evidence/deployment/", {"live_on": day, "environment": "production"})
    rows = response.context["cl"].result_list
    assert [row.release.name for row in rows] == [live]
    assert f'value="{day}"' in response.content.decode()


def test_no_date_narrows_nothing_and_one_that_is_none_is_refused(
    client: Client, world: World, second: Release
) -> None:
    client.force_login(world.people["auditor"])
    response = client.get("/admin/evidence/deployment/", {"live_on": ""})
    assert len(response.context["cl"].result_list) == 3
    response = client.get("/admin/evidence/deployment/", {"live_on": "yesterday"})
    assert response["Location"] == "/admin/evidence/deployment/?e=1"
