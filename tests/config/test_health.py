"""Alive, ready, and how far behind."""

from __future__ import annotations

import pytest
from django.db import connection
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def test_alive_needs_nothing(api: APIClient) -> None:
    assert api.get("/healthz").json()["status"] == "alive"


def test_ready_when_database_and_broker_answer(api: APIClient) -> None:
    assert api.get("/readyz").json() == {"status": "ready", "faults": []}


def test_not_ready_says_what_is_wrong(api: APIClient, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = api.get("/readyz")
    assert response.status_code == 503
    assert response.json()["faults"][0].startswith("broker:")


def test_not_ready_where_a_table_lacks_its_rules(api: APIClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("DROP TRIGGER tracebinder_append_only ON evidence_claim")
    response = api.get("/readyz")
    assert response.status_code == 503
    assert response.json()["faults"] == [
        "database: triggers or rights are not in place, run `manage.py migrate`: evidence_claim"
    ]


def test_metrics_tell_what_waits(api: APIClient) -> None:
    text = api.get("/metrics").content.decode()
    assert "tracebinder_pending_traces 0.0" in text
    assert 'tracebinder_queue_length{queue="interpret"}' in text
