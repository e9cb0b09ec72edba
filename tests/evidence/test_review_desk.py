"""The review desk without a browser: who may open it, what its buttons do, and what it refuses."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence import clock
from evidence.models import (
    Citation,
    Claim,
    Membership,
    QueuedTask,
    Review,
    ReviewDraft,
    ReviewTask,
    SavedFilter,
    Trace,
)
from evidence.selectors import counting, queue_places
from evidence.services.review_drafts import record_decided
from evidence.services.reviews import open_review_task, record_review
from tests.e2e.cases import make_task, make_trace
from tests.evidence.test_blinding import colleague, later_revision
from tests.factories import ACTOR, World, make_world

DESK = "/admin/review-desk/"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def at(task: ReviewTask, **query: int) -> str:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return reverse("admin:judge_answer", args=[task.trace_id]) + (f"?{asked}" if asked else "")


def press(client: Client, task: ReviewTask, act: str, **said: str) -> Any:
    return client.post(at(task), {"act": act, **said})


@pytest.mark.parametrize("role", ["auditor", "approver", "researcher", "author", "operator"])
def test_the_desk_is_a_reviewers(world: World, role: str) -> None:
    task, client = make_task(world), signed_in(world.people[role])
    assert client.get(DESK).status_code == 403
    assert client.get(at(task)).status_code == 403
    assert client.post(DESK).status_code == 403
    assert press(client, task, "decide", decision="approve").status_code == 403
    assert not ReviewDraft.objects.exists()


def test_an_answer_of_another_system_is_not_found(world: World) -> None:
    task = make_task(make_world("aml-copilot"))
    client = signed_in(world.people["reviewer"])
    assert client.get(at(task)).status_code == 404
    assert press(client, task, "decide", decision="approve").status_code == 404


def test_the_desk_leads_to_the_first_and_then_to_what_one_holds(world: World) -> None:
    low, high = make_task(world, risk="low"), make_task(world)
    client = signed_in(world.people["reviewer"])
    assert "2 answers wait for you" in client.get(DESK).content.decode()
    assert client.post(DESK).url == at(high)  # type: ignore[attr-defined]
    assert client.get(DESK).url == at(high)  # type: ignore[attr-defined]
    assert press(client, high, "put_back").url == at(low)
    assert QueuedTask.objects.get(held_by=world.people["reviewer"]).task == low


@pytest.mark.parametrize(
    ("hours", "said", "in_chinese"),
    [(50, "due in 2 days", "2 天后到期"), (-3, "3 hours late", "已逾期 3 小时")],
)
def test_desk_and_queue_say_how_soon_an_answer_is_due_and_the_moment_itself(
    world: World, hours: int, said: str, in_chinese: str
) -> None:
    moment = clock.now() + timedelta(hours=hours, minutes=1 if hours > 0 else -1)
    asked = moment - settings.REVIEW_DUE
    task = open_review_task(trace=make_trace(world), reason="high_risk", actor=ACTOR, asked_at=asked)
    client = signed_in(world.people["reviewer"])
    for language, words in (("en", said), ("zh-hans", in_chinese)):
        for page in (at(task), "/admin/evidence/reviewtask/"):
            shown = client.get(page, headers={"accept-language": language}).content.decode()
            assert re.search(rf'<time [^>]*datetime="{moment:%Y-%m-%dT%H:%M}:..Z"[^>]*>{words}</time>', shown)


def test_the_queue_is_narrowed_by_a_reason_in_the_readers_words(world: World) -> None:
    make_task(world)
    queue, client = "/admin/evidence/reviewtask/?standing=open", signed_in(world.people["reviewer"])
    for language, words in (("en", "high risk"), ("zh-hans", "高风险")):
        page = client.get(queue, headers={"accept-language": language}).content.decode()
        assert re.search(rf'<a href="[^"]*reason=high_risk[^"]*"[^>]*>\s*{words}\s*</a>', page)


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_desk_says_where_an_answer_stands_and_leads_to_the_one_before_it(world: World) -> None:
    tasks, client = [make_task(world) for _ in range(3)], signed_in(world.people["reviewer"])
    second = client.get(at(tasks[1])).content.decode()
    assert "2 of 3 · 2 left" in words_of(second)
    assert re.search(rf'<a data-key="k"[^>]* href="{re.escape(at(tasks[0]))}"', second)
    assert "1 of 3 · 2 left" in words_of(client.get(at(tasks[0])).content.decode())
    press(client, tasks[0], "decide", decision="approve")
    assert "1 of 2 · 1 left" in words_of(client.get(at(tasks[1])).content.decode())
    decided = words_of(client.get(at(tasks[0])).content.decode())
    assert "2 left" in decided
    assert " of 2" not in decided, "what one has decided stands nowhere in the queue"


def test_where_an_answer_stands_is_told_by_the_filter_that_answers_are_taken_by(world: World) -> None:
    make_task(world)
    low, client = make_task(world, risk="low"), signed_in(world.people["reviewer"])
    assert "2 of 2" in words_of(client.get(at(low)).content.decode())
    client.post("/admin/review-filters/?risk_tier__exact=low", {"act": "save", "name": "low"})
    kept = SavedFilter.objects.get()
    assert client.post(f"{DESK}?filter={kept.pk}")["Location"] == at(low)
    assert "1 of 1 · 0 left" in words_of(client.get(at(low)).content.decode())


def test_what_waits_is_read_no_further_than_it_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, client = [make_task(world) for _ in range(4)], signed_in(world.people["reviewer"])
    monkeypatch.setattr(counting, "MOST_COUNTED", 2)
    monkeypatch.setattr(queue_places, "MOST_COUNTED", 2)
    with CaptureQueriesContext(connection) as asked:
        last = words_of(client.get(at(tasks[3])).content.decode())
    read = [each["sql"] for each in asked if '"reason_rank" ASC' in each["sql"]]
    assert read
    assert all(" LIMIT 3" in sql for sql in read)
    assert len(asked) <= 25
    assert "2+ left" in last
    assert "of 2+" not in last, "behind those that are counted"
    assert "1 of 2+ · 2+ left" in words_of(client.get(at(tasks[0])).content.decode())


@pytest.mark.parametrize(
    ("language", "words"), [("en", "you may judge it no more"), ("zh-hans", "您已不能再判断它")]
)
def test_who_may_judge_no_more_is_told_and_given_back_what_they_wrote(
    world: World, language: str, words: str
) -> None:
    task, person = make_task(world), world.people["reviewer"]
    client = signed_in(person)
    press(client, task, "save", rationale="The fee is 1 %.")
    Membership.objects.filter(user=person).delete()
    headers = {"accept": "text/html", "accept-language": language}
    for act in ("decide", "save", "put_back"):
        for address in (at(task), reverse("admin:judge_answer", args=[987_654])):
            said = {
                "act": act,
                "decision": "reject",
                "rationale": "The fee is 2 %.",
                "corrected_answer": "As it was.",
            }
            answer = client.post(address, said, headers=headers)
            page = answer.content.decode()
            assert answer.status_code == 404
            assert words in page
            assert "The fee is 2 %." in page
            assert "As it was." not in page, "the field is filled with the answer where nothing is overridden"
            assert task.trace.question not in page
            assert '<a href="/admin/review-desk/">' in page
    opened = client.get(at(task), headers=headers)
    assert opened.status_code == 404
    assert words in opened.content.decode()
    assert ReviewDraft.objects.get().said["rationale"] == "The fee is 1 %.", "the draft is kept"
    asked = {"act": "keep", "rationale": "The fee is 3 %."}
    kept = client.post(at(task), asked, headers={"accept": "application/problem+json, text/html;q=0.9"})
    assert (kept.status_code, kept.json()["code"]) == (404, "not_found")


def test_each_claim_has_its_own_address_with_its_source(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    first = client.get(at(task, claim=1)).content.decode()
    assert '<mark id="tb-lit">The annual percentage rate is 7.9% for amounts' in first
    third = client.get(at(task)).content.decode()  # the first whose quote is not there
    assert "no early repayment fee applies" in third
    assert '<mark id="tb-lit">' not in third
    assert "This claim cites nothing." in client.get(at(task, claim=4)).content.decode()


def test_what_no_review_could_say_is_refused_and_what_was_written_stays(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    answer = client.post(
        at(task),
        {"act": "decide", "decision": "reject", "rationale": "Hm.", "claim-0": "stands"},
        follow=True,
    )
    page = answer.content.decode()
    assert "label the reason" in page
    assert "Hm." in page
    assert ReviewDraft.objects.get().said == {
        "decision": "reject", "rationale": "Hm.", "claims": {"0": "stands"},
    }  # fmt: skip
    assert press(client, task, "launch").status_code == 404


@pytest.mark.parametrize(
    ("page", "field"), [("/admin/review-filters/?standing=overdue", "name"), ("", "rationale")]
)
def test_a_character_that_no_text_can_hold_is_refused_by_its_field(
    world: World, page: str, field: str
) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    said = {"act": "keep", field: "a\x00b"}
    answer = client.post(page or at(task), said, headers={"accept": "text/html"})
    assert answer.status_code == 422
    assert f"{field} holds the character U+0000" in answer.content.decode()
    assert not ReviewDraft.objects.exists()


def test_the_script_keeps_what_is_written_without_a_word(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    assert press(client, task, "keep", rationale="The f").status_code == 200
    assert ReviewDraft.objects.get().said["rationale"] == "The f"
    press(client, task, "decide", decision="approve")
    late = press(client, task, "keep", rationale="too late")
    assert late.status_code == 409
    assert "take that back" in late.content.decode(), "whoever writes is told why nothing is saved"
    assert late["Content-Type"].startswith("text/plain")
    assert "take that back" not in client.get(at(task)).content.decode()
    assert ReviewDraft.objects.get().said["decision"] == "approve"


def test_what_a_colleague_holds_says_so_and_takes_no_decision(world: World) -> None:
    task = make_task(world)
    signed_in(world.people["reviewer"]).post(DESK)
    second = signed_in(colleague(world, "second", "reviewer"))
    opened = second.get(at(task)).content.decode()
    until = QueuedTask.objects.get().held_until
    assert until is not None
    assert f"Held by {world.people['reviewer'].username} until {until:%H:%M} UTC at most" in words_of(opened)
    disabled = opened.split("<fieldset", 1)[1].split("</fieldset>")[0]
    assert "disabled" in disabled.split(">")[0]
    assert disabled.count('type="radio"') == 4
    assert 'value="decide"' not in opened
    in_chinese = second.get(at(task), headers={"accept-language": "zh-hans"}).content.decode()
    assert f"{world.people['reviewer'].username} 正在审阅这条回答" in words_of(in_chinese)
    page = second.post(at(task), {"act": "decide", "decision": "approve"}, follow=True)
    assert "A colleague is at this answer" in page.content.decode()
    assert not Review.objects.exists()
    assert ReviewDraft.objects.get().takes_effect_at is None


def test_whoever_cannot_judge_it_anyhow_is_told_why_and_not_who_is_at_it(world: World) -> None:
    task, reviewer = make_task(world), world.people["reviewer"]
    assert task.reviews_required == 2
    record_review(principal=world.principal("reviewer"), trace=task.trace, decision="approve")
    signed_in(colleague(world, "second", "reviewer")).post(DESK)
    opened = words_of(signed_in(reviewer).get(at(task)).content.decode())
    assert "You have reviewed this answer" in opened
    assert "Held by" not in opened


@pytest.mark.parametrize("reason", ["held", "decided"])
def test_who_cannot_judge_now_is_led_to_the_source_of_each_claim_all_the_same(
    world: World, reason: str
) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    client.post(DESK)
    if reason == "held":
        client = signed_in(colleague(world, "second", "reviewer"))
    else:
        press(client, task, "decide", decision="approve")
    page = client.get(at(task)).content.decode()
    assert 'value="decide"' not in page
    for number in range(1, 5):
        assert f'href="#claim-{number}"' in page
        assert f'id="claim-{number}"' in page, "the number in the answer leads somewhere"
        assert f'href="{at(task, claim=number)}"' in page


def test_the_versions_that_answered_are_a_line_beside_the_answer(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    page = client.get(at(task)).content.decode()
    told = page[page.index("<summary>Versions: ") : page.index('id="tb-desk-source"')]
    used = list(task.trace.versions.select_related("version__artefact"))
    assert used
    assert told.startswith(f"<summary>Versions: {len(used)}<")
    assert told.count("registered</span>") == len(used), "each with whether it is registered"
    for each in used:
        assert f"{each.version.artefact.key} {each.version.label}</a>" in told


def test_an_answer_too_long_to_be_compared_is_said_to_be(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    told = press(client, task, "keep", decision="override", corrected_answer="x" * 20_001).content.decode()
    assert "too long to be compared" in told
    assert "too long to be compared" in client.get(at(task)).content.decode()
    told = press(client, task, "keep", decision="override", corrected_answer="x").content.decode()
    assert "too long" not in told


def test_text_of_others_is_shown_and_never_run(world: World) -> None:
    hostile = "<script>alert(1)</script>"
    trace = Trace.objects.create(
        system=world.system, trace_id=uuid4(), revision=1, digest="0" * 64, status=Trace.Status.COMPLETE, name="n",
        root_span_id="a" * 16, environment="production", release=world.release, started_at=clock.now(),
        ended_at=clock.now(), span_count=1, question=f"q {hostile}", answer=f"a {hostile}", risk_tier="high",
        confidence_factors=[], limitations=[f"l {hostile}"], flags=[{"code": "odd", "detail": f"f {hostile}"}],
        assembler_version="t", sealed_at=clock.now(),
    )  # fmt: skip
    claim = Claim.objects.create(
        trace=trace, ordinal=0, text=f"c {hostile}", start=0, end=4, material=True, origin="derived",
        extractor_version="t",
    )  # fmt: skip
    Citation.objects.create(
        claim=claim, ordinal=0, document_ref=f"d {hostile}", quote=f"k {hostile}", verdict="unresolvable", score=0,
        threshold=0.85, checker_version="t", inputs_digest="0" * 64,
    )  # fmt: skip
    task = open_review_task(trace=trace, reason="high_risk", actor=ACTOR)
    client = signed_in(world.people["reviewer"])
    press(client, task, "save", rationale=f"r {hostile}")
    page = client.get(at(task)).content.decode()
    assert hostile not in page
    for told in "qackdrlf":
        assert f"{told} &lt;script&gt;alert(1)" in page, told


def test_what_could_not_be_recorded_is_told_on_every_page_of_the_desk(world: World) -> None:
    task, other = make_task(world), make_task(world)
    client = signed_in(world.people["reviewer"])
    press(client, task, "decide", decision="reject", reason_code="unclear", rationale="Hm.")
    later_revision(world, task)
    record_decided(clock.now() + timedelta(minutes=1))
    for page in (DESK, at(other), at(task)):
        told = client.get(page, follow=True).content.decode()
        assert "is not on record" in told
        assert "judge revision 2" in told
    assert "Hm." in client.get(at(task)).content.decode()
    press(client, task, "discard")
    assert "is not on record" not in client.get(DESK, follow=True).content.decode()


def test_a_colleague_at_an_answer_is_counted_apart(world: World) -> None:
    make_task(world)
    signed_in(world.people["reviewer"]).post(DESK)
    page = signed_in(colleague(world, "second", "reviewer")).get(DESK).content.decode()
    assert "0 answers wait for you" in page
    assert "A colleague is at 1 other." in page
    assert "Take the first" not in page


@pytest.mark.parametrize("act", ["decide", "save", "put_back", "take_back", "discard", "keep"])
@pytest.mark.parametrize("name", ["rationales", "claim-99", "claim-", "claim"])
def test_a_field_that_the_pane_does_not_have_is_refused_and_what_was_written_stays(
    world: World, act: str, name: str
) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    client.post(DESK)
    claim = f"claim-{task.trace.claims.earliest('ordinal').ordinal}"
    said = {"decision": "reject", claim: "supported", "rationale": "Names another fee."}
    answer = client.post(at(task), {"act": act, **said, name: "x"})
    assert answer.status_code == 422
    assert not ReviewDraft.objects.exists()
    assert not Review.objects.exists()
    assert QueuedTask.objects.get(held_by=world.people["reviewer"]).task == task
    if act != "keep":  # which the script sends, and whose page is not shown
        page = answer.content.decode()
        assert name in page.split("Invalid input", 1)[1]
        assert "Names another fee." in page
        assert re.search(r'name="decision" value="reject"[^>]* checked', page)
    assert client.post(at(task), {"act": "save", **said}).status_code == 302
    assert ReviewDraft.objects.get().said["rationale"] == "Names another fee."


def test_the_start_page_does_nothing_for_a_button_that_it_does_not_have(world: World) -> None:
    make_task(world)
    answer = signed_in(world.people["reviewer"]).post(DESK, {"act": "setle"})
    assert answer.status_code == 422
    assert "settle" in answer.content.decode()
    assert not QueuedTask.objects.exclude(held_by=None).exists()


def opened(client: Client, task: ReviewTask) -> dict[str, str]:
    """Open the answer anew, and return what its form says of itself."""
    page = client.get(at(task)).content.decode()
    return dict(re.findall(r'<input type="hidden" name="(page|read)" value="([^"]*)">', page))


def test_a_tab_that_saves_by_itself_replaces_nothing_that_another_wrote(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    first, second = opened(client, task), opened(client, task)
    assert set(first) == {"page", "read"}
    for words in ("one", "one and two"):  # the same page goes on, whatever it was filled with
        assert press(client, task, "keep", rationale=words, **second).status_code == 200
    refused = press(client, task, "keep", rationale="stale", **first)
    assert refused.status_code == 409
    assert "another tab or window" in refused.content.decode()
    press(client, task, "put_back", rationale="stale", **first)
    assert ReviewDraft.objects.get().said["rationale"] == "one and two"
    third = opened(client, task)
    assert press(client, task, "keep", rationale="and three", **third).status_code == 200
    assert press(client, task, "keep", rationale="two again", **second).status_code == 409
    press(client, task, "save", rationale="as I say", **second)
    assert ReviewDraft.objects.get().said["rationale"] == "as I say", "a button does what it says"
    assert press(client, task, "keep", rationale="four", **third).status_code == 409
    assert press(client, task, "keep", rationale="five", read="yesterday").status_code == 422
