"""Every answer carries the strict Content-Security-Policy, and no page needs more than it allows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from config.content_policy import DIRECTIVES, HEADER, POLICY
from evidence.models import Membership
from tests.factories import World, make_person
from tests.page_rules import check_answer, find_faults

pytestmark = pytest.mark.django_db

SAMPLES = {"int": "1", "uuid": "00000000-0000-0000-0000-000000000001"}  # by converter; a text is "1", too


def test_the_policy_allows_our_own_files_and_nothing_else() -> None:
    assert DIRECTIVES["default-src"] == DIRECTIVES["base-uri"] == DIRECTIVES["frame-ancestors"] == "'none'"
    assert set(DIRECTIVES.values()) == {"'self'", "'none'"}
    assert "unsafe" not in POLICY


def every_address() -> Iterator[tuple[str, str]]:
    """Yield an example of each address there is, the admin's included, and what of our code answers there."""

    def descend(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, str]]:
        for entry in resolver.url_patterns:
            route = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from descend(entry, route)
            elif isinstance(entry, URLPattern):
                yield "/" + example_of(route), view_of(entry)

    yield from descend(get_resolver(), "")


def view_of(entry: URLPattern) -> str:
    """Return what names the class or function that answers: lists of two nouns are one, but for a view of their own."""
    view: Any = entry.callback
    view = getattr(view, "view_class", getattr(view, "cls", view))
    return f"{view.__module__}.{view.__qualname__}"


def example_of(route: str) -> str:
    """Return a path that a route matches, as far as samples go."""
    one_app = re.sub(r"\^\(\?P<app_label>(\w+)[^)]*\)/\$", r"\1/", route)
    anything = re.sub(r"\(\?P<\w+>\.\*\)\$", "nothing-here", one_app)
    return re.sub(r"<(?:(\w+):)?\w+>", lambda match: SAMPLES.get(match[1] or "str", "1"), anything)


def answers_of(addresses: Iterable[str], client: Client) -> Counter[int]:
    """Return how many addresses answered with which status, each held to the policy."""
    answered = Counter[int]()
    for address in addresses:
        response = client.get(address)
        check_answer(response, address)
        answered[response.status_code] += 1
    return answered


@pytest.fixture
def somebody(world: World, client: Client) -> Client:
    """Somebody of many roles, signed in."""
    person = make_person("somebody", "reviewer", "researcher", "approver", "operator")
    Membership.objects.create(system=world.system, user=person)
    client.force_login(person)
    return client


def test_every_address_answers_with_the_policy(somebody: Client) -> None:
    """To who is signed in, one of each view: every page that a test opens anywhere is held to it."""
    addresses = dict(every_address())  # and what answers there
    assert len(addresses) > 350, "the walk has lost its way"
    assert not [address for address in addresses if set("<>()") & set(address)]
    one_of_each = {view: address for address, view in addresses.items()}.values()
    assert sum(answers_of(addresses, Client()).values()) == len(addresses)
    assert answers_of(one_of_each, somebody)[200] > 60


@pytest.mark.soak
def test_every_address_answers_who_is_signed_in_with_the_policy(somebody: Client) -> None:
    assert answers_of(dict(every_address()), somebody)[200] > 60


def test_a_file_of_ours_carries_it_too(client: Client) -> None:
    response = client.get("/static/tracebinder/admin.css")
    assert b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert response[HEADER] == POLICY


@pytest.mark.parametrize(
    "html",
    [
        '<p style="color: red">',
        "<style>p { color: red }</style>",
        "<script>alert(1)</script>",
        '<img src="/x" onerror="alert(1)">',
        '<a href="javascript:alert(1)">',
        '<script src="https://cdn.example/x.js"></script>',
        '<img src="//beacon.example/x.png">',
        '<img src="data:image/png;base64,AA==">',
    ],
)
def test_what_the_policy_refuses_is_found_in_a_page(html: str) -> None:
    assert len(find_faults(html)) == 1


def test_what_it_allows_is_not_called_a_fault() -> None:
    files = '<link rel="stylesheet" href="/static/a.css"><script src="/static/a.js"></script>'
    assert find_faults(f'{files}<form action="?q=1"><a href="https://example.org/">elsewhere</a>') == []


@pytest.mark.parametrize(
    ("policy", "passes"),
    [
        (POLICY, True),
        (POLICY.replace("img-src 'self'", "img-src 'self' data:"), True),
        (POLICY.replace("img-src 'self'", "img-src *"), False),
        (POLICY.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'"), False),
        (POLICY.replace("; base-uri 'none'", ""), False),
        ("", False),
    ],
)
def test_a_looser_policy_is_noticed(policy: str, passes: bool) -> None:
    answer = HttpResponse("<p>", headers={HEADER: policy} if policy else {})
    if passes:
        check_answer(answer, "/x")
    else:
        with pytest.raises(AssertionError, match="loosens the policy"):
            check_answer(answer, "/x")
