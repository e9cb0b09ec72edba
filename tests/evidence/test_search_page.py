"""The search over everything: what each noun is found by, for whom, and that it tells nothing that no list does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from rest_framework.test import APIClient

from evidence.errors import SearchTooWide
from evidence.models import AccessToken, EvalRun, Membership, Release, Scope
from evidence.pages.search.asked import Asked, read_asked
from evidence.pages.search.groups import Group
from evidence.selectors.search_limit import limited
from evidence.services import registry, reviews
from requirements.models import RequirementVersion
from tests.e2e.cases import make_task
from tests.evidence import binder_world
from tests.evidence.eval_files import eval_file, post
from tests.factories import ACTOR, World, make_person, make_world
from tests.requirements.builders import make_criterion

pytestmark = pytest.mark.django_db


def ask(person: User, text: str) -> Any:
    client = Client(headers={"accept": "text/html"})
    client.force_login(person)
    return client.get("/admin/search/", {"q": text})


def found(person: User, text: str) -> dict[str, list[str]]:
    """Return the addresses that a search leads to, by the title of their noun."""
    answer = ask(person, text)
    assert answer.status_code == 200, answer
    return {
        str(group.title): [hit.url for hit in group.hits] for group in answer.context["groups"] if group.hits
    }


def test_each_noun_is_found_by_its_id_its_words_and_who_acted(world: World) -> None:
    task = make_task(world)
    trace, auditor = task.trace, world.people["auditor"]
    answer, to_review = (
        f"/admin/evidence/trace/{trace.pk}/change/",
        f"/admin/evidence/reviewtask/{task.pk}/change/",
    )
    both = {"Answers": [answer], "Review tasks": [to_review]}
    assert found(auditor, trace.trace_id.hex) == found(auditor, str(trace.trace_id)) == both
    assert found(auditor, trace.trace_id.hex[:8].upper()) == both
    registry.ensure_version(
        system=world.system,
        kind="prompt",
        key="house",
        label=f"Mends #{task.pk}",
        digest="5" * 64,
        actor=ACTOR,
    )
    assert found(auditor, f"#{task.pk}") == {"Review tasks": [to_review]}
    assert list(found(auditor, f"mends #{task.pk}")) == ["Versions"]
    assert found(auditor, trace.question)["Answers"] == [answer]
    version = make_criterion(world).version
    assert isinstance(version, RequirementVersion)
    assert any(
        url.endswith(f"/{version.pk}/change/")
        for url in found(auditor, version.requirement.key)["Requirements"]
    )
    assert found(auditor, version.statement["en"].split(".")[0])["Requirements"]
    release = Release.objects.get(pk=world.release.pk)
    leads = f"/admin/evidence/release/{release.pk}/change/"
    for digest in (release.digest[:8], f"sha256:{release.digest[:12]}"):
        assert found(auditor, digest) == {"Releases": [leads]}
    post(world, eval_file(run_key="nightly-7"))
    run = EvalRun.objects.get(run_key="nightly-7")
    assert found(auditor, "nightly-7")["Eval runs"] == [f"/admin/evidence/evalrun/{run.pk}/change/"]
    operator, reviewer = world.people["operator"], world.people["reviewer"]
    assert found(operator, reviewer.username)["People"] == [f"/admin/auth/user/{reviewer.pk}/change/"]
    given = reviews.record_review(principal=world.principal("reviewer"), trace=trace, decision="approve")
    assert found(auditor, reviewer.username)["Reviews"] == [f"/admin/evidence/review/{given.pk}/change/"]


def test_what_a_token_did_is_found_by_its_owners_name(world: World) -> None:
    """Pages say "token of ana": nobody knows the token by its prefix."""
    token = world.headers(Scope.IMPORT)
    draft = (
        "key: r\nstatement: The answer must cite a source.\nrisk_tier: low\nlayer: product\nowner: ana\n"
        "review_every_days: 90\ncriteria: []\n"
    )
    body = {"system": world.system.key, "text": draft}
    saved = APIClient().post("/api/v1/requirements/drafts", body, format="json", **token)
    assert saved.status_code == 201, saved.content
    version = RequirementVersion.objects.get()
    assert version.proposed_by.startswith("token:")
    owner = AccessToken.objects.get(prefix=version.proposed_by.removeprefix("token:")).owner
    shown = [f"/admin/requirements/requirementversion/{version.pk}/change/"]
    assert found(world.people["auditor"], owner.username)["Requirements"] == shown
    assert "Requirements" not in found(world.people["auditor"], "nobody-of-this-name")


def test_a_binder_is_found_by_the_digest_of_the_file_that_somebody_holds(world: World) -> None:
    binder = binder_world.export(binder_world.fill_lightly(world))
    page, auditor = f"/admin/evidence/binder/{binder.pk}/change/", world.people["auditor"]
    assert ask(auditor, binder.archive_id)["location"] == page
    for typed in (binder.archive_id[:12], f"sha256:{binder.archive_id[:8]}"):
        assert found(auditor, typed).get("Binders") == [page], typed


def test_what_is_another_systems_is_found_like_what_there_is_not(world: World) -> None:
    other = make_world("aml-copilot")
    task = make_task(other)
    for text in (
        task.trace.trace_id.hex,
        f"#{task.pk}",
        task.trace.question,
        other.system.key,
    ):
        assert ask(other.people["auditor"], text).status_code in {200, 302}
        page = ask(world.people["auditor"], text)
        assert page.context["groups"] == []
        assert "Nothing you may see was found." in page.content.decode()


def test_it_leads_to_a_thing_that_a_whole_id_names_alone(world: World) -> None:
    auditor, release = world.people["auditor"], world.release
    answer = ask(auditor, release.digest)
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/evidence/release/{release.pk}/change/")
    assert ask(auditor, release.digest[:32]).status_code in {200, 302}
    assert ask(auditor, release.digest[:20]).status_code == 200
    assert ask(auditor, make_task(world).trace.trace_id.hex).status_code == 200  # an answer, and a task


def test_more_than_are_shown_are_not_counted_and_are_in_the_list(world: World) -> None:
    for number in range(12):
        registry.ensure_version(
            system=world.system,
            kind="prompt",
            key=f"house-{number}",
            label="1",
            digest=f"{number:064x}",
            actor=ACTOR,
        )
    auditor = world.people["auditor"]
    page = ask(auditor, "house-")
    (group,) = page.context["groups"]
    assert (len(group.hits), group.is_more) == (10, True)
    assert "the first 10" in page.content.decode()
    client = Client()
    client.force_login(auditor)
    assert client.get(group.list_url).context["cl"].result_count == 12


def test_internals_are_not_found_by_whoever_may_not_see_them(world: World) -> None:
    registry.ensure_version(
        system=world.system, kind="probe", key="induction", label="1", digest="ab" * 32, actor=ACTOR
    )
    for text in ("induction", "abababab"):
        assert "Versions" in found(world.people["researcher"], text)
        for role in ("reviewer", "auditor", "approver", "author", "operator"):
            assert "Versions" not in found(world.people[role], text), role


def test_a_reviewer_finds_no_review_of_an_answer_that_waits_for_them(world: World) -> None:
    task = make_task(world)
    reviews.record_review(principal=world.principal("reviewer"), trace=task.trace, decision="approve")
    said_by = world.people["reviewer"].username
    colleague = make_person("colleague", "reviewer")
    Membership.objects.create(system=world.system, user=colleague)
    assert "Reviews" in found(world.people["auditor"], said_by)
    assert "Reviews" not in found(colleague, said_by)


def test_every_page_has_the_box_and_strangers_are_led_to_sign_in(world: World) -> None:
    client = Client()
    assert client.get("/admin/search/?q=x")["Location"].startswith("/admin/login/")
    assert 'class="tb-search"' not in client.get("/admin/login/").content.decode()
    client.force_login(world.people["reviewer"])
    for path in ("/admin/", "/admin/evidence/trace/", "/admin/review-desk/", "/admin/search/?q="):
        assert 'class="tb-search"' in client.get(path).content.decode(), path
    assert client.get("/admin/search/?q=x&p=2").status_code == 422
    assert ask(world.people["reviewer"], "x" * 201).context["groups"] == []


def slow(request: HttpRequest, asked: Asked) -> Group | None:
    """Find nothing, for longer than the database is given."""
    del request, asked
    with limited(0.05), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    raise AssertionError("it was let go on")


def test_a_noun_that_takes_too_long_is_left_out_and_said(world: World, settings: Any) -> None:
    settings.SEARCHED = [f"{__name__}.slow", *settings.SEARCHED]
    page = ask(world.people["auditor"], world.release.digest)
    assert page.status_code == 200, "what was not looked at may be named so, too"
    assert re.search("Not all was looked at", page.content.decode())
    assert [str(group.title) for group in page.context["groups"]] == ["Releases"]


def test_a_limit_within_a_limit_is_the_shorter_one_and_ends_with_it(world: World) -> None:
    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0])

    before = limit()
    with limited(2.0):
        with limited(1.0):
            assert limit() == "1s"
        with limited(5.0):
            assert limit() == "2s"
        assert limit() == "2s"
        with pytest.raises(SearchTooWide), limited(0.05), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
        assert limit() == "2s"
    assert limit() == before


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (" Fee ", Asked("Fee")), ("12", Asked("12", "", 12)), ("#12", Asked("#12", "", 12)),
        ("abcdef0", Asked("abcdef0")), ("ABCDEF01", Asked("ABCDEF01", "abcdef01")),
        ("12345678", Asked("12345678", "12345678", 12345678)),
        ("sha256:aabbccdd", Asked("sha256:aabbccdd", "aabbccdd")),
        ("a" * 65, Asked("a" * 65)), ("9" * 19, Asked("9" * 19, "9" * 19)),
    ],
)  # fmt: skip
def test_what_is_typed_is_read(typed: str, read: Asked) -> None:
    assert read_asked(typed) == read
