"""What a browser sends beside the fields of a form is refused by name, on each page that reads a form of its own."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from evidence.models import ArtefactVersion, ReviewerPause, SavedFilter
from evidence.services.people.second_factors import has_second_factor
from tests.factories import World

pytestmark = pytest.mark.django_db

ROWS = {
    "form-TOTAL_FORMS": "1",
    "form-INITIAL_FORMS": "0",
    "form-0-code": "fees",
    "form-0-kind": "wrong_fact",
}
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "erase": ("operator", {"reason": "request 7"}),
    "try_reading": ("author", {"document": "{}", "propose": "1"}),
    "review_filters": ("reviewer", {"act": "keep", "name": "late"}),
    "review_pause": ("reviewer", {"act": "pause", "until": "2026-12-24T09:00"}),
    "review_reasons": ("approver", {**ROWS, "form-0-en": "Names another fee"}),
    "second_factor": ("reviewer", {"code": "123456"}),
    "proof": ("approver", {"password": "wrong", "code": ""}),
    "ask_probe": ("researcher", {"act": "look"}),
    "import_plan": ("author", {"act": "plan", "text": "requirements: []"}),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_name_that_a_form_does_not_have_is_refused_and_nothing_done(
    client: Client, world: World, name: str
) -> None:
    role, sent = FORMS[name]
    client.force_login(world.people[role])
    before = ArtefactVersion.objects.count()
    asked = "?system=credit-assistant&probe=induction.heads" if name == "ask_probe" else ""
    answer = client.post(reverse(f"admin:{name}") + asked, sent | {"untill": "2026-12-24"})
    assert answer.status_code == 422, answer.content.decode()
    assert "untill" in answer.content.decode()
    assert ArtefactVersion.objects.count() == before
    assert not SavedFilter.objects.exists()
    assert not ReviewerPause.objects.exists()
    assert not has_second_factor(world.people[role])
