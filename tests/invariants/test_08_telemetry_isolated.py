"""No production decision reads an interpret table, and internals are invisible without the permission."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import ForeignKey, Model
from django.test import Client
from django.utils import timezone

from evidence.access import visible_events, visible_to
from evidence.errors import InvalidInput
from evidence.models import (
    INTERNAL_KINDS,
    Artefact,
    ArtefactVersion,
    AuditEvent,
    Defeater,
    Evidence,
    EvidenceLink,
    GoldAnswer,
    GoldDraw,
    GoldJudgement,
    Layer,
    ReleasePin,
    Review,
    Role,
    StoredModel,
)
from evidence.probe_rules import PROBE_FUNCTIONS
from evidence.roles import ROLES
from evidence.semconv.dialects import DIALECTS
from evidence.services import registry
from evidence.services.review_reasons import ReasonDraft, set_reasons
from evidence.services.reviews import record_review
from interpret import registry as probes
from interpret.services.dictionaries import label_feature
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from tests.e2e.cases import make_task
from tests.evidence.binder_world import make_finding
from tests.evidence.test_admin import store_what_other_parts_store
from tests.factories import ACTOR, World, acting, manifest
from tests.interpret.conftest import StandInProbe, StandInSession
from tests.interpret.dictionary_store import shipped_feature
from tests.invariants.walk import our_models, our_tasks, our_urls

pytestmark = pytest.mark.django_db


def test_the_interpret_role_reads_and_writes_no_table_and_calls_its_functions_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, right_name FROM pg_class CROSS JOIN"
            " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS right_name"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"
            " AND (has_table_privilege(%s, oid, right_name)"
            " OR (right_name <> ALL('{DELETE,TRUNCATE,TRIGGER}') AND has_any_column_privilege(%s, oid, right_name)))",
            [settings.INTERPRET_ROLE] * 2,
        )
        assert cursor.fetchall() == [("django_migrations", "SELECT")]
        cursor.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND prosecdef AND has_function_privilege(%s, oid, 'EXECUTE')",
            [settings.INTERPRET_ROLE],
        )
        called = {signature.replace(",", ", ") for (signature,) in cursor.fetchall()}
    assert called == set(PROBE_FUNCTIONS)


def test_probe_tasks_have_their_own_queue_and_no_other_task_is_in_it() -> None:
    routes = settings.CELERY_TASK_ROUTES
    in_interpret_queue = {name for name in our_tasks() if routes.get(name, {}).get("queue") == "interpret"}
    assert in_interpret_queue == {"interpret.tasks.run_probe"}


def store_a_finding(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interpret.tasks.run_probe.delay", lambda _: None)
    monkeypatch.setattr(probes, "load", lambda _: StandInProbe())
    monkeypatch.setattr(probes, "open_session", lambda *_: StandInSession())
    execute_probe_run(queue_probe_run(release=world.release, probe="induction.heads", principal=acting()).pk)


def store_a_label(world: World) -> None:
    feature = shipped_feature(world.system)
    label_feature(principal=world.principal("researcher"), feature=feature, concept="animals")


@pytest.mark.parametrize(
    "role", [role for role, rules in ROLES.items() if "interpret" not in rules.sees_apps]
)
def test_no_list_tells_of_internals_to_a_role_without_the_permission(
    world: World, role: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_a_finding(world, monkeypatch)
    store_a_label(world)
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
        if "interpret" in getattr(view, "__module__", "")
        and "<" not in route
        and callable(getattr(view, "get", None))
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


INTERNALS: Final = (Artefact, ArtefactVersion, Evidence)  # of which some rows are
TOLD: Final = {Defeater}  # whose rows are shown to those who may not see what they point at; decision 0080


def pointers() -> Iterator[tuple[type[StoredModel], ForeignKey[Model, Model]]]:
    """Yield every foreign key to a model of which some rows are internals."""
    for model in our_models():
        for field in model._meta.fields:
            if isinstance(field, ForeignKey) and field.related_model in INTERNALS and model not in TOLD:
                yield model, field


def point(row: Model, field: ForeignKey[Model, Model], key: int | None) -> None:
    """Make a row point elsewhere, past the rules of its table: no service would."""
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(f"UPDATE {table} SET {field.column} = %s WHERE id = %s", [key, row.pk])
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')


def internals_of(world: World) -> dict[type[Model], Model]:
    """Return one of the internals of each model that has some."""
    version = registry.ensure_version(
        system=world.system, kind="sae", key="layer-9", label="1", digest="c" * 64, actor=ACTOR
    )
    artefact = Artefact.objects.create(system=world.system, kind="detector", key="copying", name="copying")
    finding = make_finding(world, Role.COUNTER, 2)
    return {ArtefactVersion: version, Artefact: artefact, Evidence: finding}


def store_a_gold_judgement(world: World, review: Review) -> None:
    """Store what somebody says of an answer that is gold, with the reason that a review of it gives."""
    gold = GoldAnswer.objects.create(
        task=review.task, number=1, right=["reject"], rationale="It is.", made_by=ACTOR
    )
    draw = GoldDraw(
        system=world.system, reviewer=review.reviewer, number=1, gold=gold, among=[gold.pk], reviews_before=1,
        seed="0" * 64, every=1, created_at=timezone.now(),
    )  # fmt: skip
    draw.save(force_insert=True)
    GoldJudgement.objects.create(
        draw=draw, task=review.task, reviewer=review.reviewer, decision="reject", reason_code="other",
        reason="tone", reasons_version=review.reasons_version, claims={}, machine_verdict={},
    )  # fmt: skip


def test_a_row_that_points_at_an_internal_is_hidden_like_it(world: World) -> None:
    make_task(world)
    store_what_other_parts_store(world)
    store_a_label(world)
    set_reasons(
        principal=world.principal("approver"), system=world.system,
        reasons=[ReasonDraft("tone", "other", {"en": "Tone"})],
    )  # fmt: skip
    trace = make_task(world, risk="low").trace
    review = record_review(
        principal=world.principal("reviewer"), trace=trace, decision="reject", reason="tone"
    )
    store_a_gold_judgement(world, review)
    item = Evidence.objects.get()
    item.pk, item.source, item.layer = None, "evidence.EvalRun:1", Layer.PRODUCT
    item.save()
    prompt = world.release.pins.get(slot="prompt").version
    EvidenceLink.objects.create(evidence=item, slot="prompt", version=prompt)
    inside = internals_of(world)
    auditor, researcher = world.principal("auditor"), world.principal("researcher")
    found = list(pointers())
    assert len(found) > 15
    for model, field in found:
        name = f"{model._meta.label}.{field.name}"
        rows = model._default_manager.all()
        assert visible_to(rows, researcher).exists(), f"{name}: make a row of it above"
        if model._meta.app_label == "interpret":
            assert not visible_to(rows, auditor).exists(), name
            continue
        row = visible_to(rows, auditor).first()
        assert row is not None, f"{name}: make a row of it above that is none of the internals"
        point(row, field, inside[field.related_model].pk)
        assert not visible_to(rows, auditor).filter(pk=row.pk).exists(), f"{name} tells of an internal"
        assert visible_to(rows, researcher).filter(pk=row.pk).exists(), name
        point(row, field, getattr(row, field.attname))  # as it was


def test_a_doubt_is_told_of_and_neither_what_opened_it_nor_when(world: World) -> None:
    make_finding(world, Role.COUNTER)
    auditor, researcher = world.principal("auditor"), world.principal("researcher")
    assert visible_to(Defeater.objects.all(), auditor).count() == 1
    assert not visible_to(Evidence.objects.all(), auditor).exists()
    opened = AuditEvent.objects.filter(verb="defeater.opened")
    assert opened.count() == visible_events(researcher).filter(pk__in=opened).count() == 1
    assert not visible_events(auditor).filter(pk__in=opened).exists()
    assert not visible_to(opened, auditor).exists()


@pytest.mark.parametrize("kind", sorted(kind.value for kind in INTERNAL_KINDS))
def test_a_release_pins_no_internal(world: World, kind: str) -> None:
    pins = [*manifest().pins, registry.PinSpec(slot="inside", kind=kind, key="k", label="1", digest="1" * 64)]
    with pytest.raises(InvalidInput, match=f"Pin 'inside' is of kind `{kind}`.*probe specifications"):
        registry.register_release(
            principal=acting(), system=world.system, manifest=registry.ReleaseManifest("r2", pins)
        )
    assert not Artefact.objects.filter(kind__in=INTERNAL_KINDS).exists()
    assert not ReleasePin.objects.exclude(release=world.release).exists()


def test_no_trace_can_name_an_internal() -> None:
    named = {kind for dialect in DIALECTS for kind in dialect.versions}
    assert "model" in named
    assert not named & INTERNAL_KINDS
