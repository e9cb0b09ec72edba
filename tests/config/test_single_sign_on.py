"""Single sign-on lets in whom an operator bound, by what the provider signed for this very sign-in, and nobody else."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from config.env import ConfigurationError
from config.sign_in.provider.asking import COOKIE
from config.sign_in.provider.settings_check import ProviderSettings, refuse_unusable_provider
from evidence import acts, clock, session_marks
from evidence.access import principal_of_command_line, principal_of_user
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput
from evidence.models import AuditEvent, AuditPayload, SignInBinding
from evidence.outgoing import ask
from evidence.services.people.sign_in_bindings import bind_sign_in, end_sign_in_binding, find_bound_person
from tests.config.oidc_provider import CLIENT_ID, CLIENT_SECRET
from tests.factories import World
from tests.invariants.walk import REPOSITORY

pytestmark = pytest.mark.django_db

SUBJECT = "248289761001"
RETURN = "/admin/provider/return/"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: the address is looked at."""


_BROWSER = urllib.request.build_opener(_Stay)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Start the provider; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.config.oidc_provider"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def provider(issuer: str, settings: Any) -> str:
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = (
        issuer,
        CLIENT_ID,
        CLIENT_SECRET,
    )
    cache.clear()
    behave(issuer)
    return issuer


@pytest.fixture
def auditor(world: World, provider: str) -> User:
    """Somebody who is bound to the subject that the provider signs in, and has no password."""
    person = world.people["auditor"]
    person.set_unusable_password()
    person.save()
    bind(person, provider)
    return person


def bind(person: User, issuer: str, subject: str = SUBJECT) -> SignInBinding:
    return bind_sign_in(principal=principal_of_command_line(), person=person, issuer=issuer, subject=subject)


def behave(issuer: str, **how: Any) -> None:
    """Have the provider do so from now on."""
    ask(f"{issuer}/behave", timeout=5, body=json.dumps(how).encode())


def go_there(address: str) -> str:
    """Be a browser at the provider: return where it leads back to, with what it says."""

    with pytest.raises(urllib.error.HTTPError) as led:
        _BROWSER.open(address)
    with led.value as answer:
        assert answer.code == 302
        back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def begin(client: Client, start: str = "/admin/provider/sign-in/?next=/admin/") -> str:
    answer = client.get(start)
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def sign_in(client: Client | None = None) -> Any:
    client = client or Client()
    return client.get(go_there(begin(client)))


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def last_failure() -> dict[str, Any]:
    event = AuditEvent.objects.filter(verb="sign_in.failed").latest("pk")
    return dict(json.loads(bytes(AuditPayload.objects.get(event=event).payload)))


def test_who_is_bound_comes_in_and_that_is_on_record(auditor: User, provider: str) -> None:
    client = Client()
    answer = sign_in(client)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert is_in(client)
    assert client.get("/admin/").wsgi_request.user == auditor
    event = AuditEvent.objects.get(verb="sign_in.succeeded")
    told = json.loads(bytes(AuditPayload.objects.get(event=event).payload))["provider"]
    assert told == {"issuer": provider, "acr": "gold", "amr": ["pwd", "otp"]}


def test_the_request_has_what_keeps_its_answer_ours(auditor: User) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begin(Client())).query).items()}
    other = {name: values[0] for name, values in parse_qs(urlsplit(begin(Client())).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == (
        "code",
        "S256",
        "openid",
    )
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 43
        assert asked[name] != other[name]
    assert asked["redirect_uri"] == f"http://testserver{RETURN}"


def test_nobody_is_made_or_found_by_name_or_address(world: World, provider: str) -> None:
    person = world.people["auditor"]
    person.email = "auditor@example.org"
    person.save()
    before = User.objects.count()
    behave(
        provider,
        claims={
            "email": "auditor@example.org", "email_verified": True, "preferred_username": person.get_username(),
            "sub": "someone-else",
        },
    )  # fmt: skip
    client = Client(headers={"accept": "application/json"})
    answer = sign_in(client)
    assert (answer.status_code, answer.json()["code"]) == (403, "provider_refused")
    assert "someone-else" in answer.json()["detail"], "they tell it to an operator"
    assert not is_in(client)
    assert User.objects.count() == before
    assert last_failure()["provider"] == "not_bound"
    assert "someone-else" not in str(last_failure())


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ({"claims": {"iss": "https://evil.example"}}, "wrong_iss"),
        ({"claims": {"aud": "another-client"}}, "wrong_aud"),
        ({"claims": {"aud": [CLIENT_ID, "another-client"]}}, "wrong_azp"),
        ({"claims": {"azp": "another-client"}}, "wrong_azp"),
        ({"claims": {"nonce": "of another sign-in"}}, "wrong_nonce"),
        ({"claims": {"nonce": None}}, "wrong_nonce"),
        ({"shifted": {"exp": -3600}}, "wrong_exp"),
        ({"claims": {"exp": None}}, "wrong_exp"),
        ({"claims": {"iat": None}}, "wrong_iat"),
        ({"shifted": {"iat": 3600}}, "wrong_iat"),
        ({"claims": {"sub": None}}, "wrong_sub"),
        ({"claims": {"sub": ""}}, "wrong_sub"),
        ({"claims": {"sub": ["248289761001"]}}, "wrong_sub"),
        ({"claims": {"auth_time": None}}, "no_auth_time"),
        ({"claims": {"auth_time": True}}, "no_auth_time"),
        ({"shifted": {"auth_time": -1_000_000}}, "old_proof"),
        ({"shifted": {"auth_time": 1_000_000}}, "old_proof"),
        ({"signing": "none"}, "bad_signature"),
        ({"signing": "hs256 by the public key"}, "bad_signature"),
        ({"signing": "hs256 by the secret"}, "bad_signature"),
        ({"signing": "a key of somebody else"}, "bad_signature"),
        ({"signing": "changed afterwards"}, "bad_signature"),
        ({"answer": {"state": "of another browser"}}, "wrong_state"),
        ({"answer": {"iss": "https://evil.example"}}, "wrong_issuer"),
        ({"answer": {"iss": None}}, "wrong_issuer"),
        ({"answer": {"error": "access_denied"}}, "provider_error"),
        ({"answer": {"code": None}}, "no_code"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_signed_for_this_sign_in_lets_nobody_in(
    auditor: User, provider: str, behaviour: dict[str, Any], reason: str
) -> None:
    behave(provider, **behaviour)
    client = Client()
    assert sign_in(client).status_code == 403
    assert not is_in(client)
    assert last_failure()["provider"] == reason


def test_an_answer_is_taken_once_and_by_the_browser_that_asked_alone(auditor: User) -> None:
    client = Client()
    back = go_there(begin(client))
    assert Client().get(back).status_code == 403, "another browser"
    assert client.get(back).status_code == 302
    client.post("/admin/logout/")
    assert client.get(back).status_code == 403, "again"
    assert not is_in(client)


def test_an_answer_that_was_refused_is_not_taken_another_time(auditor: User, provider: str) -> None:
    behave(provider, claims={"nonce": "of another sign-in"})
    client = Client()
    back = go_there(begin(client))
    assert client.get(back).status_code == 403
    behave(provider)
    assert client.get(back).status_code == 403
    assert last_failure()["provider"] == "wrong_state"


def test_asking_stores_nothing_and_what_the_browser_keeps_cannot_be_made_up(auditor: User) -> None:
    client = Client()
    back = go_there(begin(client))
    assert not Session.objects.exists()
    kept = client.cookies[COOKIE]
    assert (kept["path"], bool(kept["httponly"]), kept["samesite"]) == (RETURN, True, "Lax")
    client.cookies[COOKIE] = kept.value[:-1] + ("a" if kept.value[-1] != "a" else "b")
    assert client.get(back).status_code == 403
    assert not is_in(client)


def test_without_the_broker_no_answer_is_taken(auditor: User, settings: Any) -> None:
    client = Client()
    back = go_there(begin(client))
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert client.get(back).status_code == 503
    assert not is_in(client)


def test_an_answer_that_comes_too_late_is_refused(auditor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    back = go_there(begin(client))
    later = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert client.get(back).status_code == 403


def test_a_code_of_another_sign_in_is_refused_by_the_provider(auditor: User) -> None:
    """PKCE: whoever steals a code cannot have it changed by a browser of theirs."""
    stolen = parse_qs(urlsplit(go_there(begin(Client()))).query)["code"][0]
    client = Client()
    back = urlsplit(go_there(begin(client)))
    own = parse_qs(back.query)["code"][0]
    assert client.get(f"{back.path}?{back.query.replace(own, stolen)}").status_code == 403
    assert not is_in(client)
    assert last_failure()["provider"] == "code_refused"


def test_that_the_provider_was_away_when_somebody_came_back_is_on_record(
    auditor: User, settings: Any
) -> None:
    client = Client()
    back = go_there(begin(client))
    cache.clear()
    settings.OIDC_ISSUER = "http://127.0.0.1:1"
    assert client.get(back).status_code == 503
    assert last_failure()["provider"] == "provider_away"


def test_keys_that_the_provider_took_up_since_are_found(auditor: User, provider: str) -> None:
    assert sign_in().status_code == 302
    behave(provider, signing="a new key")
    assert sign_in().status_code == 302


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": None},
    ],
    ids=str,
)
def test_a_provider_that_is_another_or_sends_us_elsewhere_is_not_asked(
    auditor: User, provider: str, metadata: dict[str, Any]
) -> None:
    behave(provider, metadata=metadata)
    assert Client().get("/admin/provider/sign-in/").status_code == 503


def test_nobody_comes_in_while_the_provider_is_away(auditor: User, settings: Any) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:1"
    answer = Client().get("/admin/provider/sign-in/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")


@pytest.mark.parametrize("field", ["is_active", "is_staff"])
def test_who_may_not_sign_in_does_not_by_the_provider(auditor: User, field: str) -> None:
    setattr(auditor, field, False)
    auditor.save()
    assert sign_in().status_code == 403
    assert last_failure()["provider"] == "not_active"


def test_a_session_ends_with_its_binding(auditor: User, provider: str) -> None:
    client = Client()
    sign_in(client)
    assert is_in(client)
    end_sign_in_binding(principal=principal_of_command_line(), person=auditor)
    assert not is_in(client)
    assert sign_in().status_code == 403


def test_a_session_ends_when_the_provider_is_configured_no_more(auditor: User, settings: Any) -> None:
    client = Client()
    sign_in(client)
    settings.OIDC_ISSUER = ""
    assert not is_in(client)
    assert Client().get("/admin/provider/sign-in/").status_code == 404
    assert Client().get(RETURN).status_code == 404


@pytest.mark.parametrize("setting", ["OIDC_ACR", "OIDC_AMR"])
def test_a_second_factor_is_demanded_of_the_provider(
    auditor: User, provider: str, settings: Any, setting: str
) -> None:
    setattr(settings, setting, ["gold"] if setting == "OIDC_ACR" else ["otp"])
    settings.SECOND_FACTOR_REQUIRED = True
    client = Client()
    assert sign_in(client).status_code == 302
    assert is_in(client), "it needs none of ours"
    behave(provider, claims={"acr": "bronze", "amr": ["pwd"]})
    assert sign_in().status_code == 403
    behave(provider, claims={"acr": None, "amr": None})
    assert sign_in().status_code == 403


def test_an_old_sign_in_there_is_no_proof_for_signing_here(auditor: User, provider: str) -> None:
    """Whoever was signed in at the provider since the morning has not proved now that it is them."""
    behave(provider, shifted={"auth_time": -3600})
    client = Client()
    assert sign_in(client).status_code == 302
    proved = session_marks.proved_at(client.session)
    assert timedelta(minutes=59) < clock.now() - proved < timedelta(minutes=61)
    behave(provider)
    start = "/admin/provider/proof/?next=/admin/"
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begin(client, start)).query).items()}
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert client.get(go_there(begin(client, start))).status_code == 302
    assert clock.now() - session_marks.proved_at(client.session) < timedelta(minutes=1)


def test_a_provider_that_did_not_ask_again_proves_nothing(auditor: User, provider: str) -> None:
    client = Client()
    sign_in(client)
    behave(provider, shifted={"auth_time": -600})
    before = session_marks.proved_at(client.session)
    assert client.get(go_there(begin(client, "/admin/provider/proof/"))).status_code == 403
    assert session_marks.proved_at(client.session) == before
    assert last_failure()["provider"] == "old_proof"


def test_somebody_else_at_the_provider_proves_nothing(world: World, auditor: User, provider: str) -> None:
    other = world.people["author"]
    bind(other, provider, "another")
    client = Client()
    sign_in(client)
    behave(provider, claims={"sub": "another"})
    assert client.get(go_there(begin(client, "/admin/provider/proof/"))).status_code == 403
    assert last_failure()["provider"] == "another_person"
    assert client.get("/admin/").wsgi_request.user == auditor


def test_passwords_can_be_turned_off(world: World, provider: str, settings: Any) -> None:
    person = world.people["auditor"]
    person.set_password("three quiet herons wading")
    person.save()
    form = {"username": person.get_username(), "password": "three quiet herons wading", "next": "/admin/"}
    client = Client()
    assert client.post("/admin/login/", form).status_code == 302
    settings.PASSWORD_SIGN_IN = False
    assert not is_in(client), "sessions of a password end"
    assert Client().post("/admin/login/", form).status_code == 200
    page = Client().get("/admin/login/").content.decode()
    assert "password" not in page
    assert reverse("admin:provider_sign_in") in page


def test_a_way_out_of_here_is_never_led_to(auditor: User) -> None:
    client = Client()
    back = go_there(begin(client, "/admin/provider/sign-in/?next=https://evil.example/"))
    assert client.get(back)["Location"] == "/admin/"


# Binding.


def test_one_subject_is_one_person(world: World, auditor: User, provider: str) -> None:
    with pytest.raises(ConflictingContent, match="Another person"):
        bind(world.people["author"], provider)
    end_sign_in_binding(principal=principal_of_command_line(), person=auditor)
    bind(world.people["author"], provider)
    assert find_bound_person(provider, SUBJECT) == world.people["author"]


def test_a_person_is_one_subject_and_the_same_again_changes_nothing(auditor: User, provider: str) -> None:
    assert bind(auditor, provider) == SignInBinding.objects.get()
    bind(auditor, provider, "another")
    assert find_bound_person(provider, SUBJECT) is None
    assert find_bound_person(provider, "another") == auditor


def test_a_binding_keeps_no_subject(auditor: User) -> None:
    assert SUBJECT not in str(SignInBinding.objects.values().get())
    event = AuditEvent.objects.get(verb="sign_in.bound")
    assert SUBJECT not in bytes(AuditPayload.objects.get(event=event).payload).decode()
    assert event.object_digest == SignInBinding.objects.get().subject_digest


@pytest.mark.parametrize("subject", ["", "x" * 256, "é", "a\nb"])
def test_what_is_no_subject_is_not_bound(world: World, provider: str, subject: str) -> None:
    with pytest.raises(InvalidInput, match="sub"):
        bind(world.people["author"], provider, subject)


def test_an_operator_binds_nobody_whose_role_they_do_not_give(world: World, provider: str) -> None:
    operator = principal_of_user(world.people["operator"])
    for role in ("auditor", "approver"):
        with pytest.raises(AccessDenied, match="bind_sign_in"):
            bind_sign_in(principal=operator, person=world.people[role], issuer=provider, subject="mine")
    with pytest.raises(AccessDenied, match="own"):
        bind_sign_in(principal=operator, person=world.people["operator"], issuer=provider, subject="mine")


def test_a_binding_made_before_somebody_was_promoted_does_not_open_what_came(
    world: World, provider: str
) -> None:
    """An operator who bound a sign-in of their own to an author is no approver when the author becomes one."""
    author = world.people["author"]
    bind_sign_in(
        principal=principal_of_user(world.people["operator"]), person=author, issuer=provider, subject=SUBJECT
    )
    client = Client()
    assert sign_in(client).status_code == 302
    author.groups.add(Group.objects.get(name="approver"))
    assert not is_in(client)
    assert sign_in().status_code == 403
    assert last_failure()["provider"] == "bound_before_role"
    bind(author, provider)
    assert sign_in().status_code == 302


def test_by_hand_and_by_command(world: World, provider: str) -> None:
    author = world.people["author"]
    client = Client()
    client.force_login(world.people["operator"])
    form = {"person": author.pk, "subject": "by-hand"}
    assert client.post("/admin/evidence/signinbinding/add/", form).status_code == 302
    assert find_bound_person(provider, "by-hand") == author
    assert client.get("/admin/evidence/signinbinding/").status_code == 200
    assert client.post("/admin/evidence/signinbinding/add/", form | {"subject": ""}).status_code == 302
    assert find_bound_person(provider, "by-hand") is None
    out = io.StringIO()
    call_command("bind_sign_in", author.get_username(), "--subject", "typed", stdout=out)
    assert provider in out.getvalue()
    assert find_bound_person(provider, "typed") == author
    call_command("bind_sign_in", author.get_username(), "--end", stdout=out)
    assert find_bound_person(provider, "typed") is None
    assert acts.can_bind_sign_in(principal_of_command_line(), author)


# Settings.

RIGHT: dict[str, Any] = {
    "issuer": "https://id.example.org/realms/bank", "client_id": "tracebinder", "algorithms": ["RS256"],
    "demands_two_factors": False, "needs_two_factors": False, "takes_passwords": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"issuer": "http://id.example.org"}, "https"),
        ({"issuer": "https://id.example.org/?tenant=1"}, "https address"),
        ({"client_id": ""}, "TRACEBINDER_OIDC_CLIENT_ID"),
        ({"algorithms": ["RS256", "HS256"]}, "HS256"),
        ({"algorithms": ["none"]}, "none"),
        ({"algorithms": []}, "TRACEBINDER_OIDC_ALGORITHMS"),
        ({"needs_two_factors": True}, "TRACEBINDER_OIDC_ACR"),
        ({"issuer": "", "takes_passwords": False}, "nobody could sign in"),
    ],
    ids=str,
)
def test_settings_that_would_let_in_the_wrong_people_do_not_start(wrong: dict[str, Any], told: str) -> None:
    refuse_unusable_provider(ProviderSettings(**RIGHT))
    with pytest.raises(ConfigurationError, match=told):
        refuse_unusable_provider(ProviderSettings(**RIGHT | wrong))
