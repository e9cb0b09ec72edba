"""Words are found whatever their case, in every script, and also where only the letters A to Z are folded for it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from evidence.models import System
from requirements.models import RequirementVersion
from tests.factories import World, make_person
from tests.requirements.builders import make_criterion

pytestmark = pytest.mark.django_db

NAMES = (
    "Fee assistant", "Résumé READER", "贷款 Copilot", "ПРОВЕРКА сделок", "100% of_all \\ cases", "Straße"
)  # fmt: skip


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("fEE", "Fee assistant"), ("reader", "Résumé READER"), ("RÉSUMÉ", "Résumé READER"),
        ("贷款", "贷款 Copilot"), ("款 copi", "贷款 Copilot"), ("проверка СДЕЛОК", "ПРОВЕРКА сделок"),
        ("0% OF", "100% of_all \\ cases"), ("\\ CASE", "100% of_all \\ cases"), ("STRAß", "Straße"),
        ("%", "100% of_all \\ cases"), ("of all", None), ("100__of", None), ("贷 款", None),
    ],
)  # fmt: skip
def test_words_are_found_in_any_case(sought: str, found: str | None) -> None:
    owner = make_person("owner")
    for number, name in enumerate(NAMES):
        System.objects.create(key=f"named-{number}", name=name, owner=owner)
    assert list(_of_that(sought).values_list("name", flat=True)) == ([found] if found else [])


def test_so_are_those_of_a_statement_and_those_of_a_subquery(world: World) -> None:
    version = make_criterion(world).version
    stated = str(version.statement["en"])
    rows = RequirementVersion.objects.filter(statement__icontains=stated.swapcase()[:20])
    assert list(rows) == [version]
    assert not RequirementVersion.objects.filter(statement__icontains="nobody wrote this")
    key = System.objects.filter(pk=version.requirement.system_id).values("key")
    assert System.objects.filter(key__icontains=key[:1]).count() == 1


@pytest.mark.parametrize(
    ("sought", "is_quick"), [("fee", True), ("贷款 fee", True), ("é", False), ("ß", False)]
)
def test_only_what_has_other_letters_with_cases_is_folded_by_every_script(
    sought: str, *, is_quick: bool
) -> None:
    with CaptureQueriesContext(connection) as asked:
        list(_of_that(sought))
    assert ('COLLATE "C"' in asked.captured_queries[0]["sql"]) is is_quick


def _of_that(sought: str) -> QuerySet[System]:
    return System.objects.filter(name__icontains=sought)
