"""What somebody typed before they had to prove who they are: shown to them again after it, and signed by nobody."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.module_loading import import_string

from config.sign_in import kept_forms
from evidence.models import AuditEvent
from evidence.roles import ROLES
from tests.config.test_sessions import PASSWORD, SIGNED, Signing, later
from tests.factories import World
from tests.invariants.act_doors import ACTS
from tests.invariants.act_doors.taking import Browse

pytestmark = pytest.mark.django_db
__all__ = ["later"]

NOT_YET = "Nothing is signed yet"
FAULTS = re.compile(r'class="[^"]*\b(?:errornote|errorlist|error)\b')
FORM = "/admin/auth/user/add/"
TYPED = {"username": "ines", "first_name": "Inês of Lisboa", "email": "ines@example.org"}


@pytest.fixture
def old_session(world: World, later: Any, settings: Any) -> Client:
    """Return an operator's browser whose proof is a while ago."""
    client = browser_of(world.people["operator"])
    later(timedelta(seconds=settings.PROOF_LASTS + 1))
    return client


def browser_of(person: User) -> Client:
    person.set_password(PASSWORD)
    person.save()
    client = Client(headers={"accept": "text/html"})
    client.force_login(person)
    return client


def kept_address(client: Client, page: str, sent: dict[str, Any]) -> str:
    """Send a form that takes a proof, give the proof, and return where that leads."""
    led = client.post(page, sent, headers={"referer": f"http://testserver{page}"})
    assert led.status_code == 302, led.content.decode()[:2000]
    proof = client.get(led["Location"])
    assert "What you typed is kept" in proof.content.decode()
    return client.post(led["Location"], {"password": PASSWORD})["Location"]


def typed_of(world: World) -> dict[str, Any]:
    return TYPED | {"systems": [world.system.pk]}


@pytest.mark.parametrize("signing", SIGNED.values(), ids=SIGNED.keys())
def test_each_form_that_signs_comes_back_as_it_was_typed(
    world: World, later: Any, settings: Any, signing: Signing
) -> None:
    settings.OIDC_ISSUER = "https://provider.example"
    page, sent = signing.prepare(world)
    client = browser_of(world.people[signing.role])
    later(timedelta(seconds=settings.PROOF_LASTS + 1))
    comes_back_as_typed(client, page, sent)


# Of every act that somebody does by a role alone, as the table of acts has it: who adds one adds it there, and so here.
PAGES = {act.label: act for act in ACTS if isinstance(act.admin, Browse) and act.allowed & set(ROLES)}
# Buttons and ticks.
UNTYPED = frozenset({"step", "to_state", "act", "action", "_selected_action", "confirmed", "post"})


def signs(label: str) -> bool:
    """Whether an act takes a proof that is new."""
    return "signs" in vars(import_string(PAGES[label].check))


def test_pages_of_acts_that_sign_are_among_them() -> None:
    assert len(list(filter(signs, PAGES))) >= 9


@pytest.mark.parametrize("label", PAGES)
def test_the_page_of_each_act_that_signs_comes_back_as_it_was_typed(
    world: World, later: Any, settings: Any, label: str
) -> None:
    settings.OIDC_ISSUER = "https://provider.example"
    act = PAGES[label]
    assert isinstance(act.admin, Browse)
    role = next(each for each in world.people if each in act.allowed)
    made = act.prepare(world)
    page, sent = act.admin.address(world, made), act.admin.data(world, made)
    client = browser_of(world.people[role])
    later(timedelta(seconds=settings.PROOF_LASTS + 1))
    answer = client.post(page, sent)
    is_led_to_proof = answer.headers.get("Location", "").startswith("/admin/proof/")
    assert is_led_to_proof or not signs(label), answer.content.decode()[:2000]
    if is_led_to_proof:
        comes_back_as_typed(client, page, sent)


def comes_back_as_typed(client: Client, page: str, sent: dict[str, Any]) -> None:
    """Send a form that takes a proof, prove; see that it is filled in as it was and signed by nobody, and send it."""
    address = kept_address(client, page, sent)
    events = AuditEvent.objects.count()
    shown = client.get(address)
    if "action" in sent:  # rows that were ticked in a list, and nothing that was typed
        assert shown.status_code == 302
        assert shown["Location"].endswith(page)
    else:
        text = shown.content.decode()
        assert shown.status_code == 200, (shown.headers, text[:2000])
        assert NOT_YET in text
        assert FAULTS.search(text) is None, "nothing of the form is at fault"
        for name in sent.keys() - UNTYPED:
            for each in sent[name] if isinstance(sent[name], list) else [sent[name]]:
                assert is_filled_in(text, name, str(each)), (name, each)
    assert AuditEvent.objects.count() == events, "nobody signed it unseen"
    done = client.post(address, sent).content.decode()
    assert NOT_YET not in done
    assert AuditEvent.objects.count() > events or 'name="agreed"' in done, (
        "an erasure is planned, and then done"
    )


def test_what_a_service_refuses_stands_above_the_form_as_it_was_filled_in(world: World) -> None:
    client, page = browser_of(world.people["operator"]), reverse("admin:evidence_reviewerskill_add")
    nobodys = {"system": world.system.pk, "user": world.people["author"].pk, "language": "de-CH"}
    refused = client.post(page, nobodys)
    assert refused.status_code == 422, refused.content.decode()[:3000]
    assert is_filled_in(refused.content.decode(), "language", "de-CH")
    assert "errornote" in refused.content.decode()


def is_filled_in(text: str, name: str, value: str) -> bool:
    """Whether a page has a field with this name that holds, or whose choice is, the value."""
    found: list[str] = []

    class Reader(HTMLParser):
        inside = ""

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            said = dict(attrs)
            if tag in {"textarea", "select"}:
                self.inside = said.get("name", "")
            counts = said.get("type") not in {"checkbox", "radio"} or "checked" in said
            if tag == "input" and said.get("name") == name and counts:
                found.append(said.get("value", "on"))
            if tag == "option" and self.inside == name and "selected" in said:
                found.append(said.get("value", ""))

        def handle_data(self, data: str) -> None:
            if self.inside == name and data.strip():
                found.append(data.strip())

        def handle_endtag(self, tag: str) -> None:
            if tag in {"textarea", "select"}:
                self.inside = ""

    Reader().feed(text)
    return value in found


def test_what_is_kept_is_shown_to_nobody_else(world: World, old_session: Client, later: Any) -> None:
    address = kept_address(old_session, FORM, typed_of(world))
    other = Client(headers={"accept": "text/html"})
    other.force_login(world.people["operator"])  # the same person elsewhere, and so another session
    assert "ines" not in other.get(address).content.decode()
    assert "Inês of Lisboa" in old_session.get(address).content.decode()
    old_session.logout()
    old_session.force_login(world.people["operator"])
    assert "ines" not in old_session.get(address).content.decode(), "it ends with the session"


def test_nobody_plants_a_form(world: World, old_session: Client, later: Any, settings: Any) -> None:
    """A form from elsewhere is refused before it is kept, and an address that somebody is given fills in nothing."""
    strict = Client(headers={"accept": "text/html"}, enforce_csrf_checks=True)
    strict.force_login(world.people["operator"])
    later(timedelta(seconds=settings.PROOF_LASTS + 1))
    assert strict.post(FORM, typed_of(world)).status_code == 403
    assert "tracebinder_kept_forms" not in strict.session
    theirs = kept_address(old_session, FORM, typed_of(world))
    assert "ines" not in strict.get(theirs).content.decode()
    assert "ines" not in strict.get(f"{FORM}?kept=guess&").content.decode()


def test_it_is_kept_half_an_hour_and_of_the_newest_three(
    world: World, old_session: Client, later: Any
) -> None:
    first = kept_address(old_session, FORM, typed_of(world))
    assert NOT_YET in old_session.get(first).content.decode()
    later(timedelta(seconds=kept_forms.LASTS + 1))
    assert NOT_YET not in old_session.get(first).content.decode()
    for n in range(kept_forms.MOST + 1):
        old_session.post(FORM, typed_of(world) | {"username": f"ines{n}"})
    names = [each["fields"] for each in old_session.session["tracebinder_kept_forms"]]
    assert len(names) == kept_forms.MOST
    assert "username=ines0" not in names[0]


def test_what_was_sent_after_all_is_kept_no_longer(world: World, old_session: Client) -> None:
    address = kept_address(old_session, FORM, typed_of(world))
    old_session.post(address, typed_of(world))
    assert User.objects.filter(username="ines").exists()
    assert not old_session.session["tracebinder_kept_forms"]


def test_secrets_and_long_forms_are_not_kept(
    world: World, old_session: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_forms, "LONGEST", 50)
    led = old_session.post(
        FORM, typed_of(world), headers={"referer": f"http://testserver{FORM}"}, follow=True
    )
    assert "too long to be kept" in led.content.decode()
    monkeypatch.setattr(kept_forms, "LONGEST", 9_999)
    old_session.post("/admin/second-factor/", {"code": "123456", "remove": "1"})
    assert "123456" not in str(old_session.session.get("tracebinder_kept_forms"))


def test_a_form_that_has_no_page_leads_to_where_it_stood(world: World, old_session: Client) -> None:
    """What is shown is a page in answer to the form, or the page it stood on: never that it was carried out."""
    address = kept_address(old_session, "/admin/second-factor/", {"code": "1"})
    assert old_session.get(address)["Location"].endswith("/admin/second-factor/")
