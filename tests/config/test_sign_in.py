"""Guessing a password is slow from one address and from many, and makes nobody else wait for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from config.heartbeats import open_broker
from config.sign_in import throttle
from config.sign_in.devices import COOKIE
from config.sign_in.throttle import Attempt, address_of, count_attempt

pytestmark = pytest.mark.django_db

RIGHT, WRONG = "three quiet herons wading", "three loud herons wading"


@pytest.fixture
def pia() -> User:
    return User.objects.create_user("pia", password=RIGHT, is_staff=True)


def attempt(
    password: str, *, client: Client | None = None, name: str = "pia", address: str = "192.0.2.1"
) -> int:
    """Try to sign in and return the status: 302 in, 200 refused, 429 too many."""
    form = {"username": name, "password": password, "next": "/admin/"}
    return int((client or Client()).post("/admin/login/", form, REMOTE_ADDR=address).status_code)


def test_after_some_failures_even_the_right_password_has_to_wait(pia: User, settings: Any) -> None:
    told = [attempt(WRONG) for _ in range(settings.SIGN_IN_FAILURES)]
    assert told == [200] * settings.SIGN_IN_FAILURES
    assert attempt(RIGHT) == 429


def test_guesses_from_many_addresses_are_counted_for_the_person(pia: User, settings: Any) -> None:
    for n in range(settings.SIGN_IN_FAILURES):
        assert attempt(WRONG, address=f"198.51.100.{n}") == 200
    assert attempt(RIGHT, address="198.51.100.99") == 429


def test_guesses_at_many_names_are_counted_for_the_address(settings: Any) -> None:
    told = [attempt(WRONG, name=f"person-{n}") for n in range(settings.SIGN_IN_FAILURES * 4 + 1)]
    assert (told[-2], told[-1]) == (200, 429)
    assert attempt(WRONG, name="somebody", address="203.0.113.7") == 200


def test_a_name_that_is_longer_than_any_account_has_is_not_brought_into_a_normal_form(
    pia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of heaped marks takes the square of their number: 13 s for 200,000, for whoever asks."""
    read: list[str] = []

    def note(name: str) -> str:
        read.append(name)
        return name

    monkeypatch.setattr(User, "normalize_username", staticmethod(note))
    assert attempt(WRONG, name="e" + "\u0301\u0323" * 100) == 200
    assert [name for name in read if len(name) > 150] == []


def test_a_stranger_who_fails_in_her_name_does_not_lock_her_out(pia: User, settings: Any) -> None:
    at_her_desk = Client()
    assert attempt(RIGHT, client=at_her_desk) == 302
    at_her_desk.cookies.pop("sessionid")  # she signed out
    for n in range(50):
        attempt(WRONG, address=f"198.51.100.{n}")
    assert attempt(RIGHT, address="198.51.100.200") == 429
    assert attempt(RIGHT, client=at_her_desk) == 302


def test_an_account_whose_name_differs_by_case_is_not_forgiven_in_her_place(pia: User, settings: Any) -> None:
    """Nor does its cookie begin another count."""
    User.objects.create_user("Pia", password=RIGHT, is_staff=True)
    known = Client()
    assert attempt(RIGHT, client=known, name="Pia", address="203.0.113.5") == 302
    for n in range(settings.SIGN_IN_FAILURES - 1):
        assert attempt(WRONG, address=f"198.51.100.{n}") == 200
    assert attempt(RIGHT, name="Pia", address="203.0.113.6") == 302
    assert attempt(WRONG, address="198.51.100.98") == 200
    assert attempt(RIGHT, address="198.51.100.99") == 429
    browser = Client()
    browser.cookies[COOKIE] = known.cookies[COOKIE].value
    assert attempt(RIGHT, client=browser, address="198.51.100.97") == 429


def test_a_cookie_of_somebody_else_opens_no_way_to_guess_faster(pia: User, settings: Any) -> None:
    User.objects.create_user("mallory", password=RIGHT, is_staff=True)
    client = Client()
    assert attempt(RIGHT, client=client, name="mallory") == 302
    for forged in (client.cookies[COOKIE].value, client.cookies[COOKIE].value.replace(":", "x:", 1), "x"):
        other = Client()
        other.cookies[COOKIE] = forged
        while attempt(WRONG, client=other) == 200:
            pass
        assert attempt(RIGHT, client=other) == 429
    assert attempt(RIGHT) == 429, "they were counted as a stranger's"


def test_each_failure_waits_twice_as_long_and_none_for_ever(settings: Any) -> None:
    settings.SIGN_IN_FAILURES, settings.SIGN_IN_FIRST_WAIT, settings.SIGN_IN_LONGEST_WAIT = 1, 10, 35
    request, waits = RequestFactory().post("/", REMOTE_ADDR="192.0.2.1"), []
    for _ in range(4):
        assert isinstance(count_attempt(request, "pia"), Attempt)
        waits.append(count_attempt(request, "pia"))
        assert count_attempt(request, "pia") == pytest.approx(waits[-1], abs=1), (
            "a refused one prolongs nothing"
        )
        for key in (throttle._key_of_person(request, "pia"), throttle._key_of_address(request)):
            open_broker().hset(key, "until", 0)  # as if it had passed
    assert waits == pytest.approx([10, 20, 35, 35], abs=1)


def test_a_hundred_at_once_are_a_hundred(settings: Any) -> None:
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.1")
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda _: count_attempt(request, "pia"), range(100)))
    assert sum(isinstance(each, Attempt) for each in told) == settings.SIGN_IN_FAILURES


def test_a_success_is_forgiven_what_failed_before(pia: User, settings: Any) -> None:
    for _ in range(3):
        for _ in range(settings.SIGN_IN_FAILURES - 1):
            assert attempt(WRONG) == 200
        assert attempt(RIGHT) == 302


def test_a_wait_says_how_long_it_is(pia: User, settings: Any) -> None:
    for _ in range(settings.SIGN_IN_FAILURES):
        attempt(WRONG)
    answer = Client(headers={"accept": "application/json"}).post(
        "/admin/login/", {"username": "pia", "password": RIGHT}, REMOTE_ADDR="192.0.2.1"
    )
    assert answer.json()["code"] == "too_many_attempts"
    assert 0 < int(answer["Retry-After"]) <= settings.SIGN_IN_FIRST_WAIT


def test_without_the_broker_nobody_signs_in(pia: User, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert attempt(RIGHT) == 503


@pytest.mark.parametrize(
    ("hops", "said", "address"),
    [
        (0, "", "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),  # anybody says so where there is no proxy of ours
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1, 203.0.113.9", "203.0.113.9"),  # what the client itself said stands first
        (2, "10.0.0.1, 203.0.113.9, 198.51.100.2", "203.0.113.9"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "nonsense", ""),
    ],
)
def test_an_address_is_the_one_that_our_proxy_saw(hops: int, said: str, address: str, settings: Any) -> None:
    settings.TRUSTED_PROXIES = hops
    headers: Any = {"HTTP_X_FORWARDED_FOR": said} if said else {}
    assert address_of(RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", **headers)) == address
