"""What is compressed, and for whom: nobody learns a secret from how long an answer is."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from evidence.models import Scope
from tests.e2e.cases import make_task
from tests.factories import World

pytestmark = pytest.mark.django_db

GZIP = {"accept-encoding": "gzip, deflate, br"}


def is_packed(response: Any) -> bool:
    """Whether an answer is gzip, that can be read, and says that it varies."""
    if response.get("Content-Encoding") != "gzip":
        return False
    assert "Accept-Encoding" in response["Vary"]
    assert gzip.decompress(response.content)
    return True


@pytest.fixture
def browser(world: World, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A browser of somebody who is signed in; answers are read here as they are sent."""
    monkeypatch.setattr("tests.conftest.check_answer", lambda *_: None)
    client = Client(headers=GZIP)
    client.force_login(world.people["auditor"])
    return client


@pytest.mark.parametrize(
    ("site", "packed"),
    [("same-origin", True), ("none", True), ("cross-site", False), ("same-site", False), (None, False)],
)  # fmt: skip
def test_a_persons_page_is_compressed_for_no_stranger(
    browser: Client, site: str | None, packed: bool
) -> None:
    headers = {"sec-fetch-site": site} if site else {}
    assert is_packed(browser.get("/admin/", headers=headers)) == packed


def test_a_page_that_shows_a_secret_is_not(browser: Client) -> None:
    page = browser.get("/admin/second-factor/", headers={"sec-fetch-site": "same-origin"})
    assert b"</html>" in page.content


def test_what_is_sent_to_be_stored_is_answered_as_it_is(browser: Client) -> None:
    page = browser.post("/admin/password_change/", {}, headers={"sec-fetch-site": "same-origin"})
    assert (page.status_code, is_packed(page)) == (200, False)


def test_one_page_is_never_twice_as_long(browser: Client) -> None:
    """By how much it is padded nobody can tell."""
    pages = [browser.get("/admin/", headers={"sec-fetch-site": "same-origin"}) for _ in range(8)]
    assert len({len(page.content) for page in pages}) > 1
    assert max(len(page.content) for page in pages) < 0.5 * len(gzip.decompress(pages[0].content))


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=1.2.3", False),
        ("br", False),
        ("", False),
    ],
)
def test_who_takes_gzip(browser: Client, accepted: str, packed: bool) -> None:
    headers = {"accept-encoding": accepted, "sec-fetch-site": "none"}
    assert is_packed(browser.get("/admin/", headers=headers)) == packed


def test_what_comes_with_no_session_is_compressed_whoever_asks(world: World, browser: Client) -> None:
    assert is_packed(Client(headers=GZIP).get("/api/schema", headers={"sec-fetch-site": "cross-site"}))
    bearer = {"authorization": f"Bearer {world.token(Scope.READ)}", **GZIP}
    for _ in range(3):
        make_task(world)
    assert is_packed(Client(headers=bearer).get("/api/v1/traces"))
    assert not is_packed(browser.get("/api/v1/traces"))


def test_a_static_file_is_the_same_compressed_and_not(browser: Client) -> None:
    path = "/static/tracebinder/components.css"
    for _ in range(2):  # the second is kept
        packed = browser.get(path)
        assert is_packed(packed)
        assert (
            gzip.decompress(packed.content)
            == Path(str(finders.find("tracebinder/components.css"))).read_bytes()
        )
        assert int(packed["Content-Length"]) == len(packed.content)
    part = browser.get(path, headers={"range": "bytes=0-99"})
    assert (part.status_code, part.get("Content-Encoding"), len(part.getvalue())) == (206, None, 100)
    unchanged = browser.get(path, headers={"if-none-match": packed["ETag"]})
    assert unchanged.status_code == 304


def test_a_browser_finds_the_sign_of_the_product_by_itself() -> None:
    answer = Client().get("/favicon.ico")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/x-icon")
    assert answer.getvalue()[:4] == b"\0\0\1\0"
