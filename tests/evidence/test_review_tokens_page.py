"""The page where a reviewer makes tokens for themselves; and that pages, files and binders say what came by one."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from config.sign_in.session_store import SessionStore
from evidence import clock
from evidence.access import principal_of_token, principal_of_user
from evidence.models import AccessToken, AuditEvent, Review, ReviewTask
from evidence.pages.frame import Page
from evidence.pages.told_once import lead_to_told
from evidence.services import reviews
from tests.e2e.cases import make_task
from tests.evidence.test_csv_export import rows_of
from tests.evidence.test_review_tokens import bearer, make_own
from tests.evidence.token_expiry import set_expiry
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db

PAGE = "/admin/review-tokens/"


def signed_in(world: World, role: str = "reviewer") -> Client:
    client = Client(headers={"accept": "text/html"})
    client.force_login(world.people[role])
    return client


def told(world: World, **over: Any) -> dict[str, Any]:
    return {"act": "make", "name": "notebook", "systems": [world.system.pk], "days": 7, **over}


def make_by_page(client: Client, world: World, **over: Any) -> str:
    answer: Any = client.post(PAGE, told(world, **over), follow=True)
    assert answer.status_code == 200, answer.content.decode()
    found = re.search(r'id="token-text">(tb_[^<]+)<', answer.content.decode())
    assert found is not None
    return found[1]


def test_the_text_is_shown_once_works_at_once_and_no_more_once_it_is_revoked(world: World) -> None:
    client, task = signed_in(world), make_task(world)
    text = make_by_page(client, world)
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {text}")
    (waiting,) = api.get("/api/v1/review-tasks?standing=waiting").json()["results"]
    assert waiting["trace_id"] == task.trace.trace_id.hex
    page = client.get(PAGE).content.decode()
    assert text not in page
    token = AccessToken.objects.get()
    assert token.prefix in page
    client.post(PAGE, {"act": "revoke", "token": token.prefix})
    assert api.get("/api/v1/review-tasks").status_code == 401
    assert f'value="{token.prefix}"' not in client.get(PAGE).content.decode()  # nothing is left to revoke
    assert AuditEvent.objects.filter(verb="token.revoked").count() == 1


def test_of_two_forms_sent_before_either_answer_is_looked_at_both_texts_are_told_once_each(
    world: World,
) -> None:
    client, text = signed_in(world), re.compile(r'id="token-text">(tb_[^<]+)<')
    addresses = []
    for name in ("notebook", "queue"):
        sent = client.post(PAGE, told(world, name=name))
        assert sent.status_code == 302
        addresses.append(sent["Location"])
    texts = []
    for address, name in zip(addresses, ("notebook", "queue"), strict=True):
        page = client.get(address).content.decode()
        assert name in page
        texts += text.findall(page)
    assert len(set(texts)) == 2
    for each in texts:
        api = APIClient(HTTP_AUTHORIZATION=f"Bearer {each}")
        assert api.get("/api/v1/review-tasks").status_code == 200
    for address in addresses:
        assert not text.findall(client.get(address).content.decode())
    assert "told_once" not in str(dict(client.session))


def test_a_text_is_told_also_where_another_form_was_sent_while_its_answer_was_made(world: World) -> None:
    """Both began with the session as it was before either; the last that is written does not undo the first."""
    client, text = signed_in(world), re.compile(r'id="token-text">(tb_[^<]+)<')
    begun = SessionStore(client.session.session_key)
    begun.load()
    assert "tracebinder_told_once" not in begun
    assert client.post(PAGE, told(world, name="notebook")).status_code == 302
    request = RequestFactory().post(PAGE)
    request.session, request.user = begun, world.people["reviewer"]
    lead_to_told(request, Page("pages/recovery_codes.html", "Second factor", {"codes": ["one"]}))
    if begun.modified:  # as the middleware does when the answer is made
        begun.save()
    assert text.findall(client.get(PAGE).content.decode())
    assert "one" in client.get(PAGE).content.decode()


def lead(begun: SessionStore, world: World, code: str, path: str = PAGE) -> None:
    """Have a page with this code wait in a session, as a request does that began with it as it was then."""
    request = RequestFactory().post(path)
    request.session, request.user = begun, world.people["reviewer"]
    lead_to_told(request, Page("pages/recovery_codes.html", "Second factor", {"codes": [code]}))


def begin(client: Client) -> SessionStore:
    """Return the session of a browser as a request holds it that has changed something else of it."""
    begun = SessionStore(client.session.session_key)
    begun["tracebinder_used"] = time.time()
    return begun


def test_what_two_requests_left_is_told_also_where_each_writes_something_else_of_the_session(
    world: World,
) -> None:
    client = signed_in(world)
    one, other = begin(client), begin(client)
    lead(one, world, "code-one")
    lead(other, world, "code-other")
    other["theirs"] = 1
    other.save()  # as the middleware does when the answer is made
    one.save()
    assert "code-one" in client.get(PAGE).content.decode()
    assert "code-other" in client.get(PAGE).content.decode()


def test_what_was_told_is_told_no_more_also_where_an_older_request_writes_the_session(world: World) -> None:
    client = signed_in(world)
    lead(SessionStore(client.session.session_key), world, "code-one")
    older = begin(client)
    assert "code-one" in client.get(PAGE).content.decode()
    older.save()
    assert client.session["tracebinder_used"] == older["tracebinder_used"]
    assert "code-one" not in client.get(PAGE).content.decode()


def test_a_page_that_takes_nothing_of_what_waits_writes_nothing(world: World) -> None:
    client = signed_in(world)
    lead(SessionStore(client.session.session_key), world, "code-one", "/admin/elsewhere/")
    with CaptureQueriesContext(connection) as asked:
        client.get(PAGE)
    assert not [each["sql"] for each in asked if each["sql"].startswith('UPDATE "django_session"')]


def test_a_form_that_is_sent_twice_makes_one_token(world: World) -> None:
    client = signed_in(world)
    make_by_page(client, world)
    again = client.post(PAGE, told(world))
    assert again.status_code == 409
    assert "has a token of this name already" in again.content.decode()
    assert AccessToken.objects.count() == 1


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"days": 31}, "less than or equal to 30"),
        ({"days": 0}, "greater than or equal to 1"),
        ({"systems": []}, "This field is required"),
        ({"name": ""}, "This field is required"),
        ({"act": "issue"}, "is nothing that this page does"),
    ],
)
def test_what_makes_no_token_is_said_and_makes_none(world: World, over: dict[str, Any], said: str) -> None:
    answer = signed_in(world).post(PAGE, told(world, **over))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not AccessToken.objects.exists()


def test_no_system_is_offered_or_taken_that_the_reviewer_does_not_see(world: World) -> None:
    other, client = make_world("aml-copilot"), signed_in(world)
    assert "aml-copilot" not in client.get(PAGE).content.decode()
    assert client.post(PAGE, told(world, systems=[other.system.pk])).status_code == 422
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("role", ["author", "approver", "researcher", "auditor", "operator"])
def test_it_is_a_page_of_reviewers(world: World, role: str) -> None:
    client = signed_in(world, role)
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, told(world)).status_code == 403
    assert PAGE not in client.get("/admin/").content.decode()
    assert PAGE in signed_in(world).get("/admin/").content.decode()


def test_nobody_revokes_a_colleagues_there_nor_one_that_was_issued_for_them(world: World) -> None:
    colleague = world.join("second", "reviewer")
    theirs = make_own(colleague, world.system).token
    client = signed_in(world)
    answer = client.post(PAGE, {"act": "revoke", "token": theirs.prefix}, follow=True)
    assert "You made no such token" in answer.content.decode()
    assert not AccessToken.objects.exclude(revoked_at=None).exists()


def test_who_is_no_reviewer_any_more_makes_none_and_revokes_those_they_made(world: World) -> None:
    person = world.people["reviewer"]
    token = make_own(person, world.system).token
    person.groups.clear()
    client = signed_in(world)
    page = client.get(PAGE).content.decode()
    assert (token.prefix in page, "Make it" in page) == (True, False)
    client.post(PAGE, {"act": "revoke", "token": token.prefix})
    assert AccessToken.objects.exclude(revoked_at=None).exists()


def test_a_session_left_open_is_asked_for_a_proof_first(world: World) -> None:
    client = signed_in(world)
    session = client.session
    session["tracebinder_proved"] -= 3600
    session.save()
    answer = client.post(PAGE, told(world))
    assert (answer.status_code, answer.headers["Location"].startswith("/admin/proof/")) == (302, True)
    assert not AccessToken.objects.exists()


def test_an_operator_sees_who_made_it_and_revokes_it(world: World) -> None:
    issued = make_own(world.people["reviewer"], world.system)
    client = signed_in(world, "operator")
    record = client.get(reverse("admin:evidence_accesstoken_change", args=[issued.token.pk])).content.decode()
    assert "Made by its owner" in record
    client.post(
        reverse("admin:evidence_accesstoken_changelist"),
        {"action": "revoke", "_selected_action": [issued.token.pk]},
    )
    assert bearer(issued).get("/api/v1/reviews").status_code == 401


@pytest.fixture
def judged(world: World) -> tuple[ReviewTask, str]:
    """A task with one review by token and one by somebody who signed in, who see it differently."""
    task = make_task(world)
    issued = make_own(world.people["reviewer"], world.system)
    reviews.record_review(
        principal=principal_of_token(issued.token), trace=task.trace, decision="reject", reason_code="unclear"
    )
    second = world.join("second", "reviewer")
    reviews.record_review(principal=principal_of_user(second), trace=task.trace, decision="approve")
    return task, issued.token.prefix


def test_wherever_a_review_stands_the_token_by_which_it_came_does(
    world: World, judged: tuple[ReviewTask, str]
) -> None:
    task, prefix = judged
    auditor, third = signed_in(world, "auditor"), Client()
    third.force_login(world.join("third", "reviewer"))
    review = Review.objects.get(token_prefix=prefix)
    listed = reverse("admin:evidence_review_changelist")
    pages = {
        reverse("admin:evidence_trace_review", args=[task.trace_id]): auditor,
        reverse("admin:judge_answer", args=[task.trace_id]): third,
        listed: auditor,
        reverse("admin:evidence_review_change", args=[review.pk]): auditor,
    }
    for address, client in pages.items():
        page = client.get(address, follow=True).content.decode()
        assert page.count(prefix) == 1, address


def test_a_file_of_reviews_has_the_token_of_each(world: World, judged: tuple[ReviewTask, str]) -> None:
    _, prefix = judged
    address = reverse("admin:evidence_review_changelist")
    head, *rows = rows_of(signed_in(world, "auditor").get(address, {"export": "csv"}))
    assert sorted(row[head.index("Token")] for row in rows) == sorted(["", prefix])


def test_the_page_lists_the_last_ones_and_says_how_many_there_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidence.pages.review_tokens.MOST_SHOWN", 2)
    made = [make_own(world.people["reviewer"], world.system, name=name).token for name in ("a1", "b2", "c3")]
    page = signed_in(world).get(PAGE).content.decode()
    assert [token.prefix in page for token in made] == [False, True, True]
    assert "The last 2 of 3." in page


def test_a_token_that_expired_is_listed_as_that(world: World) -> None:
    token = make_own(world.people["reviewer"], world.system).token
    set_expiry(token, clock.now() - timedelta(days=1))
    page = signed_in(world).get(PAGE).content.decode()
    assert f'value="{token.prefix}"' not in page
    assert "expired" in page
