"""What nobody knows is refused by name, with the nearest that somebody does: fields, parameters, values, variables."""

from __future__ import annotations

import re
import uuid
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import RelatedFieldListFilter, SimpleListFilter
from django.db import models
from rest_framework import serializers
from rest_framework.test import APIClient

from evidence.api.filtering import LOOSE, TruthField
from evidence.api.inputs import Input, QueryInput
from evidence.api.reading import ScopedList
from evidence.models import Scope
from tests.factories import World
from tests.fuzz.test_admin import addresses as admin_addresses
from tests.fuzz.test_admin import everybody
from tests.invariants.test_04_acknowledged_is_durable import REPEATED, Sent
from tests.invariants.walk import our_urls

pytestmark = pytest.mark.django_db

MADE_UP = "zz_made_up"
# What a provider of single sign-on adds is passed over, as RFC 6749 (4.1.2) has it: nothing is decided by it.
PROVIDER_RETURN = "admin/provider/return/"
SAMPLES = {
    "str:trace_id": "ab" * 16, "str:gate": "g", "str:level": "0", "path:rest": "000", "slug:key": "r",
    "str:key": "r",
    "int:pk": "1", "int:number": "1", "uuid:binder_id": str(uuid.UUID(int=1)), "uuid:event_uuid": str(uuid.UUID(int=1)),
}  # fmt: skip
READ = [(route, view) for route, view in our_urls() if not isinstance(view, type) or hasattr(view, "get")]
LISTS = [(route, view) for route, view in READ if isinstance(view, type) and issubclass(view, ScopedList)]
POSTED = sorted(name for name in REPEATED if not name.startswith("otlp-"))


def address(route: str) -> str:
    return "/" + re.sub(r"<([^>]+)>", lambda match: SAMPLES[match[1]], route)


def faults(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 422, (response.status_code, response.content[:300])
    body = response.json()
    assert body["code"] == "invalid_input"
    assert all({"in", "path", "code", "message", "nearest"} <= set(fault) for fault in body["errors"])
    return list(body["errors"])


@pytest.fixture
def headers(world: World) -> dict[str, str]:
    return world.headers(*Scope)


def test_a_made_up_parameter_of_any_address_is_refused(world: World, api: Any, headers: Any) -> None:
    assert len(READ) > 40
    for route, _ in READ:
        (fault,) = faults(api.get(address(route), {MADE_UP: "1"}, **headers))
        assert (fault["in"], fault["path"], fault["code"]) == ("query", MADE_UP, "unknown_parameter"), route


def test_each_list_names_the_parameter_that_was_meant(world: World, api: Any, headers: Any) -> None:
    assert len(LISTS) > 15
    for route, _ in LISTS:
        for meant in ("cursor", "limit"):
            (fault,) = faults(api.get(address(route), {f"{meant}s": "1"}, **headers))
            assert (fault["nearest"], route) == (meant, route)
            assert f"did you mean '{meant}'?" in fault["message"]


def test_the_meant_filter_is_named_in_the_detail_too(world: World, api: Any, headers: Any) -> None:
    response = api.get("/api/v1/traces", {"sistem": world.system.key}, **headers)
    assert response.json()["detail"] == "Unknown query parameter 'sistem'; did you mean 'system'?"


@pytest.mark.parametrize("name", POSTED)
def test_a_made_up_parameter_of_a_post_is_refused(world: World, name: str) -> None:
    sent = REPEATED[name](world)
    path = sent.path + ("&" if "?" in sent.path else "?") + f"{MADE_UP}=1"
    (fault,) = faults(post(world, sent, path, sent.body))
    assert (fault["in"], fault["path"]) == ("query", MADE_UP)


@pytest.mark.parametrize("name", POSTED)
def test_a_made_up_field_anywhere_in_a_body_is_refused(world: World, name: str) -> None:
    sent = REPEATED[name](world)
    if isinstance(sent.body, bytes):
        return  # a file: its own reader refuses what it does not know
    for place, inside in objects_of(sent.body):
        inside[MADE_UP] = 1
        (fault,) = faults(post(world, sent, sent.path, sent.body))
        assert (fault["in"], fault["path"], fault["code"]) == ("body", place + MADE_UP, "unknown_field")
        del inside[MADE_UP]
        for meant in list(inside):
            inside[f"{meant}_"] = inside[meant]
            (fault,) = faults(post(world, sent, sent.path, sent.body))
            assert (fault["path"], fault["nearest"]) == (f"{place}{meant}_", meant)
            del inside[f"{meant}_"]


def objects_of(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield f"{place}." if place else "", value
        for key, inner in value.items():
            yield from objects_of(inner, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from objects_of(inner, f"{place}[{index}]")


def post(world: World, sent: Sent, path: str, body: Any) -> Any:
    client: Any = APIClient()
    extra: dict[str, Any] = {}
    if isinstance(sent.scope, Scope):
        extra = world.headers(sent.scope)
    else:
        client.force_login(world.people[sent.scope])
    if isinstance(body, bytes):
        return client.generic("POST", path, body, content_type=sent.content_type, **extra)
    return client.post(path, body, format="json", **extra)


def test_each_serializer_of_what_comes_in_refuses_unknown_names() -> None:
    def below(kind: type[Any]) -> Iterator[type[Any]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    ours = [
        each
        for each in below(serializers.Serializer)
        if each.__module__.split(".")[0] in {"evidence", "requirements", "interpret"}
    ]
    coming_in = {each for each in ours if each.__name__.endswith(("In", "Query"))}
    assert len(coming_in) > 15
    assert {each.__name__ for each in coming_in if not issubclass(each, Input)} == set()
    assert {each for each in ours if issubclass(each, QueryInput)} <= coming_in | {QueryInput}


def test_an_unknown_value_of_a_filter_is_refused_and_none_is_ignored(
    world: World, api: Any, headers: Any
) -> None:
    for route, view in LISTS:
        window = (
            {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T01:00:00Z"} if "spans" in route else {}
        )
        for name, each in _filters(view).items():
            assert type(each) not in LOOSE, f"{route}: {name} ignores what it cannot read"
            choices = dict(each.extra.get("choices", ()))
            unreadable = ["sure"] if choices or issubclass(each.field_class, TruthField) else []
            for value in ("", *unreadable):
                (fault,) = faults(api.get(address(route), {**window, name: value}, **headers))
                assert fault["path"] == name
                assert (fault["nearest"] in choices) == bool(choices and value)
            if not getattr(each, "repeats", False):
                (fault,) = faults(api.get(address(route), {**window, name: ["a", "b"]}, **headers))
                assert (fault["path"], fault["code"]) == (name, "repeated_parameter")


def _filters(view: Any) -> dict[str, Any]:
    queryset = view.queryset
    assert isinstance(queryset, models.QuerySet)
    filterset = view.filter_backends[0]().get_filterset_class(view, queryset)
    return dict(filterset.base_filters) if filterset else {}


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "abc"}, {"limit": "501"}, {"limit": "-1"}, {"limit": ""}, {"limit": "9" * 5000},
     {"cursor": "garbage"}, {"cursor": "cD1hYmM="}, {"cursor": "ñ"}, {"cursor": ""}, {"cursor": "cD0AAA=="},
     *({"cursor": b64encode(text).decode()} for text in
       (b"zz=1", b"p=5&zz=1", b"p=5&p=6", b"p=007", b"p=+5", b"o=bogus", b"o=0&p=5", b"o=99999&p=5", b"r=0&p=5",
        b"r=2&p=5", b"p=", b"p=5&r=1", b"x", b" "))],
)  # fmt: skip
def test_a_page_that_is_none_is_refused(world: World, api: Any, headers: Any, query: dict[str, str]) -> None:
    (fault,) = faults(api.get("/api/v1/traces", query, **headers))
    assert fault["path"] in query


def test_the_pages_of_a_list_lead_to_each_other(world: World, api: Any, headers: Any) -> None:
    """A cursor that a page names is taken, however far in and in whichever direction."""
    for _ in range(5):
        world.token(Scope.READ)
    first = api.get("/api/v1/audit-events", {"limit": "2"}, **headers).json()
    second = api.get(first["next"], **headers).json()
    third = api.get(second["next"], **headers).json()
    assert api.get(third["previous"], **headers).json()["results"] == second["results"]
    assert api.get(second["previous"], **headers).json()["results"] == first["results"]


@pytest.mark.parametrize("revision", ["²", "0", "-1", "9" * 20, "9" * 5000, "x", "1.5", ""])
def test_a_revision_that_is_no_number_of_one_is_refused(
    world: World, api: Any, headers: Any, revision: str
) -> None:
    (fault,) = faults(api.get(f"/api/v1/traces/{'ab' * 16}", {"revision": revision}, **headers))
    assert fault["path"] == "revision"


def test_an_import_cannot_be_told_to_do_as_if(world: World, api: Any, headers: Any) -> None:
    path = f"/api/v1/requirements/import?system={world.system.key}&dry_run=true"
    (fault,) = faults(api.generic("POST", path, b"format: x", content_type="application/yaml", **headers))
    assert (fault["path"], fault["code"]) == ("dry_run", "unknown_parameter")


@pytest.mark.parametrize(
    ("path", "body", "place", "nearest"),
    [
        ("releases", {"name": "r", "pins": [{"slot": "m", "kind": "modl", "key": "k", "label": "1"}]}, "pins[0].kind",
         "model"),
        ("requirements/r/versions/1/transitions", {"to_state": "aproved"}, "to_state", "approved"),
        ("reviews", {"trace_id": "ab" * 16, "decision": "aprove"}, "decision", "approve"),
    ],
)  # fmt: skip
def test_an_unknown_value_of_a_choice_names_the_nearest(
    world: World, api: Any, path: str, body: dict[str, Any], place: str, nearest: str
) -> None:
    person = {"reviews": "reviewer", "releases": "author"}.get(path, "approver")
    api.force_login(world.people[person])
    (fault,) = faults(api.post(f"/api/v1/{path}", {"system": world.system.key, **body}, format="json"))
    assert (fault["path"], fault["nearest"]) == (place, nearest)


def test_an_unknown_eval_format_names_the_nearest(world: World, api: Any, headers: Any) -> None:
    path = f"/api/v1/eval-runs?system={world.system.key}&format=nativ"
    (fault,) = faults(api.generic("POST", path, b"{}", content_type="application/json", **headers))
    assert (fault["path"], fault["nearest"]) == ("format", "native")


def test_a_key_given_twice_in_a_body_is_refused(world: World, api: Any, headers: Any) -> None:
    body = b'{"statement": "a", "statement": "b"}'
    response = api.generic(
        "POST", "/api/v1/requirements/lint", body, content_type="application/json", **headers
    )
    assert response.status_code == 422
    assert "'statement' appears twice" in response.json()["detail"]


def test_a_made_up_parameter_of_any_address_of_the_admin_is_refused(world: World) -> None:
    """A list leads to all of its rows, where a message names it; every other page is refused."""
    client = everybody(world)
    lists = {f"admin/{model._meta.label_lower.replace('.', '/')}/" for model in admin.site._registry}
    routes = [route for route in admin_addresses() if "(?P<" not in route]
    assert len(routes) > 250
    routes.remove(PROVIDER_RETURN)
    for route in routes:
        response = client.get("/" + re.sub(r"<[^>]+>", "1", route), {MADE_UP: "1"})
        if route in lists:
            assert (response.status_code, response.get("Location", "")[-4:]) == (302, "?e=1"), route
        else:
            assert (response.status_code, MADE_UP in response.content.decode()) == (422, True), route


def test_a_made_up_value_of_any_filter_of_the_admin_is_refused(world: World) -> None:
    """Of those that offer all of their choices: the newest values of a text column are not all of them."""
    client = everybody(world)
    tried = n_led_back = 0
    for model, its_admin in admin.site._registry.items():
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for parameter in _parameters_of_filters(its_admin):
            response = client.get(path, {parameter: MADE_UP})
            led_back = (response.status_code, response.get("Location", "")[-4:]) == (302, "?e=1")
            # A lookup that nobody may use tells nothing, not even what its values are.
            assert led_back or response.status_code == 400, (path, parameter)
            tried += 1
            n_led_back += led_back
    assert tried > 80
    assert n_led_back > 60


def _parameters_of_filters(its_admin: Any) -> Iterator[str]:
    for each in (*its_admin.list_filter, "o", "p"):
        if isinstance(each, type) and issubclass(each, SimpleListFilter):
            yield str(each.parameter_name)
        elif each in {"o", "p"}:
            yield each
        elif isinstance(each, str):
            yield f"{each}__id__exact" if each == "groups" else f"{each}__exact"
        elif issubclass(each[1], RelatedFieldListFilter):
            yield from (f"{each[0]}__id__exact", f"{each[0]}__isnull")
