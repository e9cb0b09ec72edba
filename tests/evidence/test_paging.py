"""A page of a list that there is not is told, on each page of ours; none shows another in its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import World
from tests.invariants.walk import OUR_APPS, REPOSITORY

pytestmark = pytest.mark.django_db

# The pages with lists: where each is, and the names of the parameters that page them.
LISTS: Final[dict[str, tuple[Callable[[World], str], list[str]]]] = {
    "by_release": (lambda _: reverse("admin:by_release"), ["page"]),
    "coverage": (lambda world: reverse("admin:coverage", args=[world.release.pk]), ["page"]),
    "impact": (
        lambda world: reverse("admin:impact", args=[world.release.pk]), ["page", "criteria", "evidence"],
    ),
    "links": (lambda _: reverse("admin:links"), ["page"]),
    "findings": (lambda _: reverse("admin:findings"), ["page"]),
    "tried": (lambda _: reverse("admin:tried"), ["page"]),
    "dictionaries": (lambda _: reverse("admin:dictionaries"), ["page"]),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_page_that_there_is_not_is_told(world: World, name: str) -> None:
    address, parameters = LISTS[name]
    client = Client(headers={"accept": "text/html"})
    client.force_login(world.join("every", "author", "auditor", "researcher"))
    for parameter in parameters:
        first: Any = client.get(address(world), {parameter: "1"})
        assert first.status_code == 200, first.content.decode()
        for wrong in ("2", "0", "-1", "last", "1.5", "9" * 400):
            answer = client.get(address(world), {parameter: wrong})
            assert answer.status_code == 404, (parameter, wrong)
            assert f"This list has no page {wrong[:40]}." in answer.content.decode()


def test_pages_of_lists_are_made_in_one_place() -> None:
    """What pages by itself shows another page than was asked for, as Django's `get_page` does."""
    paging = [
        str(path.relative_to(REPOSITORY))
        for app in OUR_APPS
        for path in (REPOSITORY / app / "pages").rglob("*.py")
        if re.search(r"Paginator|get_page", path.read_text())
    ]
    assert paging == ["evidence/pages/paging.py"]
