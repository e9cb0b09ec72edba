"""No production decision reads an interpret table, and internals are invisible without the permission."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from evidence.roles import ROLES
from evidence.table_rules import INTERPRET_GRANTS
from interpret import registry as probes
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from tests.factories import World, acting
from tests.interpret.conftest import StandInProbe
from tests.invariants.walk import our_tasks, our_urls

pytestmark = pytest.mark.django_db

INSERTS_OF_A_PROBE_WORKER = {"interpret_finding", "evidence_auditevent", "evidence_auditpayload"}
UPDATES_OF_A_PROBE_WORKER = {"interpret_proberun"}  # the lease and state of the run it has claimed


def test_the_interpret_role_may_only_insert_findings_and_their_events() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, has_table_privilege(%s, oid, 'SELECT'), has_table_privilege(%s, oid, 'INSERT'),"
            " has_table_privilege(%s, oid, 'UPDATE'), has_table_privilege(%s, oid, 'DELETE')"
            " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')",
            [settings.INTERPRET_ROLE] * 4,
        )
        rows = cursor.fetchall()
    assert {table for table, _, inserts, _, _ in rows if inserts} == INSERTS_OF_A_PROBE_WORKER
    assert {table for table, _, _, updates, _ in rows if updates} == UPDATES_OF_A_PROBE_WORKER
    assert not [table for table, _, _, _, deletes in rows if deletes]
    readable = {table for table, reads, _, _, _ in rows if reads} - {"django_migrations"}
    assert readable == set(INTERPRET_GRANTS)
    assert not {table for table in readable if "trace" in table or "claim" in table or "review" in table}


def test_probe_tasks_have_their_own_queue_and_no_other_task_is_in_it() -> None:
    routes = settings.CELERY_TASK_ROUTES
    in_interpret_queue = {name for name in our_tasks() if routes.get(name, {}).get("queue") == "interpret"}
    assert in_interpret_queue == {"interpret.tasks.run_probe"}


def store_a_finding(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interpret.tasks.run_probe.delay", lambda _: None)
    monkeypatch.setattr(probes, "load", lambda _: StandInProbe())
    monkeypatch.setattr(probes, "open_session", lambda _: None)
    execute_probe_run(queue_probe_run(release=world.release, probe="induction.heads", principal=acting()).pk)


@pytest.mark.parametrize(
    "role", [role for role, rules in ROLES.items() if "interpret" not in rules.sees_apps]
)
def test_no_list_tells_of_internals_to_a_role_without_the_permission(
    world: World, role: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_a_finding(world, monkeypatch)
    person = world.people[role]
    assert not person.has_perm("interpret.view_internals")
    assert not [
        permission for permission in person.get_all_permissions() if permission.startswith("interpret.")
    ]
    researcher = Client()
    researcher.force_login(world.people["researcher"])
    client.force_login(person)
    lists = [
        route
        for route, view in our_urls()
        if "interpret" in getattr(view, "__module__", "") and "<" not in route
    ]
    assert {route for route in lists if researcher.get(f"/{route}").json()["results"]} == set(lists) != set()
    for route in lists:
        response = client.get(f"/{route}")
        if response.status_code == 200:
            assert response.json()["results"] == [], f"{role} sees rows at /{route}"
        else:
            assert response.status_code in {403, 404, 405}, f"{role} got {response.status_code} at /{route}"
    response = client.get("/admin/", follow=True)
    assert b"/admin/interpret/" not in response.content
