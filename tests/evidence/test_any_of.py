"""Many values asked for as one array are those that were meant, whatever signs are in them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Lower

from evidence.any_of import any_of_keys, any_of_texts
from evidence.models import System

pytestmark = pytest.mark.django_db

NAMES = [
    "plain",
    'a "quoted" one',
    "back\\slash",
    "a,b",
    "{braced}",
    "NULL",
    "null",
    "需求-1",
    "it's",
    " ends ",
    "%s",
]


@pytest.fixture
def systems() -> dict[str, int]:
    owner = User.objects.create_user("owner")
    made = [
        System.objects.create(key=f"s{n}", name=name, risk_tier="low", owner=owner)
        for n, name in enumerate(NAMES)
    ]
    return {each.name: each.pk for each in made}


@pytest.mark.parametrize("name", NAMES)
def test_each_text_finds_its_own_row(systems: dict[str, int], name: str) -> None:
    assert [each.pk for each in System.objects.filter(any_of_texts("name", [name]))] == [systems[name]]


def test_many_find_theirs_and_none_finds_nothing(systems: dict[str, int]) -> None:
    asked = {*NAMES[:4], "nobody"}
    found = System.objects.filter(any_of_texts("name", asked))
    assert {each.name for each in found} == set(NAMES[:4])
    keys = [systems["plain"], systems["需求-1"], 0]
    assert {each.name for each in System.objects.filter(any_of_keys("id", keys))} == {"plain", "需求-1"}
    assert not System.objects.filter(any_of_texts("name", [])).exists()
    assert not System.objects.filter(any_of_keys("id", [])).exists()


def test_it_is_asked_of_what_is_made_of_a_column(systems: dict[str, int]) -> None:
    """`NULL` and `null` are two names, and one in small letters."""
    found = System.objects.filter(any_of_texts(Lower("name"), ["null"]))
    assert {each.name for each in found} == {"NULL", "null"}
    assert len(systems) == len(NAMES)
