"""Answers that are large, ambiguous or meant to harm, opened at the review desk in a browser and judged by keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.keys import Keys

from evidence.models import Citation, Claim, Retrieval, Review, ReviewTask, Trace
from evidence.services.assembly import assemble_due_traces
from evidence.services.review_drafts import record_decided
from tests.e2e.browser import see, speak
from tests.e2e.test_review_desk import minute_later, press, record
from tests.evidence.semconv_spans import make_span
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_review_desk_pane import address, chat, task_over
from tests.evidence.test_trace_words import OF_A_TURN, SOURCE
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)

PANE = "#tb-desk-source"
HARM = "<script>document.title='run'</script><img src=http://evil.example/beacon.gif onerror=document.title='run'>"
ARABIC = "معدل الفائدة السنوي 7.9%. لا توجد رسوم."
TURNED = "\u202eevil\u200b"
LARGEST = 1_000_000  # characters of a page, whatever it is of
SHOWN = """
return [document.documentElement.outerHTML.length, document.title, document.images.length, document.body.innerText];
"""
DIRECTION = "return getComputedStyle([...document.querySelectorAll('.tb-answer')].at(-1)).direction"


def large(world: World) -> ReviewTask:
    """Seal a trace of 2,000 spans whose model was given five megabytes."""
    spans = [
        make_span(f"{n:016x}", parent="" if n == 1 else f"{n // 2:016x}", name=f"step {n}", start=n)
        for n in range(1, 2_000)
    ]
    question = "word " * 1_000_000 + "The end?"
    spans.append(
        chat("f" * 16, question, "The overdraft rate is 15% per annum.", parent=f"{1:016x}", start=3_000)
    )
    trace_id = uuid4()
    store_spans(world.system, trace_id, spans)
    assert assemble_due_traces(limit=10) == 1
    trace = Trace.objects.get(trace_id=trace_id)
    assert len(trace.question) > 5_000_000
    return ReviewTask.objects.get(trace=trace)


def turn(number: int, question: str, answer: str, *others: str) -> dict[str, Any]:
    def told(text: str, *others: str) -> dict[str, Any]:
        candidates = [{"text": other, "source": SOURCE} for other in others]
        return {"text": text, "source": None, "absent": "" if text else "ambiguous", "others": candidates}

    return {"number": number, "question": told(question), "answer": told(answer, *others), **OF_A_TURN}


def harmful(world: World) -> ReviewTask:
    """Store a conversation of three exchanges in Arabic, with markup and signs that turn the text."""
    exchanges = [
        turn(0, f"q1 {HARM}", f"a1 {TURNED}"),
        turn(1, "q2", f"a2 {HARM}"),
        turn(2, f"q3 {TURNED}", ARABIC),
    ]
    span = chat("b" * 16, f"given {HARM}", f"gave {TURNED}", parent="")
    task = task_over(
        world,
        [{**span, "name": f"named {HARM}"}],
        question=f"q3 {TURNED}",
        answer=ARABIC,
        exchanges=exchanges,
        language="ar",
    )
    trace = task.trace
    claim = Claim.objects.create(
        trace=trace, ordinal=0, exchange=2, text=ARABIC[:25], start=0, end=25, material=True, origin="derived",
        extractor_version="t",
    )  # fmt: skip
    Citation.objects.create(
        claim=claim, ordinal=0, document_ref=f"ref {HARM}"[:200], quote=f"quote {TURNED}", verdict="unresolvable",
        score=0,
        threshold=0.85, checker_version="t", inputs_digest="0" * 64,
    )  # fmt: skip
    Retrieval.objects.create(
        trace=trace, span_id="b" * 16, rank=0, document_ref="D", text=f"sent {HARM}", query=TURNED
    )
    return task


def ambiguous(world: World) -> ReviewTask:
    exchanges = [turn(0, "What is the fee?", "", "The fee is 1 %.", f"There is none. {HARM}")]
    return task_over(
        world, [make_span("c" * 16, parent="")], question="What is the fee?", answer="", exchanges=exchanges
    )


def check_safe(browser: Any) -> None:
    """See that a page is small, ran nothing, loads nothing, and shows what turns a text as marks."""
    size, title, n_images, text = browser.execute_script(SHOWN)
    assert size < LARGEST
    assert "run" not in title
    assert n_images == 0
    assert "\u202e" not in text


def look_through(browser: Any, *said: str) -> None:
    """Turn to the next tab, and the next."""
    for words in said:
        press(browser, "]")
        see(browser, words, within=PANE)
        check_safe(browser)


def judge(browser: Any, decision: str) -> None:
    press(browser, decision)
    if decision != "a":
        browser.find_element("css selector", "[value='unclear']").send_keys(Keys.SPACE)
    record(browser)
    see(browser, "on record at", within="#content-main")


def follow(browser: Any, link: str, leads_to: str) -> None:
    """Click a link of the pane, and wait for what is there."""
    see(browser, link, within=PANE)
    browser.find_element("partial link text", link).click()
    see(browser, leads_to, within=PANE)
    check_safe(browser)


def test_large_ambiguous_and_harmful_answers_are_shown_whole_or_cut_and_can_be_judged(
    live_server: LiveServer, sign_in: Callable[[User], Any], shoot: Callable[[str], None]
) -> None:
    world = make_world()
    tasks = large(world), harmful(world), ambiguous(world)
    first, second, third = (f"{live_server.url}{address(task)}" for task in tasks)
    browser = sign_in(world.people["reviewer"])
    speak(browser, "en")
    browser.get_log("browser")

    browser.get(first)
    see(browser, "further characters are not shown here")
    check_safe(browser)
    look_through(browser, "Nothing was retrieved", "2,000 steps on the way")
    shoot("review-desk-path")
    follow(browser, "1801–2000", "step 1023")
    follow(browser, "chat gpt", "Characters 0 to 4,000 of 5,000,0")
    shoot("review-desk-span")
    follow(browser, "Read on", "Characters 4,000 to 44,000")
    judge(browser, "a")

    browser.get(second)
    assert "quote ⟦U+202E⟧evil⟦U+200B⟧" in see(browser, "<script>document.title", within=PANE)
    assert browser.execute_script(DIRECTION) == "rtl"
    check_safe(browser)
    shoot("review-desk-harmful")
    look_through(
        browser, "What was retrieved", "named <script>", "Nothing like it is on record", "Nothing that holds"
    )
    press(browser, "[", "[")
    follow(browser, "named", "given <script>document.title")
    shoot("review-desk-harmful-span")
    judge(browser, "x")

    browser.get(third)
    shown = see(browser, "several texts could be it")
    assert "The fee is 1 %." in shown
    assert "There is none. <script>" in shown
    check_safe(browser)
    judge(browser, "e")

    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert record_decided(minute_later()) == len(tasks)
    said = dict(Review.objects.values_list("task", "decision"))
    assert [said[task.pk] for task in tasks] == ["approve", "reject", "escalate"]
