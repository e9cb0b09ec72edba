"""The admin: every noun is there, nothing can be edited past the services, and each person sees their own systems."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.auth.models import User
from django.db.models import BooleanField, Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from evidence.admin.frame.base import ReadOnlyModelAdmin, ScopedModelAdmin
from evidence.admin.frame.filters import RecentValuesFilter, VisibleRelatedFilter
from evidence.admin.frame.range_filters import RangeFilter
from evidence.models import (
    AccessToken,
    Admission,
    AuditEvent,
    Blob,
    Deployment,
    EvalRun,
    EvalSample,
    EvalScore,
    GateDecision,
    GateTransition,
    Membership,
    ReadingTransition,
    Reject,
    Retraction,
    Role,
    Scope,
    Waiver,
)
from evidence.services import reviews
from evidence.table_rules import is_append_only
from interpret.models import Finding, ProbeRun, ProbeSpec
from requirements import starter
from requirements.models import AcceptanceCriterion, Assessment, LinkReview, TraceLink
from requirements.services.requirements import import_requirements
from tests.e2e.cases import make_task
from tests.evidence.binder_world import make_finding
from tests.evidence.semconv_spans import make_span
from tests.evidence.stored_spans import store_spans
from tests.factories import ACTOR, World, acting, make_world

OURS = [
    model
    for label in ("evidence", "requirements", "interpret")
    for model in apps.get_app_config(label).get_models()
]
IDS = [model._meta.label for model in OURS]


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def admin_of(model: type[Model]) -> ScopedModelAdmin:
    model_admin = admin.site._registry[model]
    assert isinstance(model_admin, ScopedModelAdmin)
    return model_admin


def test_each_step_along_the_chain_compares_like_with_like() -> None:
    links = [(model, link) for model in OURS for link in admin_of(model).chain]
    assert len(links) > 60
    for model, link in links:
        target = apps.get_model(link.model)
        reached = get_fields_from_path(target, link.lookup.removesuffix("__exact"))[-1]
        own = get_fields_from_path(
            model, link.attribute.replace(".", "__").replace("pk", model._meta.pk.name)
        )[-1]
        assert reached.get_internal_type() == own.get_internal_type() or own.is_relation, link


def call_each_display(model_admin: ScopedModelAdmin, row: Model) -> None:
    """Django shows a dash where a display method raises; here it fails the test."""
    for name in (*model_admin.list_display, *(model_admin.fields or ())):
        method = getattr(model_admin, name, None) if name != "__str__" else None
        if method is not None:
            method(row)


def store_what_other_parts_store(world: World) -> None:
    """Put a row of most other nouns in place, directly: how they come to be is not the matter here."""
    now, digest = timezone.now(), "0" * 64
    baseline = Path(starter.__file__).with_name("baseline.yaml")
    import_requirements(
        system=world.system, source=baseline.read_bytes(), file_name="baseline.yaml", principal=acting()
    )
    criterion = AcceptanceCriterion.objects.order_by("pk")[0]
    versions = {pin.slot: pin.version for pin in world.release.pins.all()}
    Assessment.objects.create(
        criterion=criterion, release=world.release, as_of=now, verdict="met", detail="d", value=0.9, unit="share",
        direction="higher", n=10, low=0.8, high=0.95, bound_confidence=0.95, inputs={}, inputs_digest=digest,
        counts_reviews=False, code_version="1",
    )  # fmt: skip
    GateTransition.objects.create(version=versions["policy"], to_state="proposed", by=ACTOR, at=now)
    ReadingTransition.objects.create(version=versions["policy"], to_state="proposed", by=ACTOR, at=now)
    decision = GateDecision.objects.create(
        system=world.system, gate_version=versions["policy"], release=world.release, as_of=now, verdict="pass",
        reasons=[{"criterion": "c", "requirement": "r", "verdict": "met", "detail": "d"}], inputs={},
        inputs_digest=digest, counts_reviews=False, code_version="1", decided_by=ACTOR, decided_at=now,
    )  # fmt: skip
    deployed = Deployment.objects.create(
        system=world.system, release=world.release, environment="production", effective_from=now, deployed_by=ACTOR,
        basis="decision",
    )  # fmt: skip
    Admission.objects.create(
        deployment=deployed, release=world.release, gate_version=versions["policy"], decision=decision, as_of=now,
        verdict="pass", inputs_digest=digest, counts_reviews=False, code_version="1",
    )  # fmt: skip
    Waiver.objects.create(
        system=world.system, release=world.release, criterion_ref="r/c", reason="r", requested_by="user:a",
        approved_by="user:b", expires_at=now,
    )  # fmt: skip
    blob = Blob.objects.create(digest=digest, size=3, media_type="application/json")
    run = EvalRun.objects.create(
        system=world.system, release=world.release, run_key="k", format="f", parser_version="1", raw=blob,
        suite=versions["policy"], evaluator=versions["policy"], dataset=versions["policy"], status="success",
        observed_from=now, observed_to=now, collected_at=now, received_at=now, posted_by=ACTOR,
    )  # fmt: skip
    EvalScore.objects.create(
        run=run, metric="m", unit="share", direction="higher", value=0.5, n=4, n_unscored=0, n_error=0, low=0.1,
        high=0.9, confidence=0.95, interval_method="wilson",
    )  # fmt: skip
    EvalSample.objects.create(run=run, sample_id="1", metric="m", status="scored", value=1.0)
    Retraction.objects.create(run=run, reason="r", retracted_by=ACTOR)
    Reject.objects.create(system=world.system, source="span", code="c", detail="d")
    store_spans(world.system, uuid4(), [make_span("0a" * 8, status_code=2)])
    make_finding(world, Role.COUNTER)
    tied = TraceLink.objects.create(
        system=world.system, kind="satisfies", upstream=versions["policy"].artefact,
        downstream=versions["prompt"].artefact, created_by=ACTOR,
    )  # fmt: skip
    LinkReview.objects.create(
        link=tied, outcome="holds", upstream_version=versions["policy"], downstream_version=versions["prompt"],
        upstream_fingerprint=digest, downstream_fingerprint=digest, upstream_live=False, downstream_live=False,
        counted="statement", reviewed_by=ACTOR,
    )  # fmt: skip
    spec = ProbeSpec.objects.create(
        system=world.system, artefact_version=versions["prompt"], probe="p", seed=1, model_version=versions["model"],
        created_by=ACTOR,
    )  # fmt: skip
    probe_run = ProbeRun.objects.create(spec=spec, release=world.release, queued_by=ACTOR)
    Finding.objects.create(
        run=probe_run, ordinal=0, title="t", statistic="s", unit="share", value=0.5, low=0.4, high=0.6, confidence=0.95,
        n=9, baseline={}, null={}, stability={}, status="supported", rung="descriptive", supports="s",
        does_not_show="d", holds_for={}, provenance={}, digest=digest, observed_at=now,
    )  # fmt: skip


@pytest.fixture
def superuser(world: World) -> User:
    user = User.objects.create_superuser("root")
    Membership.objects.create(system=world.system, user=user)
    return user


@pytest.mark.parametrize("model", OURS, ids=IDS)
def test_each_noun_is_registered_scoped_and_pages_cheaply(model: type[Model]) -> None:
    model_admin = admin_of(model)
    assert model_admin.show_full_result_count is False
    for entry in model_admin.list_filter:
        if isinstance(entry, str):
            field = get_fields_from_path(model, entry)[-1]
            assert not field.is_relation, f"{entry}: a plain relation filter offers rows of other systems"
            assert field.choices or isinstance(field, BooleanField), (
                f"{entry}: a plain filter reads the whole table"
            )
        elif isinstance(entry, tuple):
            assert issubclass(entry[1], (VisibleRelatedFilter, RecentValuesFilter, RangeFilter))


@pytest.mark.parametrize("model", OURS, ids=IDS)
def test_each_column_a_noun_shows_is_a_field_or_an_attribute_of_its_admin(model: type[Model]) -> None:
    model_admin = admin.site._registry[model]
    columns = {field.name for field in model._meta.fields} | {"__str__"}
    for name in (*model_admin.list_display, *(model_admin.fields or ())):
        assert name in columns or hasattr(model_admin, name) or hasattr(model, name), (
            f"{model.__name__} shows {name}, which is nothing"
        )
    assert not hasattr(model_admin, "no_such_column_as_json")


@pytest.mark.parametrize("model", OURS, ids=IDS)
def test_nothing_that_happened_can_be_added_changed_or_deleted(
    model: type[Model], rf: RequestFactory
) -> None:
    request = rf.get("/")
    request.user = User(username="root", is_superuser=True, is_staff=True)
    model_admin = admin.site._registry[model]
    assert not model_admin.has_change_permission(request)
    if is_append_only(model):
        assert isinstance(model_admin, ReadOnlyModelAdmin)
        # Waivers are added through a form that calls the service, and only by approvers, which a superuser is not.
        assert not model_admin.has_add_permission(request)
        assert not model_admin.has_delete_permission(request)


def test_each_list_and_first_record_opens(superuser: User, world: World) -> None:
    task = make_task(world)
    world.token(Scope.READ)
    store_what_other_parts_store(world)
    reviews.record_review(trace=task.trace, principal=world.principal("reviewer"), decision="approve")
    client = signed_in(superuser)
    opened = followed = 0
    for model in OURS:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        response = client.get(reverse(f"{name}_changelist"))
        assert response.status_code == 200, model
        for row in response.context["cl"].result_list[:1]:
            call_each_display(admin_of(model), row)
            record = client.get(reverse(f"{name}_change", args=[row.pk]))
            assert record.status_code == 200, model
            opened += 1
            for text, address in record.context.get("chain", ()):
                assert client.get(address).status_code == 200, f"{model}: {text}"
                followed += 1
    assert opened >= 33
    assert followed > 50


def test_a_record_of_another_system_is_not_found_by_guessing(world: World) -> None:
    other = make_world("aml-copilot")
    task = make_task(other)
    client = signed_in(world.people["auditor"])
    for name, pk in [
        ("evidence_reviewtask_change", task.pk),
        ("evidence_trace_change", task.trace_id),
        ("evidence_trace_review", task.trace_id),
        ("evidence_release_change", other.release.pk),
        ("evidence_trace_history", task.trace_id),
    ]:
        response = client.get(reverse(f"admin:{name}", args=[pk]))
        assert response.status_code == 404, name
        assert "aml-copilot" not in response.content.decode()
    listed = client.get(reverse("admin:evidence_trace_changelist"), {"q": task.trace.trace_id.hex})
    assert listed.context["cl"].result_count == 0
    assert "aml-copilot" not in client.get(reverse("admin:evidence_trace_changelist")).content.decode()


def test_a_superuser_is_narrowed_to_their_systems_too(superuser: User) -> None:
    other = make_world("aml-copilot")
    page = signed_in(superuser).get(reverse("admin:evidence_release_changelist")).content.decode()
    assert f"/admin/evidence/release/{other.release.pk}/" not in page


def test_an_operator_sees_people_and_tokens_and_no_evidence(world: World) -> None:
    client = signed_in(world.people["operator"])
    assert client.get(reverse("admin:evidence_accesstoken_changelist")).status_code == 200
    for noun in ("trace", "claim", "reviewtask", "span", "evidence", "auditevent"):
        assert client.get(reverse(f"admin:evidence_{noun}_changelist")).status_code == 403


def test_an_operator_revokes_a_token_through_the_service(world: World) -> None:
    world.token(Scope.READ)
    token = AccessToken.objects.get()
    data = {"action": "revoke", "_selected_action": [token.pk]}
    page = signed_in(world.people["operator"]).post(
        reverse("admin:evidence_accesstoken_changelist"), data, follow=True
    )
    assert "Revoked: test" in page.content.decode()
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert AuditEvent.objects.filter(verb="token.revoked", actor=world.principal("operator").actor).exists()


def test_an_operator_grants_memberships_of_their_systems_only_and_it_is_on_record(world: World) -> None:
    other, third = make_world("aml-copilot"), make_world("third")
    person = third.people["reviewer"]
    Membership.objects.create(system=third.system, user=world.people["operator"])
    client = signed_in(world.people["operator"])
    address = reverse("admin:evidence_membership_add")
    refused = client.post(address, {"system": other.system.pk, "user": person.pk})
    assert refused.status_code == 200
    assert not Membership.objects.filter(system=other.system, user=person).exists()
    granted = client.post(address, {"system": world.system.pk, "user": person.pk})
    assert granted.status_code == 302
    membership = Membership.objects.get(system=world.system, user=person)
    assert AuditEvent.objects.filter(verb="membership.granted", object_id=membership.pk).count() == 1
    client.post(reverse("admin:evidence_membership_delete", args=[membership.pk]), {"post": "yes"})
    assert AuditEvent.objects.filter(verb="membership.ended", object_id=membership.pk).count() == 1


def test_an_operator_ends_several_memberships_from_the_list_and_each_is_on_record(world: World) -> None:
    client = signed_in(world.people["operator"])
    address = reverse("admin:evidence_membership_changelist")
    chosen = [world.people[role].memberships.get().pk for role in ("author", "auditor")]
    assert 'name="action"' in client.get(address).content.decode()
    client.post(address, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert not Membership.objects.filter(pk__in=chosen).exists()
    assert AuditEvent.objects.filter(verb="membership.ended", object_id__in=chosen).count() == 2


def test_an_operator_cannot_raise_themselves(world: World) -> None:
    operator = world.people["operator"]
    data = {
        "username": operator.username,
        "is_superuser": "on",
        "groups": [],
        "is_staff": "on",
        "is_active": "on",
    }
    signed_in(operator).post(reverse("admin:auth_user_change", args=[operator.pk]), data)
    operator.refresh_from_db()
    assert not operator.is_superuser
    assert [group.name for group in operator.groups.all()] == ["operator"]


def test_history_leads_to_the_audit_events(world: World) -> None:
    client = signed_in(world.people["auditor"])
    page = client.get(reverse("admin:evidence_release_history", args=[world.release.pk]), follow=True)
    assert "release.frozen" in page.content.decode()
    assert page.context["cl"].result_count == 1
