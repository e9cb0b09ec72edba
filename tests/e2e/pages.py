"""The pages of each person: a system with a row of most nouns, and every address that its people may open there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import RequestFactory
from django.urls import URLPattern, resolve, reverse
from rest_framework.test import APIClient

from evidence.access import principal_of_user, visible_to
from evidence.acts import can_administer, can_judge, can_label, can_make_review_token, can_operate
from evidence.models import (
    Binder,
    BlobRemoval,
    CheckpointTimestamp,
    Cosignature,
    Defeater,
    DefeaterAnswer,
    EvalRun,
    OpenBinding,
    QueuePause,
    Release,
    ReviewerPause,
    Scope,
    Trace,
)
from evidence.pages.review_desk.address import Tab
from evidence.selectors.review_tasks import waiting_for
from evidence.services import review_drafts, review_queue, review_work, reviews
from interpret.models import Feature, Finding
from interpret.services.dictionaries import label_feature
from requirements.acts import can_import_requirements
from requirements.models import Baseline, Requirement, TraceLink
from requirements.selectors.chain import NOUNS
from tests.e2e.cases import make_task
from tests.evidence.eval_files import eval_file, post
from tests.evidence.filled import Filler
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.evidence.test_admin import store_what_other_parts_store
from tests.evidence.test_log_api import publish
from tests.factories import World, make_world
from tests.interpret.dictionary_store import shipped_feature
from tests.invariants.every_table import remove_a_blob

# What no row is made of here, and why.
BARE: Final = frozenset(
    {
        QueuePause, ReviewerPause,  # nothing waits for anybody then
        OpenBinding,  # stands inside a transaction alone
        Cosignature, CheckpointTimestamp,  # which the log alone writes, when a witness or an authority answered
    }
)  # fmt: skip


# Addresses that are no page in the frame, and lists that nobody may see.
NO_PAGES: Final = frozenset(
    {
        "autocomplete", "jsi18n", "view_on_site", "logout",
        "login", "password_change_done", "password_link", "provider_sign_in", "provider_proof", "provider_return",
        "evidence_trace_review",  # leads to the desk
        "evidence_auditpayload_changelist", "evidence_auditpayload_change", "evidence_openbinding_changelist",
        "evidence_pendingtrace_changelist", "evidence_pendingtrace_change", "evidence_reviewerpause_changelist",
    }
)  # fmt: skip


def full_world() -> World:
    """Return a system with a row of every noun: of most by services, of the others as their tables take one."""
    world = make_world()
    task = make_task(world, conversation="c-1")
    world.token(Scope.READ)
    sent = make_request(make_span()).SerializeToString()
    answer = APIClient().post("/v1/traces", sent, content_type=PROTOBUF, **world.headers(Scope.INGEST))
    assert answer.status_code == 200
    store_what_other_parts_store(world)
    for run_key in ("before", "after"):
        post(world, eval_file(judge={"key": "llm", "label": "1"}, run_key=run_key))
    reviews.record_review(principal=world.principal("reviewer"), trace=task.trace, decision="approve")
    feature = shipped_feature(world.system)
    label_feature(principal=world.principal("researcher"), feature=feature, concept="animals")
    publish()
    connection.ensure_connection()
    filler = Filler(connection.connection, longest=16)
    for model in admin.site._registry:
        if model not in BARE and not model._default_manager.exists():
            if model is BlobRemoval:
                remove_a_blob()
            else:
                filler.fill(model._meta.db_table, 1, salt="of a page")
    waiting, reviewer = make_task(world), world.principal("reviewer")  # which nobody has judged
    review_drafts.save_draft(principal=reviewer, trace=waiting.trace, said={"claims": {}})
    review_queue.put_back(principal=reviewer, task=waiting)
    review_work.save_filter(principal=reviewer, name="late", standing="overdue")
    return world


def shared_out(people: dict[str, User]) -> dict[str, list[str]]:
    """Return which role opens which pages, so that each page is opened once and each role opens some."""
    seen = {role: list(pages_of(person)) for role, person in people.items()}
    shares: dict[str, list[str]] = {role: [] for role in people}
    for page in dict.fromkeys(page for pages in seen.values() for page in pages):
        shares[
            min((role for role in people if page in seen[role]), key=lambda role: len(shares[role]))
        ].append(page)
    return shares


def left_out(shares: dict[str, list[str]]) -> set[str]:
    """Return the names of the addresses of the admin that nobody opened, but for those that are no page or nobody's."""
    opened = {resolve(page.partition("?")[0]).url_name for pages in shares.values() for page in pages}
    names = {route.name for route in admin.site.urls[0] if isinstance(route, URLPattern) and route.name}
    records = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    for record, kind in product(records, ("changelist", "change")):
        names.add(f"{record}_{kind}")
    bare = {f"{model._meta.app_label}_{model._meta.model_name}_change" for model in BARE}
    return names - opened - bare - NO_PAGES


def pages_of(person: User) -> Iterator[str]:
    """Yield each page that this person may open: of a noun its list, its last record and the form of a new one."""
    yield from (
        reverse("admin:index"),
        reverse("admin:records"),
        reverse("admin:app_list", args=["evidence"]),
    )
    yield from (reverse(f"admin:{name}") for name in ("password_change", "second_factor", "proof"))
    yield f"{reverse('admin:search')}?q=credit"
    if can_make_review_token(principal_of_user(person), ()):
        yield reverse("admin:review_tokens")
    if can_administer(principal_of_user(person)):
        yield reverse("admin:health")
        yield reverse("admin:retention")
    if can_operate(principal_of_user(person)):
        yield reverse("admin:erase")
        yield reverse("admin:read_again")
    yield from _pages_of_evidence(person)
    yield from _pages_of_the_inside(person)
    yield from _pages_of_a_release(person)
    yield from _pages_of_requirements(person)
    yield from _pages_of_the_desk(person)
    run = EvalRun.objects.filter(scores__judge__isnull=False).first()
    if run is not None and can_label(principal_of_user(person), run):
        yield reverse("admin:label_sheet", args=[run.pk])
    yield from _records_of(person)


def _records_of(person: User) -> Iterator[str]:
    request = RequestFactory().get("/")
    request.user = person
    request.session = SessionStore()
    for model, model_admin in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if not model_admin.has_view_permission(request):
            continue
        yield reverse(f"{name}_changelist")
        row = model_admin.get_queryset(request).order_by("-pk").first()
        if row is not None:
            yield reverse(f"{name}_change", args=[quote(row.pk)])
        if model_admin.has_add_permission(request):
            yield reverse(f"{name}_add") + _answered(model)
        if row is not None and model_admin.has_delete_permission(request, row):
            yield reverse(f"{name}_delete", args=[row.pk])


def _pages_of_the_inside(person: User) -> Iterator[str]:
    if not person.has_perm("interpret.view_internals"):
        return
    yield from (reverse("admin:findings"), reverse("admin:tried"))
    found = Finding.objects.latest("pk")
    yield reverse("admin:finding", args=[found.pk])
    yield from (reverse("admin:ask_probe"), reverse("admin:probe_run", args=[found.run_id]))
    for probe in ("induction.heads", "entropy.next_token"):
        yield f"{reverse('admin:ask_probe')}?probe={probe}"
    feature = Feature.objects.get(labels__isnull=False)
    yield from (reverse("admin:dictionaries"), reverse("admin:dictionary", args=[feature.dictionary_id]))
    yield reverse("admin:feature", args=[feature.pk])


def _pages_of_evidence(person: User) -> Iterator[str]:
    if person.has_perm("evidence.view_trace"):
        yield reverse("admin:try_reading")
        yield reverse("admin:review_agreement")
        yield reverse("admin:review_reasons")
        together: Any = Trace.objects.exclude(conversation_ids=[]).select_related("system").earliest("pk")
        of_one = {"system": together.system.key, "conversation": together.conversation_ids[0]}
        yield f"{reverse('admin:conversation')}?{urlencode(of_one)}"
    if person.has_perm("evidence.view_evalrun"):
        yield reverse("admin:eval_matrix")
        runs = EvalRun.objects.filter(run_key__in=["before", "after"]).order_by("pk")
        before, after = runs.values_list("pk", flat=True)
        yield f"{reverse('admin:compare_runs')}?baseline={before}&candidate={after}"


def _pages_of_the_desk(person: User) -> Iterator[str]:
    if can_judge(principal_of_user(person)):
        waiting = waiting_for(person).first()
        assert waiting is not None
        desk = reverse("admin:judge_answer", args=[waiting.task.trace_id])
        yield from (reverse("admin:review_desk"), *(f"{desk}?tab={tab}" for tab in Tab))
        yield from (reverse(f"admin:{name}") for name in ("gold_answers", "review_filters", "review_pause"))


def _answered(model: Any) -> str:
    """Return what the address of a form names beside the noun: an answer is given to one doubt."""
    return f"?defeater={Defeater.objects.earliest('pk').pk}" if model is DefeaterAnswer else ""


def _pages_of_a_release(person: User) -> Iterator[str]:
    if not person.has_perm("evidence.view_release"):
        return
    principal = principal_of_user(person)
    release = Release.objects.order_by("-pk")[0]
    yield reverse("admin:dossier", args=[release.pk])
    if person.has_perm("evidence.view_trace"):
        yield f"{reverse('admin:own_sample', args=[release.pk])}?seed=seven"
    if principal.may(Scope.BINDER):
        yield reverse("admin:export_binder", args=[release.pk])
    for kind, noun in NOUNS.items():
        row = visible_to(noun.model._default_manager.order_by("-pk"), principal).first()
        if row is not None:
            yield reverse("admin:chain", args=[kind, row.pk])
    binder = Binder.objects.order_by("-pk").first()
    if binder is not None:
        yield reverse("admin:check_binder", args=[binder.pk])


def _pages_of_requirements(person: User) -> Iterator[str]:
    if not person.has_perm("requirements.view_tracelink"):
        return
    yield reverse("admin:links")
    yield reverse("admin:by_release")
    requirement = Requirement.objects.order_by("-pk").first()
    if requirement is not None and can_import_requirements(principal_of_user(person), requirement.system):
        yield reverse("admin:new_draft")
        yield reverse("admin:import_plan")
        yield reverse("admin:edit_draft", args=[requirement.pk])
    for page, noun in (
        ("link", TraceLink),
        ("coverage", Release),
        ("impact", Release),
        ("baseline", Baseline),
    ):
        row = noun._default_manager.order_by("-pk").first()
        if row is not None:
            yield reverse(f"admin:{page}", args=[row.pk])
