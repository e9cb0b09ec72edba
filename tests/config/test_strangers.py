"""What a stranger is told of an installation's health: that it takes telemetry, or does not, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from evidence.models import Scope
from tests.factories import World

pytestmark = pytest.mark.django_db


def break_a_rule() -> None:
    """Make the database one that nothing can be stored in."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("DROP TRIGGER tracebinder_append_only ON evidence_claim")


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer wrong", "Basic eDp5"])
def test_a_stranger_is_told_a_status_and_no_fault(authorization: str, settings: Any, world: World) -> None:
    del world
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # degraded
    stranger = APIClient(HTTP_AUTHORIZATION=authorization) if authorization else APIClient()
    answer = stranger.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
    assert stranger.get("/metrics").status_code == 401
    assert "tracebinder_" not in stranger.get("/metrics").content.decode()
    break_a_rule()
    answer = stranger.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})


def test_no_address_makes_anybody_a_friend(api: APIClient) -> None:
    """Behind a proxy every stranger comes from a private network, and says what they like in these."""
    told = api.get("/readyz", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="10.0.0.1", HTTP_X_REAL_IP="::1")
    assert told.json() == {"status": "ready"}


@pytest.mark.parametrize(("role", "is_told"), [("operator", True), ("auditor", False), ("author", False)])
def test_an_operator_who_signed_in_is_told_all(world: World, role: str, is_told: bool) -> None:
    client = APIClient()
    client.force_login(world.people[role])
    assert ("faults" in client.get("/readyz").json()) is is_told
    assert (client.get("/metrics").status_code == 200) is is_told


def test_a_token_of_the_api_is_no_monitoring_token(world: World, api: APIClient) -> None:
    assert "faults" not in api.get("/readyz", **world.headers(Scope.READ)).json()


def test_the_monitoring_system_is_told_all(monitor: APIClient, settings: Any) -> None:
    assert "tracebinder_pending_traces" in monitor.get("/metrics").content.decode()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    (fault,) = monitor.get("/readyz").json()["faults"]
    assert fault.startswith("broker: ")
