"""Junk for every address of the admin: in each parameter a list can be narrowed by, and in each field of its forms.

`make soak` runs many more examples of the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from evidence.models import Membership, Scope
from evidence.roles import ROLES
from evidence.services import reviews
from tests.e2e.cases import make_task
from tests.evidence.test_admin import store_what_other_parts_store
from tests.factories import World, make_person
from tests.fuzz.answers import check_answer

pytestmark = pytest.mark.django_db

NASTY: Final = [
    "", " ", "\x00", "a\x00b", "%ED%A0%80", "9" * 30, "9" * 5000, "-1", "0", "1", "²", "٣", "1.5", "1e400", "NaN",
    "Infinity", "0001-01-01T00:00:00+23:59", "9999-12-31 23:59:59-23:59", "2026-13-40", "null", "None", "true", "(",
    "[", "a,b", "1,²,", "__", "{}", '"', "<script>", "../..", "é" * 300, "pk__in", "-", "-pk", "1.-2.²", "_5F_00", "_",
]  # fmt: skip
JUNK: Final = st.one_of(
    st.sampled_from(NASTY), st.text(st.characters(codec="utf-8"), max_size=20), st.integers().map(str),
    st.datetimes().map(str), st.uuids().map(str),
)  # fmt: skip
OF_LISTS: Final = [
    "q",
    "p",
    "o",
    "all",
    "e",
    "_to_field",
    "_popup",
    "_facets",
    "live_on",
    "standing",
    "state",
    "nonsense",
]
OF_ACTIONS: Final = [
    "action",
    "_selected_action",
    "select_across",
    "index",
    "post",
    "_save",
    "_continue",
    "_saveasnew",
]
LOOKUPS: Final = [
    "",
    "__exact",
    "__in",
    "__isnull",
    "__gte",
    "__range",
    "__regex",
    "__icontains",
    "__year",
    "__nonsense",
]
NUMBER_OF_ADDRESSES: Final = 300  # at least; fewer would mean that the walk lost some


def addresses() -> Iterator[str]:
    """Yield the route of every address of the admin."""

    def descend(resolver: URLResolver, prefix: str) -> Iterator[str]:
        for entry in resolver.url_patterns:
            route = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from descend(entry, route)
            elif isinstance(entry, URLPattern):
                yield route

    for route in descend(get_resolver(), ""):
        if route.startswith("admin/"):
            yield route.replace("^", "").replace("$", "").replace("\\Z", "")


@pytest.fixture
def rows(world: World) -> World:
    """A row of nearly every noun."""
    task = make_task(world)
    world.token(Scope.READ)
    store_what_other_parts_store(world)
    reviews.record_review(principal=world.principal("reviewer"), trace=task.trace, decision="approve")
    return world


def signed_in(person: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


def everybody(world: World) -> Client:
    """Return the browser of somebody who may do whatever a role or a superuser may."""
    person = make_person("everybody", *ROLES)
    person.is_superuser = True
    person.save()
    Membership.objects.create(system=world.system, user=person)
    return signed_in(person)


def lookups_of(route: str) -> list[str]:
    """Return what a list might be narrowed by: each column, and those one relation away."""
    found = re.match(r"admin/(\w+)/(\w+)/", route)
    model = next(
        (
            each
            for each in admin.site._registry
            if found and each._meta.label_lower == f"{found[1]}.{found[2]}"
        ),
        None,
    )
    if model is None:
        return ["x"]
    names = [field.name for field in model._meta.get_fields()]
    for field in model._meta.get_fields():
        if isinstance(related := field.related_model, type) and issubclass(related, models.Model):
            names += [f"{field.name}__{inner.name}" for inner in related._meta.fields]
    return names


def key_of(route: str) -> list[str]:
    """Return the key of a row of the noun an address is about, where there is one."""
    found = re.match(r"admin/(\w+)/(\w+)/", route)
    for model in admin.site._registry:
        if found and model._meta.label_lower == f"{found[1]}.{found[2]}":
            return [str(row.pk) for row in model._default_manager.order_by("pk")[:1]]
    return []


def ask(send: Callable[[], Any]) -> Any:
    """Send one request, and undo what it did."""
    with transaction.atomic():
        savepoint = transaction.savepoint()
        response = send()
        transaction.savepoint_rollback(savepoint)
    return response


def check_page(response: Any) -> None:
    """Fail where an answer is neither a page, nor the form again with what is wrong in it, nor a problem."""
    if response.status_code == 422 and response.headers["Content-Type"].startswith("text/html"):
        assert b"errorlist" in response.content or b"tb-note" in response.content
        return
    check_answer(response)


def fuzz(client: Client, route: str, examples: int) -> str:
    """Send junk to one address, and return the first answer that is none, or nothing."""
    keys, lookups = key_of(route), lookups_of(route)
    known = re.sub(r"<[^>]+>", keys[0] if keys else "1", route)
    page = ask(lambda: client.get(f"/{known}")).content.decode("utf-8", "replace")
    fields = sorted(set(re.findall(r'\sname="([^"]+)"', page)))
    offered = sorted(
        {*keys, *re.findall(r'\svalue="([^"]+)"', page)}
    )  # what a form would send, in the wrong place
    texts = st.one_of(JUNK, st.sampled_from(offered)) if offered else JUNK
    in_query = st.one_of(
        st.sampled_from(OF_LISTS), st.builds(str.__add__, st.sampled_from(lookups), st.sampled_from(LOOKUPS))
    )

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def run(data: Any) -> None:
        path = "/" + re.sub(r"<[^>]+>", lambda _: in_path(data.draw(texts)), route)
        query = data.draw(st.dictionaries(in_query, texts, max_size=2))
        check(lambda: client.get(path, query), ("GET", path, query))
        sent = {name: data.draw(texts) for name in [*fields, *OF_ACTIONS] if data.draw(st.integers(0, 2))}
        check(lambda: client.post(path, sent), ("POST", path, sent))

    try:
        run()
    except AssertionError as exc:
        return f"{route}: {exc}"
    return ""


def in_path(text: str) -> str:
    return text.replace("\n", "").replace("\r", "").replace("?", "").replace("#", "") or "x"


def check(send: Callable[[], Any], what: object) -> None:
    try:
        check_page(ask(send))
    except Exception as exc:
        raise AssertionError(f"{what}: {exc!r}"[:1500]) from exc


@pytest.mark.parametrize("examples", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_junk_from_somebody_who_may_do_everything(rows: World, examples: int) -> None:
    client = everybody(rows)
    routes = list(addresses())
    assert len(routes) >= NUMBER_OF_ADDRESSES
    assert [fault for route in routes if (fault := fuzz(client, route, examples))] == []


@pytest.mark.soak
@pytest.mark.parametrize("role", [*ROLES, "superuser"])
def test_junk_from_each_role_without_a_system(rows: World, role: str) -> None:
    person = make_person("lonely", role)
    person.is_superuser = role == "superuser"
    person.save()
    client = signed_in(person)
    assert [fault for route in addresses() if (fault := fuzz(client, route, 2))] == []
