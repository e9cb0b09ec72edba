"""Traces by the words of their questions and answers: what is found, by whom, in which order, and what is not."""

from __future__ import annotations

import re
import sys
import unicodedata
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from evidence.admin import trace_words as admin_search
from evidence.combining_marks import COMBINING_MARKS, LONGEST_RUN
from evidence.digests import sha256_hex
from evidence.models import Scope, Trace
from evidence.selectors import trace_words
from evidence.semconv.draft import Rule
from evidence.services.disposal.erasure import erase_trace_payload
from tests.factories import World, acting, make_world

pytestmark = pytest.mark.django_db
BEGAN = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


SOURCE = {"span_id": "a" * 16, "attribute": "output.value", "rule": Rule.AGENT_OUTPUT}
OF_A_TURN: dict[str, Any] = {
    "attachments": [], "span_id": "a" * 16, "finish_reason": "stop", "refused": False, "answer_is_prose": True,
}  # fmt: skip


def told(text: str) -> dict[str, Any]:
    return {"text": text, "source": None, "absent": "", "others": [{"text": "candidate", "source": SOURCE}]}


def store(
    world: World, question: str, answer: str = "", *, turns: tuple[tuple[str, str], ...] = (), **columns: Any
) -> Trace:
    """Store a sealed trace that says this."""
    exchanges = [
        {"number": place, "question": told(asked), "answer": told(given), **OF_A_TURN}
        for place, (asked, given) in enumerate([*turns, (question, answer)])
    ]
    own = {
        "system": world.system, "trace_id": uuid.uuid4(), "revision": 1, "digest": sha256_hex(question.encode()),
        "status": Trace.Status.COMPLETE, "name": "chat", "started_at": BEGAN, "ended_at": BEGAN, "span_count": 1,
        "question": question, "answer": answer, "exchanges": exchanges, "risk_tier": "low",
        "assembler_version": "test/1", "sealed_at": BEGAN, **columns,
    }  # fmt: skip
    return Trace.objects.create(**own)


def search(api: Any, world: World, words: str, **query: Any) -> list[str]:
    response = api.get("/api/v1/traces", {"words": words, **query}, **world.headers(Scope.READ))
    assert response.status_code == 200, response.content
    return [row["question"] for row in response.json()["results"]]


RATE = "What is the APR of the loan?"
RATE_ANSWER = (
    "The annual percentage rate is 7.9% (variable).\nRefunds take 28 days; see fees/charges in REF-12."
)
EARLY_ZH = "我提前还款要付违约金吗？"
EARLY_ZH_ANSWER = "根据ＶＡＴ条款，提前还款最多需支付两个月的利息。"
ACCENTED = "Où est l'ÉCOLE Straße?"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("rate", [RATE]),
        ("RATES", [RATE]),
        ("refund", [RATE]),
        ("loan variable", [RATE]),
        ("loan mortgage", []),
        ("the rate of the loan", [RATE]),
        ('"annual percentage rate"', [RATE]),
        ('"percentage annual rate"', []),
        ('"variable). refunds take"', [RATE]),
        ('"the loan? the annual"', []),
        ('"annual percentage" "take 28 days"', [RATE]),
        ('"annual percentage" "take days"', []),
        ('"take days" "annual percentage"', []),
        ("7.9%", [RATE]),
        ("9.7%", []),
        ("fees", [RATE]),
        ("charges", [RATE]),
        ("ref-12", [RATE]),
        ("提前", [EARLY_ZH]),
        ("提前还款", [EARLY_ZH]),
        ("款还前提", []),
        ("还款 利息", [EARLY_ZH]),
        ("违约金", [EARLY_ZH]),
        ("提前违约", []),
        ("vat", [EARLY_ZH]),
        ("VAT条款", [EARLY_ZH]),
        ("école", [ACCENTED]),
        ("candidate", []),
    ],
)
def test_words_are_found_in_questions_and_answers(
    api: Any, world: World, words: str, found: list[str]
) -> None:
    store(world, RATE, RATE_ANSWER)
    store(world, EARLY_ZH, EARLY_ZH_ANSWER)
    store(world, ACCENTED)
    assert search(api, world, words) == found


def test_every_turn_is_searched(api: Any, world: World) -> None:
    store(world, "And for students?", "Free.", turns=(("What does an overdraft cost?", "15% a year."),))
    assert search(api, world, "overdraft") == ["And for students?"]
    assert search(api, world, "overdraft students") == ["And for students?"]
    assert search(api, world, '"15% a year"') == ["And for students?"]


def test_a_text_that_is_longer_than_one_portion_is_searched_to_its_end(api: Any, world: World) -> None:
    store(world, "long", "filler " * 30_000 + "needle")
    assert search(api, world, "needle") == ["long"]


@pytest.mark.parametrize(
    "text",
    [
        "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 20_000,
        " ".join(f"w{number}" for number in range(120_000)),
        "税" * 150_000,
        "😀" * 150_000,
        "x" * 300_000,
        "<a href='/b/c.d'>" * 20_000,
        "\ue000\ufffd\u200b\u202e\u0301",
        "e" + "\u0301\u0323" * 75_000,
        "\uff9e\u0323" * 75_000,
    ],
)
def test_no_text_keeps_a_trace_from_being_stored(world: World, text: str) -> None:
    """What an index cannot take refuses the row, and with it the whole batch that is assembled."""
    store(world, text, text)


def test_marks_heaped_on_one_character_are_cut_and_those_of_a_language_are_not() -> None:
    """PostgreSQL puts a run of them in order in the square of its length, and nothing interrupts it."""
    heaped, read = "e" + "\u0301\u0323" * 50_000, "phở bò, Ḕt, पढ़ें, ผู้ใหญ่"
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracebinder_search_text(%s, %s, '[]')", [heaped, read])
        (folded,) = cursor.fetchone()
    cut, kept = folded.split("\x1f")
    assert len(cut) <= 1 + LONGEST_RUN
    assert kept == unicodedata.normalize("NFKC", read).lower()


def test_every_mark_that_this_python_knows_is_among_those_that_are_cut() -> None:
    """What a newer Unicode adds has to be added there: `[...]` is a class of a regular expression of Python's, too."""
    characters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF)
    marks = {one for one in characters if unicodedata.combining(unicodedata.normalize("NFKD", one)[0])}
    assert {one for one in marks if not re.fullmatch(f"[{COMBINING_MARKS}]", one)} == set()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ('"open', "unreadable_search"),
        ("fee -early", "unreadable_search"),
        ("x" * 201, "unreadable_search"),
        ("the of", "no_word"),
        ("款", "no_word"),
    ],
)
def test_what_cannot_be_searched_is_refused(api: Any, world: World, words: str, code: str) -> None:
    response = api.get("/api/v1/traces", {"words": words}, **world.headers(Scope.READ))
    assert response.status_code == 422
    (fault,) = response.json()["errors"]
    assert (fault["path"], fault["code"]) == ("words", code)


def test_only_the_current_revision_is_found_and_by_its_own_words(api: Any, world: World) -> None:
    trace_id = uuid.uuid4()
    store(world, "What is the old rate?", trace_id=trace_id)
    store(world, "What is the new rate?", trace_id=trace_id, revision=2)
    assert search(api, world, "rate") == ["What is the new rate?"]
    assert search(api, world, "old") == []


def test_a_search_finds_what_the_list_shows_and_nothing_of_other_systems(api: Any, world: World) -> None:
    other = make_world("aml-copilot")
    store(world, "What is the rate?")
    store(other, "What is the secret rate?")
    assert search(api, world, "rate") == ["What is the rate?"]
    assert search(api, world, "secret") == []
    assert search(api, world, "rate", system="aml-copilot") == []
    assert search(api, other, "rate") == ["What is the secret rate?"]


def test_of_an_erased_trace_no_word_is_found(api: Any, world: World) -> None:
    trace = store(
        world, "Is Mrs Hathersage in arrears?", "Yes.", turns=(("Who is Winterbourne?", "A guarantor."),)
    )
    assert search(api, world, "Hathersage") == search(api, world, "Winterbourne") == [trace.question]
    erase_trace_payload(system=world.system, trace_id=trace.trace_id, principal=acting(), reason="request 1")
    for word in ("Hathersage", "Winterbourne", "guarantor", '"Mrs Hathersage"'):
        assert search(api, world, word) == []


def follow(api: Any, world: World, address: str, link: str) -> list[list[str]]:
    """Return the questions of each page, from an address on along its links."""
    pages = []
    headers = world.headers(Scope.READ)
    while address:
        answer = api.get(address, **headers).json()
        pages.append([row["question"] for row in answer["results"]])
        address = answer[link]
    return pages


def test_pages_go_on_through_stretches_of_rows_both_ways(
    api: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows far apart lie in stretches of their own; a page may begin and end in the midst of any."""
    monkeypatch.setattr(trace_words, "_FIRST_SLICE", 1)
    monkeypatch.setattr(trace_words, "_FEW", 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM evidence_trace")
        (highest,) = cursor.fetchone()
    keys = [highest + 1 + (number // 2) * 20_000 + number for number in range(9)]
    for number, key in enumerate(keys):
        store(world, f"Question {number}", "about apples" if number % 4 else "about pears", id=key)
    apples = [f"Question {number}" for number in (7, 6, 5, 3, 2, 1)]
    pages = follow(api, world, "/api/v1/traces?words=apple&limit=2", "next")
    assert pages == [apples[:2], apples[2:4], apples[4:]]
    headers = world.headers(Scope.READ)
    last = api.get("/api/v1/traces?words=apple&limit=2", **headers).json()["next"]
    last = api.get(last, **headers).json()["next"]
    assert follow(api, world, last, "previous") == [apples[4:], apples[2:4], apples[:2]]
    assert search(api, world, "pear") == ["Question 8", "Question 4", "Question 0"]


def test_a_search_whose_time_is_over_says_how_far_it_came_and_goes_on_from_there(
    api: Any, world: World, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """A phrase of common words that stands nowhere was looked for during seconds."""
    settings.SEARCH_BUDGET = 0  # each page is over after its first slice
    monkeypatch.setattr(trace_words, "_LEAST", 0)
    monkeypatch.setattr(trace_words, "_FIRST_SLICE", 1)
    monkeypatch.setattr(trace_words, "_LAST_SLICE", 1)
    monkeypatch.setattr(trace_words, "_FEW", 0)
    sealed = [BEGAN + timedelta(minutes=number) for number in range(9)]
    highest = store(world, "Nothing").pk
    for number in range(9):
        key = highest + 1 + (number // 2) * 20_000 + number
        answer = "apples and pears" if number % 4 else "pears, no more"
        store(world, f"Question {number}", answer, id=key, sealed_at=sealed[number])
    apples = [f"Question {number}" for number in (7, 6, 5, 3, 2, 1)]
    address = "/api/v1/traces?words=apple&limit=3"
    first = api.get(address, **world.headers(Scope.READ)).json()
    assert [row["question"] for row in first["results"]] == []  # of the newest stretch, no row
    assert first["looked_back_to"] == sealed[8].isoformat().replace("+00:00", "Z")
    pages = follow(api, world, address, "next")
    assert [question for page in pages for question in page] == apples
    assert len(pages) > len(apples)
    nowhere = '/api/v1/traces?words="apples%20no%20more"'
    assert [row for page in follow(api, world, nowhere, "next") for row in page] == []
    last = first
    while last["next"]:
        last = api.get(last["next"], **world.headers(Scope.READ)).json()
    assert last["looked_back_to"] is None
    back = [page for page in follow(api, world, last["previous"], "previous") if page]
    assert [question for page in back for question in reversed(page)] == apples[::-1]


def test_a_search_that_looked_at_all_it_had_to_says_nothing_of_how_far(api: Any, world: World) -> None:
    store(world, "What is the rate?")
    for query in ({"words": "rate"}, {"words": "nowhere"}, {}):
        answer = api.get("/api/v1/traces", query, **world.headers(Scope.READ)).json()
        assert answer["looked_back_to"] is None


@pytest.mark.parametrize("n_read", [0, 1, 200])
def test_a_search_goes_with_every_other_filter(
    api: Any, world: World, n_read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_words, "_READ", n_read)
    store(world, "What is the old rate?", started_at=BEGAN - timedelta(days=90))
    store(world, "What is the rate?", user_ids=["u-1"], cost="0.02", currency="EUR", input_tokens=900)
    store(world, "What is the new rate?", started_at=BEGAN + timedelta(days=90))
    period = {"since": "2026-05-01T00:00:00Z", "until": "2026-06-01T00:00:00Z"}
    assert search(api, world, "rate", **period) == ["What is the rate?"]
    assert search(api, world, "rate", user="u-1") == ["What is the rate?"]
    assert search(api, world, "rate", cost_min="0.01", input_tokens_min="1") == ["What is the rate?"]
    assert search(api, world, "rate", user="u-2") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"cost_min": "0.01"}, ["dear", "dollars"]),
        ({"cost_min": "0.01", "currency": "EUR"}, ["dear"]),
        ({"cost_max": "0.005"}, ["cheap"]),
        ({"cost_min": "0.000000000001", "cost_max": "1"}, ["cheap"]),
        ({"input_tokens_min": "100"}, ["dear"]),
        ({"input_tokens_max": "99"}, ["cheap"]),
        ({"output_tokens_min": "5", "output_tokens_max": "5"}, ["cheap"]),
        ({"output_tokens_min": "9223372036854775807"}, []),
    ],
)
def test_traces_by_tokens_and_cost(api: Any, world: World, query: dict[str, str], found: list[str]) -> None:
    """What was not sent is neither more nor less than anything."""
    store(world, "dollars", cost="1.5", currency="USD")
    store(world, "cheap", cost="0.002", currency="EUR", input_tokens=10, output_tokens=5)
    store(world, "dear", cost="2", currency="EUR", input_tokens=5_000, output_tokens=700)
    store(world, "silent")
    response = api.get("/api/v1/traces", query, **world.headers(Scope.READ))
    assert sorted(row["question"] for row in response.json()["results"]) == sorted(found)


@pytest.mark.parametrize(
    "query",
    [
        {"cost_min": "-1"}, {"cost_min": "a"}, {"cost_min": "NaN"}, {"cost_min": "Infinity"},
        {"cost_max": "0.0000000000001"}, {"input_tokens_min": "1.5"}, {"input_tokens_min": "-1"},
        {"output_tokens_max": "9223372036854775808"},
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(api: Any, world: World, query: dict[str, str]) -> None:
    response = api.get("/api/v1/traces", query, **world.headers(Scope.READ))
    assert response.status_code == 422
    assert [fault["path"] for fault in response.json()["errors"]] == list(query)


def test_a_search_that_takes_too_long_says_what_to_do(
    api: Any, world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(world, "What is the rate?")
    monkeypatch.setattr(trace_words, "_FEW", -1)
    monkeypatch.setattr(trace_words, "_HOLDING", f"SELECT pg_sleep(5) FROM ({trace_words._HOLDING}) AS slow")
    settings.SEARCH_TIMEOUT = 1
    response = api.get("/api/v1/traces", {"words": "rate"}, **world.headers(Scope.READ))
    assert (response.status_code, response.json()["code"]) == (422, "search_too_wide")


def test_the_index_answers_and_no_row_is_read_for_its_words(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # the tables of a test are too small for any index
        cursor.execute(f"EXPLAIN {trace_words._HOLDING}", [[1, 1], [0, 1], ["rate"]])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "evidence_trace_words" in plan


def test_the_index_of_words_keeps_no_statistics(world: World) -> None:
    """ANALYZE would read the words of thousands of traces each time, and a hash says nothing to a planner."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attstattarget FROM pg_attribute WHERE attrelid = 'evidence_trace_words'::regclass"
        )
        assert cursor.fetchall() == [(0,)]


def listed(client: Client, **query: str) -> str:
    response = client.get(reverse("admin:evidence_trace_changelist"), query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def auditor(world: World) -> Client:
    """The browser of somebody who reads traces."""
    client = Client()
    client.force_login(world.people["auditor"])
    return client


def test_the_list_of_traces_is_searched_for_words(world: World, auditor: Client) -> None:
    trace_id = uuid.UUID(int=0xBADCAFE0 << 96)
    store(world, "What is the old rate?", trace_id=trace_id)
    store(world, "What is the new rate?", trace_id=trace_id, revision=2)
    store(world, "我可以提前还款吗？", user_ids=["rate"])
    page = listed(auditor, q="rate")
    assert "What is the new rate?" in page
    assert "What is the old rate?" not in page  # a word is looked for in current revisions
    assert "我可以提前还款吗？" in page  # the id of its user
    assert "What is the old rate?" in listed(auditor, q="badcafe")
    assert "我可以提前还款吗？" in listed(auditor, q="提前还款")
    assert "What is the new rate?" not in listed(auditor, q="提前还款")


def test_the_list_leads_to_the_newest_of_very_many(
    world: World, auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_search, "MOST", 2)
    for number in range(3):
        store(world, f"What is rate {number}?")
    page = listed(auditor, q="rate")
    assert "the newest 2 are listed" in page
    assert [f"What is rate {number}?" in page for number in range(3)] == [False, True, True]


def test_the_list_says_how_far_a_search_came(
    world: World, auditor: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SEARCH_BUDGET = 0
    monkeypatch.setattr(trace_words, "_LEAST", 0)
    monkeypatch.setattr(trace_words, "_FIRST_SLICE", 1)
    monkeypatch.setattr(trace_words, "_FEW", 0)
    for number in range(3):
        store(world, f"What is rate {number}?", sealed_at=BEGAN + timedelta(minutes=number))
    page = listed(auditor, q="rate")
    assert "stopped for time" in page
    assert f"{BEGAN + timedelta(minutes=2):%Y-%m-%d %H:%M} UTC" in page
    assert [f"What is rate {number}?" in page for number in range(3)] == [False, False, True]


def test_the_list_says_where_words_were_not_searched(world: World, auditor: Client) -> None:
    store(world, "What is the rate?", user_ids=["the"])
    page = listed(auditor, q="the")
    assert "Only ids were searched" in page
    assert "What is the rate?" in page


def test_nobody_finds_in_the_list_what_is_of_another_system(world: World, auditor: Client) -> None:
    store(make_world("aml-copilot"), "What is the secret rate?")
    assert "secret" not in listed(auditor, q="rate")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"cost__gte": "0.01", "cost__lte": ""}, {"dear"}),
        ({"cost__lte": "0.01"}, {"cheap"}),
        ({"input_tokens__gte": "11"}, {"dear"}),
        ({"output_tokens__lte": "5"}, {"cheap"}),
        ({"started_at__gte": "2026-05-04", "started_at__lte": "2026-05-04"}, {"cheap", "dear"}),
        ({"started_at__lte": "2026-05-03"}, {"early"}),
        ({"started_at__gte": "2026-05-05"}, set()),
    ],
)
def test_the_list_is_narrowed_by_a_typed_range(
    world: World, auditor: Client, query: dict[str, str], found: set[str]
) -> None:
    store(world, "early", started_at=BEGAN - timedelta(days=90))
    store(world, "cheap", cost="0.002", currency="EUR", input_tokens=10, output_tokens=5)
    store(world, "dear", cost="2", currency="EUR", input_tokens=5_000, output_tokens=700)
    response = auditor.get(reverse("admin:evidence_trace_changelist"), query)
    assert {trace.question for trace in response.context["cl"].result_list} == found


@pytest.mark.parametrize(
    "query",
    [
        {"cost__gte": "dear"}, {"cost__lte": "-1"}, {"cost__lte": "NaN"}, {"input_tokens__gte": "1.5"},
        {"cost__gte": "0.0000000000001"}, {"started_at__gte": "May"},
    ],
)  # fmt: skip
def test_a_range_of_something_else_is_refused(auditor: Client, query: dict[str, str]) -> None:
    page = auditor.get(reverse("admin:evidence_trace_changelist"), query, follow=True).content.decode()
    (name,) = query
    assert f"&#x27;{name}&#x27; is" in page
