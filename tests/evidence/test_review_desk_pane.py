"""The middle pane of the review desk: its tabs, what each shows to whom, and that none grows with what is stored."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence.access import principal_of_user
from evidence.citations.verdict import Reason
from evidence.claim_words import say_why
from evidence.digests import sha256_hex
from evidence.models import Citation, Claim, Retrieval, ReviewTask, SourceDocument, Span, Trace
from evidence.pages.review_desk.address import Tab
from evidence.pages.review_desk.windows import cut_window
from evidence.selectors.alike_questions import find_alike
from evidence.selectors.trace_spans import read_path
from evidence.services.reviews import open_review_task, record_review
from tests.e2e.cases import QUESTION, make_task
from tests.evidence.semconv_spans import make_span
from tests.evidence.stored_spans import BASE_NS, store_spans
from tests.evidence.test_blinding import SAID, colleague
from tests.evidence.test_review_desk import signed_in
from tests.factories import ACTOR, World, make_world

MOST_QUERIES = 25  # what a page may take, as `bench/pages.py` has it
OF_BEFORE = 1  # one more, because somebody of before pseudonyms put the release of these tests on record


def address(task: ReviewTask, **asked: object) -> str:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return f"{reverse('admin:judge_answer', args=[task.trace_id])}?{query}"


def pane(client: Any, task: ReviewTask, **asked: object) -> str:
    """Return the middle pane of a page that took few queries."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address(task, **asked))
    assert answer.status_code == 200, answer.content[:500]
    assert len(queries) <= MOST_QUERIES + OF_BEFORE, [query["sql"][:90] for query in queries]
    page: str = answer.content.decode()
    return page[page.index('id="tb-desk-source"') : page.index('id="tb-desk-judgement"')]


def task_over(world: World, spans: list[dict[str, Any]], **columns: Any) -> ReviewTask:
    """Store a trace that was sealed from these spans, and ask for its review."""
    trace_id = uuid4()
    store_spans(world.system, trace_id, spans, asks=False)
    first = Span.objects.filter(trace_id=trace_id).earliest("start_ns")
    own = {
        "question": "What does it cost?", "answer": "1 %.", "release": world.release,
        "span_ids": sorted({span["span_id"] for span in spans}),
        "started_at": first.started_at, "ended_at": first.started_at + timedelta(seconds=60), **columns,
    }  # fmt: skip
    trace = Trace.objects.create(
        system=world.system, trace_id=trace_id, revision=1, digest=sha256_hex(b"t"), status=Trace.Status.COMPLETE,
        name="chat", risk_tier="high", span_count=len(spans), assembler_version="t",
        sealed_at=first.received_at, **own,
    )  # fmt: skip
    return open_review_task(trace=trace, reason="high_risk", actor=ACTOR)


def cite(task: ReviewTask, number: int, **columns: Any) -> Citation:
    """Have a claim of this number cite something; there is one more claim where there was none."""
    own = {"text": "c", "start": 0, "end": 1, "material": True, "origin": "derived", "extractor_version": "t"}
    claim, _ = Claim.objects.get_or_create(trace=task.trace, ordinal=number - 1, defaults=own)
    said = {
        "document_ref": "DOC-1", "quote": "no early repayment fee applies", "verdict": "not_found", "score": 0.6,
        "threshold": 0.85, "checker_version": "t", "inputs_digest": "0" * 64, **columns,
    }  # fmt: skip
    return Citation.objects.create(claim=claim, ordinal=0, **said)


def chat(span_id: str, question: str, answer: str, **more: Any) -> dict[str, Any]:
    return make_span(
        span_id, name="chat gpt", **more,
        attributes={
            "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 3,
            "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": question}]}],
            "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": answer}]}],
        },
    )  # fmt: skip


def test_tabs_are_links_of_their_own_and_keep_the_claim(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    page = pane(client, task, claim=2, tab="retrieved")
    for tab in ("retrieved", "path", "asked", "inside"):
        assert f"?claim=2&amp;tab={tab}" in page
    assert page.count('aria-current="page"') == 1
    assert 'tab=retrieved" data-tab aria-current="page"' in page
    refused = client.get(address(task, tab="retrieve"))
    assert refused.status_code == 422
    assert "did you mean 'retrieved'?" in refused.content.decode()
    assert client.get(address(task, tabs="path")).status_code == 422


def test_what_was_retrieved_says_who_cites_it_and_opens_at_the_place(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    Retrieval.objects.create(
        trace=task.trace, span_id="b" * 16, rank=1, document_ref="DOC-9", text="As <b>sent</b>."
    )
    cite(task, 4, document_ref="DOC-7", verdict="unresolvable")
    page = pane(client, task, tab="retrieved")
    assert "cited by claims 1, 2, 3" in page
    assert "score 11.20" in page
    assert "not cited" in page
    assert "not among what was retrieved: DOC-7" in page
    assert "tb-lit" not in page
    opened = pane(client, task, tab="retrieved", document=1)
    assert '<mark id="tb-lit">The annual percentage rate is 7.9% for amounts' in opened
    assert "As &lt;b&gt;sent&lt;/b&gt;." in pane(client, task, tab="retrieved", document=2)


def test_the_path_is_a_tree_in_time_with_the_chosen_span_read(world: World) -> None:
    spans = [
        make_span("c" * 16, parent="", name="root", start=0),
        chat("b" * 16, "How much is <b>it</b>?", "One.", parent="c" * 16, start=5),
        make_span("a" * 16, parent="b" * 16, name="below", start=6, status_code=2, status_message="no such tool"),
        make_span("d" * 16, parent="f" * 16, name="stray", start=7),
        make_span("1" * 16, parent="2" * 16, name="ring one", start=8),
        make_span("2" * 16, parent="1" * 16, name="ring two", start=9),
    ]  # fmt: skip
    task, client = task_over(world, spans), signed_in(world.people["reviewer"])
    # Another sealing would be over it; this one is not.
    store_spans(world.system, task.trace.trace_id, [make_span("e" * 16, name="late")], asks=False)
    told = [(span.name, span.depth, span.is_stray) for span in read_path(task.trace)]
    assert told == [
        ("root", 0, False), ("chat gpt", 1, False), ("below", 2, False), ("stray", 0, True),
        ("ring one", 0, False), ("ring two", 1, False),
    ]  # fmt: skip
    page = pane(client, task, tab="path", span="b" * 16)
    assert "6 steps on the way" in page
    assert "model call 12 → 3 tokens" in page
    assert "How much is &lt;b&gt;it&lt;/b&gt;?" in page
    assert "One." in page
    assert "1 failed:" in page
    assert "no such tool" in pane(client, task, tab="path", span="a" * 16)


def test_two_thousand_spans_and_five_megabytes_are_a_small_page(world: World) -> None:
    spans = [
        make_span(f"{n:016x}", parent=f"{n // 2:016x}" if n > 1 else "", name=f"step {n}", start=n)
        for n in range(1, 2_000)
    ]
    prompt = "word " * 1_000_000 + "END"
    spans.append(chat("f" * 16, prompt, "Yes.", parent=f"{1:016x}", start=3_000))
    task, client = task_over(world, spans, question=prompt[:50_000]), signed_in(world.people["reviewer"])
    started = time.monotonic()
    answer = client.get(address(task, tab="path"))
    took = time.monotonic() - started
    assert len(answer.content) < 400_000, len(answer.content)
    assert took < 5, took  # seconds; a tenth of it on an idle machine
    page = answer.content.decode()
    assert "2,000 steps on the way" in page
    assert page.count("tb-span-bar") == 200
    assert "row=1801" in page
    assert "46,000 further characters are not shown here." in page
    first = pane(client, task, tab="path", span="f" * 16)
    assert "Characters 0 to 4,000 of 5,000,003." in first
    assert "part=input&amp;at=4000" in first
    last = pane(client, task, tab="path", span="f" * 16, part="input", at=4_999_900)
    assert "END</div>" in last
    assert "What it gave" not in last


def test_a_window_counts_over_all_pieces() -> None:
    pieces = [("user", "abcd"), ("tool", "efgh")]
    window = cut_window(pieces, 3, 3)
    assert (window.pieces, window.before, window.after) == ([("user", "d"), ("tool", "ef")], 0, 6)
    assert cut_window(pieces, 6, 3).after is None
    assert cut_window(pieces, 99, 8).is_whole


def ask(world: World, question: str, **columns: Any) -> Trace:
    return task_over(world, [make_span("c" * 16, parent="")], question=question, **columns).trace


@pytest.mark.parametrize(
    ("asked", "is_alike"),
    [
        (QUESTION.upper().replace(" ", "  "), True),
        (QUESTION.replace("9,000", "8,000"), True),
        (QUESTION.replace("personal loan", "credit card"), False),  # two words
        ("Who may have one, and what does a personal loan of 9,000 cost?", False),  # all its words
        ("九千元的个人贷款利率是多少？", False),
    ],
)
def test_nearly_the_same_question_is_found_by_its_words_and_compared(
    world: World, asked: str, is_alike: bool
) -> None:
    other = ask(world, asked)
    assert list(find_alike(QUESTION, [world.system.pk])) == ([other.pk] if is_alike else [])
    assert find_alike(QUESTION, []) == {}


def test_a_question_without_spaces_is_found_though_a_character_differs(world: World) -> None:
    other = ask(world, "九千元的个人贷款的年利率是多少？请告诉我还款期限和提前还款费用。")
    asked = "九千元的个人贷款的年利率是多少？请告诉我还款期限和提前还款费率。"
    assert list(find_alike(asked, [world.system.pk])) == [other.pk]


def test_what_was_judged_of_it_is_told_as_far_as_it_may_be_read(world: World) -> None:
    task, open_one, closed = (make_task(world) for _ in range(3))
    of_others = make_task(make_world("aml-copilot"))
    second, third = (colleague(world, name, "reviewer") for name in ("second", "third"))
    for person, judged in ((second, open_one), (second, closed), (third, closed)):
        record_review(
            principal=principal_of_user(person), trace=judged.trace, decision="reject", reason_code="wrong_fact",
            rationale=f"{SAID} {'still open' if judged is open_one else 'closed'}",
        )  # fmt: skip
    page = pane(signed_in(world.people["reviewer"]), task, tab="asked")
    assert page.count(f"{SAID} closed") == 2
    assert "still open" not in page
    assert "1 judgement that you are shown once you have judged that answer." in page
    assert reverse("admin:evidence_trace_review", args=[closed.trace_id]) in page
    assert reverse("admin:evidence_trace_review", args=[task.trace_id]) not in page
    assert reverse("admin:evidence_trace_review", args=[of_others.trace_id]) not in page


@pytest.mark.parametrize("tab", Tab)
def test_no_tab_takes_more_queries_for_more(world: World, tab: Tab) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    for _ in range(8):
        make_task(world)
    document = SourceDocument.objects.get(index_version__release_pins__release=world.release)
    for rank in range(1, 9):
        Retrieval.objects.create(
            trace=task.trace, span_id="b" * 16, rank=rank, document_ref="DOC-1", document=document
        )
    pane(client, task, tab=tab)


def test_each_verdict_stands_with_its_reason_as_a_sentence(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    document = SourceDocument.objects.get(index_version__release_pins__release=world.release)
    for number, reason in enumerate([*Reason, None], start=5):
        found_in = document if reason is Reason.IN_ANOTHER_DOCUMENT else None
        citation = cite(
            task, number, reason=reason, reason_terms=["7.9"], document=document, found_in=found_in,
            document_ref="DOC-7",
            nearest_text="an early repayment fee applies", nearest_start=0, nearest_end=30,
        )  # fmt: skip
        page = pane(client, task, claim=number)
        assert say_why(citation) in page
        assert "<del>" in page, reason  # the quote against the nearest passage, open or folded away
        assert ("It cites DOC-7 and stands in DOC-1." in page) == (found_in is not None)


def test_what_is_written_otherwise_is_shown_word_by_word(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    document = SourceDocument.objects.get(index_version__release_pins__release=world.release)
    cite(
        task, 5, quote="the annual percentage rate is 7.9% for amounts between 5000 and 15000", verdict="normalised",
        reason=Reason.SAME_ONCE_NORMALISED, document=document, doc_start=16, doc_end=88,
    )  # fmt: skip
    page = pane(client, task, claim=5)
    assert "As it stands there:" in page
    assert "5,000</ins>" in page


def test_text_of_others_is_escaped_and_its_hidden_signs_are_marks_in_each_tab(world: World) -> None:
    hostile = "<img src=//evil.example/x>\u202egnp"
    span = chat("b" * 16, f"in {hostile}", f"out {hostile}", parent="", start=1)
    span["name"], span["status_message"] = f"name {hostile}", f"status {hostile}"
    task, client = task_over(world, [span], question=f"asked {hostile}"), signed_in(world.people["reviewer"])
    ask(world, f"asked {hostile}", answer=f"answered {hostile}")
    claim = Claim.objects.create(
        trace=task.trace, ordinal=0, text=f"claim {hostile}", start=0, end=1, material=True, origin="derived",
        extractor_version="t",
    )  # fmt: skip
    Citation.objects.create(
        claim=claim, ordinal=0, document_ref=f"ref {hostile}", quote=f"quote {hostile}", verdict="unresolvable",
        score=0,
        threshold=0.85, checker_version="t", inputs_digest="0" * 64,
    )  # fmt: skip
    Retrieval.objects.create(
        trace=task.trace, span_id="b" * 16, rank=0, document_ref=f"id {hostile}", text=f"sent {hostile}",
        query=f"query {hostile}",
    )  # fmt: skip
    shown = {
        "claim": ["claim", "ref", "quote"], "retrieved": ["id", "sent", "query", "ref"],
        "path": ["in", "out", "name", "status"], "asked": ["asked", "answered"], "inside": [],
    }  # fmt: skip
    for tab, words in shown.items():
        page = pane(client, task, tab=tab, document=1, span="b" * 16)
        assert "<img" not in page
        assert "\u202e" not in page
        for word in words:
            assert f"{word} &lt;img src=//evil.example/x&gt;⟦U+202E⟧gnp" in page, (tab, word)


def test_an_answer_of_no_known_release_has_every_tab(world: World) -> None:
    task, client = (
        task_over(world, [make_span("c" * 16, parent="")], release=None, question=""),
        signed_in(world.people["reviewer"]),
    )
    for tab, said in (
        ("claim", "No claims were declared"), ("retrieved", "Nothing was retrieved"), ("path", "1 step on the way"),
        ("asked", "Nothing like it"), ("inside", "The release is not known"),
    ):  # fmt: skip
        assert said in pane(client, task, tab=tab)
    assert BASE_NS  # spans of these tests begin there
