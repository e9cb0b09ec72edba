"""Whoever has set up a second factor is not signed in by a password, in whosever hands it is."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from evidence import clock
from evidence.access import principal_of_user
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput, ProofNeeded
from evidence.models import AuditEvent, SecondFactor
from evidence.services.people.second_factors import (
    STEP,
    new_secret,
    pass_second_factor,
    remove_second_factor,
    reset_second_factor,
    set_up_second_factor,
)
from tests.factories import World

pytestmark = pytest.mark.django_db

PASSWORD = "three quiet herons wading"


@pytest.fixture
def auditor(world: World) -> User:
    person = world.people["auditor"]
    person.set_password(PASSWORD)
    person.save()
    return person


def code_of(secret: str, *, steps: int = 0) -> str:
    """What an authenticator app shows now, or so many steps from now."""
    step = int(clock.now().timestamp()) // STEP + steps
    return HOTP(base64.b32decode(secret), 6, SHA1()).generate(step).decode()


def set_up(person: User, *, steps: int = -1) -> tuple[str, list[str]]:
    """Give somebody a second factor with the code of a moment ago; the one of now is then still to be taken."""
    secret = new_secret()
    principal = principal_of_user(person)
    return secret, set_up_second_factor(principal=principal, secret=secret, code=code_of(secret, steps=steps))


def signs_in(person: User, code: str = "", password: str = PASSWORD) -> bool:
    form = {"username": person.get_username(), "password": password, "code": code, "next": "/admin/"}
    return Client().post("/admin/login/", form).status_code == 302


def test_a_stolen_password_alone_opens_nothing(auditor: User) -> None:
    assert signs_in(auditor)
    secret, _ = set_up(auditor)
    assert not signs_in(auditor)
    assert not signs_in(auditor, "000000")
    assert signs_in(auditor, code_of(secret))


def test_a_code_that_was_overheard_opens_nothing_twice(auditor: User) -> None:
    secret, _ = set_up(auditor)
    code = code_of(secret)
    assert signs_in(auditor, code)
    assert not signs_in(auditor, code)
    assert not signs_in(auditor, code_of(secret, steps=-1)), "nor an earlier one"


def test_a_code_is_taken_a_step_early_or_late_and_no_more(auditor: User) -> None:
    secret, _ = set_up(auditor)
    assert not pass_second_factor(auditor, code_of(secret, steps=3))
    assert not pass_second_factor(auditor, code_of(secret, steps=-3))
    assert pass_second_factor(auditor, code_of(secret, steps=1))


def test_a_recovery_code_signs_in_once(auditor: User) -> None:
    _, codes = set_up(auditor)
    assert len(set(codes)) == 10
    assert signs_in(auditor, codes[3].lower())
    assert not signs_in(auditor, codes[3])
    assert signs_in(auditor, f"{codes[4][:4]} {codes[4][4:]}")


def test_codes_are_guessed_no_faster_than_passwords(auditor: User, settings: Any) -> None:
    secret, _ = set_up(auditor)
    for n in range(settings.SIGN_IN_FAILURES):
        assert not signs_in(auditor, f"{n:06}")
    assert not signs_in(auditor, code_of(secret)), "it has to wait, whatever the code"


def test_a_copy_of_the_database_holds_no_secret_and_no_code(auditor: User) -> None:
    secret, codes = set_up(auditor)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(f)::text FROM evidence_secondfactor f")
        (row,) = cursor.fetchone() or ("",)
    assert secret not in row
    assert not any(code in row for code in codes)


def test_each_change_and_use_is_on_record_without_what_was_typed(auditor: User) -> None:
    secret, codes = set_up(auditor)
    pass_second_factor(auditor, code_of(secret))
    pass_second_factor(auditor, codes[0])
    remove_second_factor(principal=principal_of_user(auditor))
    events = AuditEvent.objects.filter(verb__startswith="second_factor.").order_by("pk")
    assert list(events.values_list("verb", flat=True)) == [
        "second_factor.set_up", "second_factor.used", "second_factor.used", "second_factor.removed",
    ]  # fmt: skip
    assert not any(codes[0].encode() in bytes(event.entry) for event in events)


def test_it_is_set_up_on_a_page_by_who_typed_what_the_app_shows(auditor: User) -> None:
    client = Client()
    client.force_login(auditor)
    page = client.get("/admin/second-factor/").content.decode()
    shown = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert shown
    assert "<svg" in page
    secret = shown[1].replace(" ", "")
    wrong = client.post("/admin/second-factor/", {"code": "000000"}).content.decode()
    assert "not the code that your app shows" in wrong
    assert shown[1] in wrong, "it is the same secret still"
    done = client.post("/admin/second-factor/", {"code": code_of(secret)}, follow=True).content.decode()
    assert len(re.findall(r"<li><code>[A-Z2-7]{16}</code></li>", done)) == 10
    assert SecondFactor.objects.filter(user=auditor).exists()
    assert "Take it away" in client.get("/admin/second-factor/").content.decode()


def test_a_session_left_open_neither_sets_one_up_nor_takes_it_away(auditor: User, settings: Any) -> None:
    set_up(auditor)
    long_ago = clock.now() - timedelta(seconds=settings.PROOF_LASTS + 1)
    with pytest.raises(ProofNeeded):
        remove_second_factor(principal=principal_of_user(auditor, proved_at=long_ago))
    assert SecondFactor.objects.filter(user=auditor).exists()


def test_the_proof_takes_the_code_as_well(auditor: User) -> None:
    secret, _ = set_up(auditor)
    client = Client()
    client.force_login(auditor)
    assert client.post("/admin/proof/", {"password": PASSWORD}).status_code == 200
    assert client.post("/admin/proof/", {"password": PASSWORD, "code": code_of(secret)}).status_code == 302


def test_nobody_takes_it_from_another_but_who_changes_people(world: World, auditor: User) -> None:
    set_up(auditor)
    with pytest.raises(AccessDenied):
        reset_second_factor(principal=world.principal("reviewer"), person=auditor, reason="lost")
    with pytest.raises(AccessDenied, match="on the machine itself"):
        reset_second_factor(principal=world.principal("operator"), person=auditor, reason="lost")
    with pytest.raises(CommandError, match="--reason"):
        call_command("remove_second_factor", auditor.get_username())
    call_command("remove_second_factor", auditor.get_username(), "--reason", "lost, seen in person")
    assert signs_in(auditor)
    with pytest.raises(InvalidInput, match="has no second factor"):
        remove_second_factor(principal=principal_of_user(auditor))


def test_a_second_one_is_refused(auditor: User) -> None:
    set_up(auditor)
    with pytest.raises(ConflictingContent, match="take it away first"):
        set_up(auditor)


def test_where_all_need_one_nobody_goes_on_without(auditor: User, settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    client = Client()
    client.force_login(auditor)
    for address in ("/admin/", "/admin/evidence/trace/", "/admin/password_change/"):
        assert client.get(address)["Location"] == "/admin/second-factor/"
    refused = client.get("/api/v1/traces")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_needed")
    assert client.get("/admin/second-factor/").status_code == 200
    set_up(auditor)
    assert client.get("/admin/").status_code == 200
    assert client.get("/api/v1/traces").status_code == 200


def test_an_operator_sees_who_has_one_and_nothing_of_it(world: World, auditor: User) -> None:
    set_up(auditor)
    factor = SecondFactor.objects.get(user=auditor)
    client = Client()
    client.force_login(world.people["operator"])
    for address in ("/admin/evidence/secondfactor/", f"/admin/evidence/secondfactor/{factor.pk}/change/"):
        page = client.get(address).content.decode()
        assert auditor.get_username() in page
        assert factor.secret not in page
        assert factor.recovery_digests[0] not in page
    for guess in (
        f"secret__startswith={factor.secret[:4]}",
        f"recovery_digests__0={factor.recovery_digests[0]}",
    ):
        assert client.get(f"/admin/evidence/secondfactor/?{guess}").status_code == 400
    client.force_login(auditor)
    assert client.get("/admin/evidence/secondfactor/").status_code == 403
