"""Lists of which Django knows, before it asks, that they are empty."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Q
from django.test import Client
from django.urls import reverse

from evidence.admin.frame.paginator import PlannedPaginator
from evidence.models import Claim, System, Trace
from evidence.roles import ROLES
from evidence.selectors.planned import planned_rows
from tests.evidence.test_admin import IDS, OURS
from tests.factories import World, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def lonely(db: None) -> Client:
    """The browser of a superuser who is a member of no system."""
    del db
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize("model", OURS, ids=IDS)
def test_somebody_without_a_system_sees_empty_lists(lonely: Client, world: World, model: Any) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    page = lonely.get(reverse(f"{name}_changelist"))
    assert page.status_code == 200
    if model.SYSTEM_PATH is not None:
        assert page.context["cl"].result_count == 0


def test_somebody_without_a_system_has_a_front_page(lonely: Client, world: World) -> None:
    assert "member of no system yet" in lonely.get("/admin/").content.decode()


@pytest.mark.parametrize("role", ROLES)
def test_each_role_without_a_system_has_a_front_page(world: World, role: str) -> None:
    client = Client()
    client.force_login(make_person("lonely", role))
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "queryset",
    [
        System.objects.none(),
        System.objects.filter(pk__in=[]),
        Trace.objects.filter(system__in=frozenset()),
        Claim.objects.filter(trace__system__in=frozenset()).order_by("pk"),
        Trace.objects.filter(pk=10**30),
        Trace.objects.filter(Q(pk__in=[]) | Q(system__in=[])).select_related("system"),
    ],
)
def test_rows_that_cannot_be_are_planned_as_none(queryset: Any) -> None:
    assert planned_rows(queryset) == 0
    assert PlannedPaginator(queryset.order_by("pk"), 50).count == 0


def test_a_filter_that_is_none_is_not_left_out_in_silence(lonely: Client, world: World) -> None:
    lonely.force_login(world.people["auditor"])
    page = lonely.get(reverse("admin:evidence_claim_changelist"), {"nonsense": "1"}, follow=True)
    assert "a filter that this list does not have" in page.content.decode()


def test_a_filter_by_a_row_that_there_is_not_is_refused(lonely: Client, world: World) -> None:
    lonely.force_login(world.people["auditor"])
    for key in ("9" * 30, "999999"):
        page = lonely.get(reverse("admin:evidence_claim_changelist"), {"trace__id__exact": key})
        assert page.status_code == 400, key
