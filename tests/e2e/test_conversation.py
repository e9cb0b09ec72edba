"""What a reviewer sees of a trace that was read with provenance: each turn, and why something is empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from evidence.models import Claim, Retrieval, ToolCall, Trace
from evidence.semconv.draft import Absent, Attachment, Candidate, Exchange, Rule, Source, Told
from evidence.semconv.exchange_json import exchange_as_json
from evidence.services import reviews
from tests.e2e.browser import click, see, speak
from tests.e2e.cases import ANSWER, make_trace
from tests.factories import ACTOR, World, make_world

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]
CHAT, AGENT, GUARD = "b" * 16, "a" * 16, "c" * 16
OTHERS = (
    Candidate("You may apply from 18 years on.", Source(CHAT, "gen_ai.output.messages", Rule.LAST_CALL)),
    Candidate("You may apply from 21 years on.", Source(AGENT, "output.value", Rule.AGENT_OUTPUT)),
)


def told(text: str, *others: Candidate) -> Told:
    return Told(text, Source(CHAT, "gen_ai.output.messages", Rule.REACHED_ROOT), None, others)


TURNS = (
    Exchange(
        0, told("What does a loan of 9,000 cost? My payslip is attached."), told("About 9 % a year, for amounts"), CHAT,
        "length", attachments=(Attachment(CHAT, "image/png", "sha256:" + "5e" * 32, "user"),)),
    Exchange(1, told("And from which age?"), Told("", None, Absent.AMBIGUOUS, OTHERS), AGENT),
    Exchange(2, told("Write me an e-mail to my boss."), Told("", None, Absent.FILTERED), GUARD, "content_filter"),
    Exchange(3, told("What is the rate, then?"), told(ANSWER, OTHERS[0]), "d" * 16, "stop"),
)  # fmt: skip


def make_conversation(world: World, *, revision: int = 1, like: Trace | None = None) -> Trace:
    """Store a trace with several turns, of which the last is the one that `cases` makes claims of."""
    trace = make_trace(world)
    values = {
        **{field.attname: getattr(trace, field.attname) for field in Trace._meta.concrete_fields},
        "exchanges": [exchange_as_json(turn) for turn in TURNS],
        "sources": {"model": {"span_id": CHAT, "attribute": "gen_ai.request.model", "rule": "stated"}},
        "errors": [{"span_id": "e" * 16, "step": "execute_tool rates", "message": "timed out after 30 s"}],
        "user_ids": ["ngozi@example.org"], "session_ids": ["s-77"], "conversation_ids": [],
        "finish_reasons": ["length", "stop"],
        "input_tokens": 1_204, "output_tokens": 311, "cost": "0.0042", "currency": "USD",
        "flags": [
            {"code": "cut_at_token_limit", "detail": "the answer was cut at the token limit", "span_id": CHAT},
            {"code": "ambiguous_answer", "detail": "2 texts could be the answer", "span_id": AGENT},
            {"code": "answer_changed", "detail": f"revision {revision - 1} had another answer", "span_id": ""},
        ][: 3 if revision > 1 else 2],
        "revision": revision, "question": TURNS[-1].question.text,
    }  # fmt: skip
    for unwanted in ("id", "xact_id", "payload_salt", "payload_commitment"):
        del values[unwanted]
    values["trace_id"] = like.trace_id if like else trace.trace_id
    values["digest"] = f"{revision:064x}"
    if not like:
        values["revision"] = 2  # above the one that `cases` made
    whole = Trace.objects.create(**values)
    for ordinal, claim in enumerate(Claim.objects.filter(trace=trace).order_by("ordinal")):
        Claim.objects.create(
            trace=whole, exchange=3, ordinal=ordinal, text=claim.text, start=claim.start, end=claim.end,
            material=claim.material, origin="derived", extractor_version=claim.extractor_version,
        )  # fmt: skip
    Retrieval.objects.create(
        trace=whole, span_id=CHAT, rank=0, score=0.7, document_ref="", text="Loans from 18 years on.",
        source={"attribute": "retrieval.documents", "rule": "stated"},
    )  # fmt: skip
    ToolCall.objects.create(
        trace=whole, span_id="e" * 16, tool="rates", arguments={"amount": 9000}, call_id="call_1",
        error="timed out after 30 s", source={"attribute": "gen_ai.tool.call.arguments", "rule": "stated"},
    )  # fmt: skip
    return whole


def test_a_reviewer_reads_each_turn_and_where_it_came_from(
    sign_in: SignIn, live_server: LiveServer, shoot: Callable[[str], None]
) -> None:
    world = make_world()
    trace = make_conversation(world)
    task = reviews.open_review_task(trace=trace, reason="high_risk", actor=ACTOR)
    browser = sign_in(world.people["reviewer"])
    address = f"{live_server.url}/admin/evidence/reviewtask/{task.pk}/change/"
    browser.get(address)
    page = see(browser, "Exchange 4 of 4")
    assert "Cut at the token limit" in page
    assert "image/png" in page
    assert "sha256:5e5e" in page
    assert "Empty: several texts could be it, and none may be preferred." in page
    assert "You may apply from 18 years on." in page  # both are there without asking
    assert "You may apply from 21 years on." in page
    assert "Empty: a content filter stopped it." in page
    assert "by the rule: a model call on the main path" not in page  # until somebody asks
    shoot("conversation")
    click(browser, "css selector", "[aria-labelledby=tb-turn-1] .tb-said--question summary")
    assert "by the rule: a model call on the main path" in see(browser, "gen_ai.output.messages")
    click(browser, "css selector", "[aria-labelledby=tb-turn-4] .tb-said--answer summary")
    shoot("conversation-open")
    click(browser, "css selector", "[aria-labelledby=tb-turn-1] .tb-said--question .tb-provenance a")
    see(browser, "Spans")
    speak(browser, "zh-hans")
    browser.get(address)
    assert "为空：内容过滤器拦截了它。" in see(browser, "第 4 轮")
    shoot("conversation-zh")


def test_a_record_shows_the_same_turns_and_is_found_by_how_its_id_begins(
    sign_in: SignIn, live_server: LiveServer, shoot: Callable[[str], None]
) -> None:
    world = make_world()
    trace = make_conversation(world)
    browser = sign_in(world.people["auditor"])
    for asked in (trace.trace_id.hex[:9], "ngozi@example.org", "s-77"):
        browser.get(f"{live_server.url}/admin/evidence/trace/?q={asked}")
        assert "What is the rate, then?" in see(browser, trace.trace_id.hex[:12])
    browser.get(f"{live_server.url}/admin/evidence/trace/?q=nobody")
    see(browser, "0 traces")
    browser.get(f"{live_server.url}/admin/evidence/trace/{trace.pk}/change/")
    page = see(browser, "Exchange 4 of 4")
    assert trace.trace_id.hex in page
    assert "1,204 / 311" in page
    assert "0.0042 USD" in page
    assert str(trace.trace_id) not in browser.page_source  # written in one way, in links too
    shoot("trace-record")


def test_what_was_said_of_an_earlier_revision_says_so(
    sign_in: SignIn, live_server: LiveServer, shoot: Callable[[str], None]
) -> None:
    world = make_world()
    first = make_conversation(world)
    reviews.record_review(
        principal=world.principal("reviewer"),
        trace=first,
        decision="reject",
        reason_code="wrong_fact",
        rationale="No.",
    )
    second = make_conversation(world, revision=3, like=first)
    browser = sign_in(world.people["reviewer"])
    browser.get(f"{live_server.url}/admin/evidence/trace/{second.pk}/review/")
    page = see(browser, "For an earlier revision")
    assert "The revision before this one had another answer." in page
    assert "Record my decision" in page  # it waits for a decision of its own
    shoot("earlier-revision")
    browser.get(f"{live_server.url}/admin/evidence/trace/{first.pk}/review/")
    see(browser, "What is decided here is for an earlier revision.")
    browser.get(f"{live_server.url}/admin/evidence/review/")
    see(browser, "for an earlier revision")
