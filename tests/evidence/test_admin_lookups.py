"""What a filter in an address may ask of rows that are not in the list: only of those that the person may see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from evidence.access import principal_of_command_line
from evidence.admin.frame.base import ScopedModelAdmin
from evidence.admin.frame.filters import VisibleRelatedFilter
from evidence.models import (
    AccessToken,
    ArtefactVersion,
    AuditEvent,
    Blob,
    EvidenceLink,
    Membership,
    QueuedTask,
    Release,
    ReleasePin,
    ReviewTask,
    Role,
    Scope,
    Trace,
    TraceFacts,
)
from evidence.services.people import tokens
from tests.e2e.cases import make_task
from tests.evidence.binder_world import make_finding
from tests.factories import World, make_world
from tests.requirements.builders import make_trace

NOBODYS = 2**40  # the key of no row


def ask(person: User, model: type[Model], **lookups: Any) -> tuple[int, int | None]:
    """Return the status of a list asked so, and how many rows it shows."""
    client = Client()
    client.force_login(person)
    answer = client.get(
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"), lookups
    )
    return answer.status_code, answer.context["cl"].result_count if answer.status_code == 200 else None


@pytest.fixture
def token(world: World) -> AccessToken:
    """A token of the world's system and of another."""
    operator, other = world.people["operator"], make_world("aml-copilot").system
    Membership.objects.create(system=other, user=operator)
    systems = [world.system, other]
    issued = tokens.issue_token(
        principal=principal_of_command_line(), name="two", owner=operator, scopes=[Scope.INGEST], systems=systems,
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    Membership.objects.filter(system=other, user=operator).delete()
    return issued.token


def test_a_list_says_what_it_is_narrowed_to_and_not_how_it_is_ordered_or_searched(world: World) -> None:
    client, trace = Client(), make_trace(world)
    client.force_login(world.people["auditor"])
    lists = [reverse(f"admin:evidence_{noun}_changelist") for noun in ("trace", "claim")]
    searched = client.get(lists[0], {"o": "0", "q": "fee"})
    assert searched.context["cl"].narrowed_by() == []
    of_trace = client.get(lists[1], {"trace__id__exact": str(trace.pk)})
    assert of_trace.context["cl"].narrowed_by() == [f"trace {trace.pk}"]


def test_a_list_is_not_narrowed_by_a_system_of_others(world: World, token: AccessToken) -> None:
    operator, (mine, foreign) = (
        world.people["operator"],
        token.systems.order_by("pk").values_list("pk", flat=True),
    )
    assert ask(operator, AccessToken, systems__id__exact=mine) == (200, 1)
    for lookup in ("systems__id__exact", "systems__pk__exact", "systems__id", "systems", "systems__in"):
        refused = ask(operator, AccessToken, **{lookup: foreign})
        assert refused == ask(operator, AccessToken, **{lookup: NOBODYS}) == (400, None), lookup
    for lookup, value in [
        ("systems__in", f"{mine},{foreign}"),
        ("systems__id__exact", [foreign, mine]),  # the last is not the only one
        ("systems__id__gt", mine),
        ("systems__isnull", "False"),
        ("systems__key__exact", "aml-copilot"),
    ]:
        assert ask(operator, AccessToken, **{lookup: value}) == (400, None), lookup
    assert ask(operator, AccessToken, systems__id__exact="aml") != (
        400,
        None,
    )  # Django says what is wrong with it


def test_a_list_does_not_tell_of_findings_by_what_hangs_on_a_row(world: World) -> None:
    finding = make_finding(world, Role.COUNTER)
    link = EvidenceLink.objects.get(evidence=finding)
    for lookup, value in [
        ("evidence_links__id__exact", link.pk),
        ("evidence_links", link.pk),
        ("evidence_links__isnull", "False"),
        ("evidence_links__gt", 0),
    ]:
        assert ask(world.people["auditor"], ArtefactVersion, **{lookup: value})[0] == 400, lookup
    assert ask(world.people["auditor"], ArtefactVersion, evidence_links__id__exact=NOBODYS)[0] == 400
    assert ask(world.people["researcher"], ArtefactVersion, evidence_links__id__exact=link.pk) == (200, 1)


def test_no_name_of_the_key_leads_past_the_check(world: World) -> None:
    """`pk` stands for a column; where that is a relation, as a trace's facts have it, Django's check misses it."""
    task = make_task(world)
    reader = world.people["auditor"]
    for lookup in (
        "pk__system__owner__password__startswith",
        "trace__system__owner__username",
        "pk__tasks__reviews__decision",
        "pk__versions__version__release_pins__id__exact",
    ):
        assert ask(reader, TraceFacts, **{lookup: "x"}) == (400, None), lookup
    assert ask(reader, TraceFacts, pk=task.trace_id)[0] == 200
    assert (
        ask(reader, ArtefactVersion, **{"+__id__exact": 1})[0] == 400
    )  # relations without a name of their own


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (Release, "probe_runs__isnull"),
        (Release, "probe_runs__findings__value__gt"),
        (Release, "pins__version__probe_spec__seed"),
        (Release, "pins__slot"),
        (ReviewTask, "reviews__isnull"),
        (Trace, "release__id__gt"),
        (Trace, "release__name"),
        (AuditEvent, "leaf__seq__exact"),
        (Blob, "eval_runs__isnull"),
    ],
)
def test_a_lookup_that_asks_for_no_row_by_its_key_is_refused(
    world: World, rf: RequestFactory, model: type[Model], lookup: str
) -> None:
    request = rf.get("/")
    request.user = world.people["researcher"]
    assert not admin.site._registry[model].lookup_allowed(lookup, "0", request)


def test_a_row_of_ones_own_is_found_by_what_it_belongs_to(world: World) -> None:
    task, reader = make_task(world), world.people["auditor"]
    assert ask(reader, Trace, release__id__exact=world.release.pk) == (200, 1)
    assert ask(reader, Trace, release__isnull="False") == (200, 1)
    assert ask(reader, Trace, system=world.system.pk) == (200, 1)
    assert (
        ask(reader, ReviewTask, trace__trace_id=task.trace.trace_id.hex)[0] == 400
    )  # a column of another list
    assert ask(reader, ReleasePin, release__system__id__exact=world.system.pk) == (200, 4)
    assert ask(reader, ArtefactVersion, artefact__kind__exact="model") == (200, 1)
    pins = ",".join(map(str, world.release.pins.values_list("pk", flat=True)))
    assert ask(reader, ArtefactVersion, release_pins__id__in=pins) == (200, 4)


def offered() -> Iterator[tuple[ScopedModelAdmin, str]]:
    """Yield each relation by which a list offers to be narrowed."""
    for model_admin in admin.site._registry.values():
        for entry in model_admin.list_filter:
            if isinstance(entry, tuple) and entry[1] is VisibleRelatedFilter:
                assert isinstance(model_admin, ScopedModelAdmin)
                yield model_admin, str(entry[0])


def test_what_the_sidebar_offers_is_taken(world: World) -> None:
    make_task(world)
    client = Client()
    root = User.objects.create_superuser("root")
    Membership.objects.create(system=world.system, user=root)
    client.force_login(root)
    found, taken = list(offered()), set[str]()
    assert len(found) > 20
    for model_admin in dict.fromkeys(model_admin for model_admin, _ in found):
        address = reverse(f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist")
        listed = client.get(address).context["cl"]
        for spec in listed.filter_specs:
            for choice in spec.choices(listed):
                if choice.get("query_string", "?") != "?":
                    narrowed = address + choice["query_string"]
                    if narrowed not in taken:
                        assert client.get(narrowed).status_code == 200, narrowed
                        taken.add(narrowed)
    assert len(taken) > len(found)


# What would tell a secret, or what is gold, by the rows that are left: by what its column is called.
_TOLD_BY_NOBODY = re.compile(
    r"[.]salt$|secret|GoldDraw[.]seed|recovery|lease_digest|subject_digest|formerly|may_have_reviews"
)


@pytest.mark.django_db
def test_no_list_tells_by_what_it_leaves_what_no_page_tells(world: World, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = world.people["operator"]
    n_kept = 0
    for model, model_admin in admin.site._registry.items():
        for column in (field.name for field in model._meta.concrete_fields):
            if not _TOLD_BY_NOBODY.search(f"{model.__name__}.{column}"):
                continue
            shown = [*model_admin.get_fields(request), *model_admin.get_list_display(request)]
            for lookup in (column, f"{column}__exact", f"{column}__startswith", f"{column}__isnull"):
                assert not model_admin.lookup_allowed(lookup, "1", request), f"{model.__name__}: {lookup}"
            assert column not in shown, f"{model.__name__}: {column}"
            n_kept += 1
    assert n_kept >= 9


@pytest.mark.django_db
def test_an_address_tells_no_reviewer_which_answer_is_gold(world: World) -> None:
    task = make_task(world)
    assert ask(world.people["reviewer"], QueuedTask) == (200, 1)
    for value in ("True", "False"):
        assert ask(world.people["reviewer"], QueuedTask, may_have_reviews=value)[0] == 400, task
