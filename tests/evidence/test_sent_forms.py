"""What a browser sends beside the fields of a form is refused by name, on each page that reads a form of its own."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from evidence.admin.frame.steps import SteppedModelAdmin
from evidence.models import ArtefactVersion, BinderRequest, Release, ReviewerPause, SavedFilter
from evidence.services.people.second_factors import has_second_factor
from interpret.models import Feature, FeatureLabel
from requirements.models import Baseline, BaselineSignOff, TraceLink
from tests.e2e.pages import full_world
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
    "review_tokens": ("reviewer", {"act": "make", "name": "notebook", "days": "7"}),
    "second_factor": ("reviewer", {"code": "123456"}),
    "proof": ("approver", {"password": "wrong", "code": ""}),
    "ask_probe": ("researcher", {"act": "look"}),
    "links": ("author", {"kind": "verifies", "upstream_kind": "requirement"}),
    "review_desk": ("reviewer", {"act": "take"}),
    "new_draft": ("author", {"act": "save", "key": "fees"}),
    "import_plan": ("author", {"act": "plan", "text": "requirements: []"}),
}

# What reads a form and does not check its names, and why.
UNCHECKED = {
    "config/sign_in/kept_forms.py": "keeps it for the page that it was sent to, which checks it",
    "evidence/pages/frame.py": "of every page: it looks for what no text of the database holds",
    "evidence/pages/period.py": "for a page that checks them",
    "requirements/pages/systems.py": "for a page that checks them",
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


def test_it_is_refused_on_the_pages_of_records_too() -> None:
    world = full_world()
    rows: dict[str, tuple[str, type[Model], dict[str, str]]] = {
        "baseline": ("approver", Baseline, {"digest": "", "reason": "agreed"}),
        "link": ("author", TraceLink, {"act": "withdraw", "reason": "no more"}),
        "feature": ("researcher", Feature, {"concept": "animals", "words": ""}),
        "export_binder": ("auditor", Release, {"from": "2026-11-01", "to": "2026-11-02"}),
    }
    counts = {
        model: model._default_manager.count() for model in (BaselineSignOff, FeatureLabel, BinderRequest)
    }
    for name, (role, model, sent) in rows.items():
        row = model._default_manager.filter(**ours(model, world)).latest("pk")
        client = Client()
        client.force_login(world.people[role])
        answer = client.post(reverse(f"admin:{name}", args=[row.pk]), sent | {"untill": "2026-12-24"})
        assert answer.status_code == 422, (name, answer.content.decode())
        assert "Unknown field 'untill'" in unescape(answer.content.decode()), "a field is called one"
    assert {model: model._default_manager.count() for model in counts} == counts


def test_the_buttons_of_a_record_take_what_their_form_has_and_refuse_the_rest() -> None:
    world = full_world()
    stepped: list[Any] = [
        model for model, shown in admin.site._registry.items() if isinstance(shown, SteppedModelAdmin)
    ]
    assert len(stepped) > 3
    for model in stepped:
        row = model._default_manager.filter(**{model.SYSTEM_PATH: world.system}).latest("pk")
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
        client = next(each for person in world.people.values() if (each := reading(person, address)))
        form = client.get(address).content.decode().split(f'id="{model._meta.model_name}_form"', 1)[1]
        names = set(
            re.findall(r'<(?:input|textarea|select|button)[^>]* name="([^"]+)"', form.split("</form>")[0])
        )
        assert names <= {"csrfmiddlewaretoken", "step", "reason"}, model
        answer = client.post(address, {"step": "none", "reason": "no more", "untill": "2026-12-24"})
        assert answer.status_code == 422, model
        assert "untill" in answer.content.decode()


def reading(person: User, address: str) -> Client | None:
    """Return a browser in which somebody reads a page; None where they may not."""
    client = Client()
    client.force_login(person)
    return client if client.get(address).status_code == 200 else None


def ours(model: type[Model], world: World) -> dict[str, Any]:
    return {"dictionary__system" if model is Feature else "system": world.system}


def test_every_module_of_pages_that_reads_what_was_sent_checks_its_names() -> None:
    reading = {
        str(path.relative_to(settings.BASE_DIR)): text
        for place in ("evidence/pages", "interpret/pages", "requirements/pages", "config/sign_in")
        for path in (settings.BASE_DIR / place).rglob("*.py")
        if "request.POST" in (text := path.read_text(encoding="utf-8"))
    }
    unchecked = {path for path, text in reading.items() if "check_names(" not in text}
    assert len(reading) > 15
    assert unchecked == set(UNCHECKED)
