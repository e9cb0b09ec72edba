"""A session ends when nobody uses it, when it is old, and when what its person may do changed; signing takes more."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from celery import current_app
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from evidence import acts, clock
from evidence.access import principal_of_user
from evidence.errors import ProofNeeded
from evidence.models import AuditEvent, Scope, Waiver
from requirements.selectors.wording import warning_names
from tests.evidence.binder_world import PERIOD, fill_lightly
from tests.factories import World, ask_for_waiver
from tests.invariants.walk import OUR_APPS
from tests.requirements.builders import AUTHOR, make_criterion, make_trace, move

pytestmark = pytest.mark.django_db

PASSWORD = "three quiet herons wading"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Return what lets time pass, by our clock."""
    real, passed = clock.now, [timedelta()]

    def pass_time(more: timedelta) -> None:
        passed[0] += more
        monkeypatch.setattr(clock, "now", lambda: real() + passed[0])

    return pass_time


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_a_session_that_nobody_uses_ends(world: World, later: Any, settings: Any) -> None:
    client = signed_in(world.people["auditor"])
    for _ in range(3):
        later(timedelta(seconds=settings.SESSION_IDLE - 60))
        assert is_in(client)
    later(timedelta(seconds=settings.SESSION_IDLE + 1))
    assert not is_in(client)


def test_a_session_that_is_used_ends_too(world: World, later: Any, settings: Any) -> None:
    client = signed_in(world.people["auditor"])
    for _ in range(settings.SESSION_COOKIE_AGE // 1800):
        assert is_in(client)
        later(timedelta(minutes=30))
    later(timedelta(seconds=1))
    assert not is_in(client)


@pytest.mark.parametrize(
    "change",
    [
        lambda person: person.groups.add(Group.objects.get(name="reviewer")),
        lambda person: person.groups.clear(),
        lambda person: User.objects.filter(pk=person.pk).update(is_superuser=True),
        lambda person: (person.set_password("another one altogether"), person.save()),
        lambda person: User.objects.filter(pk=person.pk).update(is_active=False),
    ],
    ids=["more", "fewer", "superuser", "password", "inactive"],
)
def test_when_roles_or_password_change_each_session_ends(world: World, change: Callable[[User], Any]) -> None:
    person = world.people["auditor"]
    browser, script = signed_in(person), signed_in(person)
    assert is_in(browser)
    change(User.objects.get(pk=person.pk))
    assert not is_in(browser)
    assert script.get("/api/v1/traces").status_code == 401


def test_a_session_of_before_there_were_limits_has_ended(world: World) -> None:
    client = signed_in(world.people["auditor"])
    session = client.session
    del session["tracebinder_began"]
    session.save()
    assert not is_in(client)


def test_beat_has_sessions_that_are_over_taken_away(world: World, later: Any, settings: Any) -> None:
    """With what was typed and kept in them: nobody comes back to forget it."""
    left, open_still = signed_in(world.people["auditor"]), signed_in(world.people["author"])
    session = left.session
    session["tracebinder_kept_forms"] = ["what somebody typed"]
    session.save()
    (entry,) = [
        each
        for each in settings.CELERY_BEAT_SCHEDULE.values()
        if each["task"].endswith("remove_ended_sessions")
    ]
    task = current_app.tasks[entry["task"]]
    task()
    assert Session.objects.count() == 2
    later(timedelta(seconds=settings.SESSION_COOKIE_AGE - 60))
    session = open_still.session
    session.set_expiry(settings.SESSION_COOKIE_AGE * 2)
    session.save()
    later(timedelta(seconds=120))
    task()
    assert [each.session_key for each in Session.objects.all()] == [open_still.session.session_key]


# Signing.

EXPECTED = {
    "evidence.acts.check_can_approve",
    "evidence.acts.check_can_waive",
    "evidence.acts.check_can_export_binder",
    "evidence.acts.check_can_grant_membership",
    "evidence.acts.check_can_issue_token",
    "evidence.acts.check_can_add_person",
    "evidence.acts.check_can_change_person",
    "evidence.acts.check_can_erase",
    "evidence.acts.check_can_release_hold",
}


def test_which_acts_sign_is_marked_on_them() -> None:
    modules = [__import__(f"{app}.acts", fromlist=["acts"]) for app in OUR_APPS if app != "interpret"]
    marked = {
        f"{module.__name__}.{name}"
        for module in modules
        for name, check in inspect.getmembers(module, inspect.isfunction)
        if check.__module__.startswith(module.__name__) and "signs" in vars(check)
    }
    assert marked >= EXPECTED


def ask_for_binder(client: Client, world: World) -> Any:
    asked = {
        "system": world.system.key, "release": world.release.name,
        "period_from": PERIOD[0].isoformat(), "period_to": PERIOD[1].isoformat(),
    }  # fmt: skip
    return client.post("/api/v1/binders", json.dumps(asked), content_type="application/json")


def test_a_session_left_open_exports_no_binder(world: World, later: Any, settings: Any) -> None:
    fill_lightly(world)
    auditor = world.people["auditor"]
    auditor.set_password(PASSWORD)
    auditor.save()
    client = signed_in(auditor)
    later(timedelta(seconds=settings.PROOF_LASTS + 1))
    assert client.get("/api/v1/traces").status_code == 200, "reading takes no more than before"
    refused = ask_for_binder(client, world)
    assert (refused.status_code, refused.json()["code"]) == (403, "proof_needed")
    assert client.post("/admin/proof/", {"password": PASSWORD}).status_code == 302
    assert ask_for_binder(client, world).status_code == 201


def test_a_token_proves_itself_each_time(world: World, later: Any, settings: Any) -> None:
    fill_lightly(world)
    client = Client(headers={"authorization": world.headers(Scope.BINDER)["HTTP_AUTHORIZATION"]})
    later(timedelta(seconds=settings.PROOF_LASTS + 1))
    assert ask_for_binder(client, world).status_code == 201


def test_a_page_leads_to_the_proof_and_back(world: World, later: Any, settings: Any) -> None:
    operator = world.people["operator"]
    client = Client(headers={"accept": "text/html"})
    client.force_login(operator)
    later(timedelta(seconds=settings.PROOF_LASTS + 1))
    form = "/admin/auth/user/add/"
    assert client.get(form).status_code == 200, "what is offered is offered still"
    given = {"username": "new", "systems": [world.system.pk]}
    refused = client.post(form, given, headers={"referer": f"http://testserver{form}"})
    assert refused.status_code == 302
    assert refused["Location"].startswith("/admin/proof/?next=")
    assert not User.objects.filter(username="new").exists()
    page = client.get(refused["Location"])
    assert page.status_code == 200
    assert "Prove that it is you" in page.content.decode()


@dataclass(frozen=True, slots=True)
class Signing:
    """A page on which somebody signs: who, where, and what its button sends."""

    role: str
    prepare: Callable[[World], tuple[str, dict[str, Any]]]


def _export_a_binder(world: World) -> tuple[str, dict[str, Any]]:
    fill_lightly(world)
    return reverse("admin:export_binder", args=[world.release.pk]), {}


def _plan_an_erasure(world: World) -> tuple[str, dict[str, Any]]:
    trace = make_trace(world)
    return reverse("admin:erase"), {"system": world.system.pk, "trace": trace.trace_id.hex, "reason": "r"}


def _approve_a_version(world: World) -> tuple[str, dict[str, Any]]:
    version = make_criterion(world, approved=False).version
    move(version, "in_review", AUTHOR)
    read = {"digest": version.artefact_version.digest, "from_state": "in_review"}
    page = reverse("admin:requirements_requirementversion_change", args=[version.pk])
    ticked = list(warning_names(version))
    return page, read | {"to_state": "approved", "reason": "read twice", "warnings_read": ticked}


def _change_a_person(world: World) -> tuple[str, dict[str, Any]]:
    page = reverse("admin:auth_user_change", args=[world.join("nina", "author").pk])
    return page, {"username": "nina", "first_name": "Nina", "systems": [world.system.pk]}


def _make_a_link(world: World) -> tuple[str, dict[str, Any]]:
    person = world.join("nina", "author")
    return reverse("admin:auth_user_change", args=[person.pk]), {"act": "password_link"}


# Where more is filled in than the table of acts has; what that has is walked in `test_kept_forms`.
SIGNED: dict[str, Signing] = {
    "a link for a password is made": Signing("operator", _make_a_link),
    "a version is approved": Signing("approver", _approve_a_version),
    "a person is changed": Signing("operator", _change_a_person),
    "a binder is exported": Signing("auditor", _export_a_binder),
    "an erasure is planned": Signing("operator", _plan_an_erasure),
}


@pytest.mark.parametrize("signing", SIGNED.values(), ids=SIGNED.keys())
def test_each_page_that_signs_leads_to_the_proof_and_back(
    world: World, later: Any, settings: Any, signing: Signing
) -> None:
    """Nothing in a form puts it right, so it stands beside none: the person is led to where they can."""
    settings.OIDC_ISSUER = "https://provider.example"
    page, sent = signing.prepare(world)
    client = Client(headers={"accept": "text/html"})
    client.force_login(world.people[signing.role])
    later(timedelta(seconds=settings.PROOF_LASTS + 1))
    events = AuditEvent.objects.count()
    answer = client.post(page, sent, headers={"referer": f"http://testserver{page}"})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    shown_again = f"/admin/proof/?{urlencode({'next': f'{page}?kept='})}"
    assert answer["Location"].startswith(shown_again)
    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_proof_leads_nowhere_else(world: World, elsewhere: str) -> None:
    auditor = world.people["auditor"]
    auditor.set_password(PASSWORD)
    auditor.save()
    answer = signed_in(auditor).post(f"/admin/proof/?next={elsewhere}", {"password": PASSWORD})
    assert answer["Location"] == "/admin/"


def test_a_wrong_password_proves_nothing(world: World, later: Any, settings: Any) -> None:
    fill_lightly(world)
    client = signed_in(world.people["auditor"])
    later(timedelta(seconds=settings.PROOF_LASTS + 1))
    answer = client.post("/admin/proof/", {"password": "a guess"})
    assert "This is not your password" in answer.content.decode()
    assert ask_for_binder(client, world).status_code == 403


def test_approving_and_waiving_take_a_proof(world: World, settings: Any) -> None:
    long_ago = clock.now() - timedelta(seconds=settings.PROOF_LASTS + 1)
    approver = principal_of_user(world.people["approver"], proved_at=long_ago)
    with pytest.raises(ProofNeeded, match="/admin/proof/"):
        acts.check_can_approve(approver)
    asked = ask_for_waiver(world, "r/c")
    with pytest.raises(ProofNeeded):
        acts.check_can_waive(approver, asked)
    assert acts.can_approve(approver), "the button is there; the act asks"
    assert not Waiver.objects.exists()


def test_whoever_may_not_is_told_that_and_not_to_prove_anything(world: World) -> None:
    long_ago = clock.now() - timedelta(days=1)
    with pytest.raises(Exception, match="approver's to decide"):
        acts.check_can_approve(principal_of_user(world.people["author"], proved_at=long_ago))
