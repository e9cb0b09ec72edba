"""Why a citation has its verdict: kept with the nearest passage, shown as a word diff, erased and replayed with it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation

from config.replay import replayer_of
from evidence.admin.frame.display import GOOD, WARN
from evidence.admin.review.answer import read_claims
from evidence.citations.verdict import CHECKER_VERSIONS, VERDICT_OF, Reason, Source, Verdict, check_citation
from evidence.claim_words import SENTENCES, say_why, show_score
from evidence.models import Citation, Scope, Trace
from evidence.services import log
from evidence.services.assembly.reasons import LONGEST_PASSAGE, reason_columns
from evidence.services.assembly.replay import recheck_citation
from evidence.services.disposal.erasure import erase_trace_payload
from evidence.services.log.checking import check_log
from tests.evidence.test_assembly import ANSWER, assemble, spans_of
from tests.factories import DOCUMENT_TEXT, World, acting

pytestmark = pytest.mark.django_db

RATE: Final = "The annual percentage rate is 7.9%"
NUMBER: Final = "The annual percentage rate is 8.9% for amounts between 5,000 and 15,000"
NEGATED: Final = "Applicants must not be at least 18 years old and resident for three years"
CUT_NUMBER: Final = "for amounts between 5,000 and 15,000. Applicants must be at least 1"
AGE: Final = "Applicants must be at least 18 years of age and resident for three years"
UNLIKE: Final = "Applicants should be at least in possession of a valid residence permit"
QUOTES: Final = {
    RATE: Reason.SAME_WORDS,
    NUMBER: Reason.NUMBER_DIFFERS,
    NEGATED: Reason.NEGATION_DIFFERS,
    CUT_NUMBER: Reason.NUMBER_DIFFERS,
    UNLIKE: Reason.ALIGNMENT_TOO_LOW,
    "percentage rat": Reason.CUTS_A_WORD,
    "rate": Reason.QUOTE_TOO_SHORT,
    "the annual PERCENTAGE   rate is 7.9%": Reason.SAME_ONCE_NORMALISED,
    AGE: Reason.WORD_DIFFERS,
    "Applicants must be at least 18 years old and residents for the three years": Reason.ALIGNED,
}


def citing(*quotes: str, document: str = "DOC-1") -> dict[str, Any]:
    return {
        "text": RATE + ".",
        "material": True,
        "citations": [
            {"index": "credit-assistant-docs", "document": document, "quote": quote} for quote in quotes
        ],
    }


def seal(world: World, *claims: dict[str, Any]) -> Trace:
    """Return a trace that declares these claims."""
    return assemble(world, spans_of(world, **{"tracebinder.claims": json.dumps(claims)}))


def citation_of(world: World, quote: str, document: str = "DOC-1") -> Citation:
    return Citation.objects.get(claim__trace=seal(world, citing(quote, document=document)))


def told(api: Any, world: World, trace: Trace, language: str = "en") -> dict[str, Any]:
    headers = {**world.headers(Scope.READ), "HTTP_ACCEPT_LANGUAGE": language}
    response = api.get(f"/api/v1/traces/{trace.trace_id.hex}", **headers)
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def page(world: World, name: str, *args: object, language: str = "en") -> str:
    client = Client(headers={"accept-language": language})
    client.force_login(world.people["auditor"])
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.mark.parametrize(("quote", "reason"), QUOTES.items())
def test_a_row_keeps_why_and_the_nearest_passage_at_its_place(
    world: World, quote: str, reason: Reason
) -> None:
    citation = citation_of(world, quote)
    assert (citation.reason, citation.verdict) == (reason, VERDICT_OF[reason])
    assert recheck_citation(citation).same
    start, end, text = citation.nearest_start, citation.nearest_end, citation.nearest_text
    if reason in {Reason.SAME_WORDS, Reason.SAME_ONCE_NORMALISED, Reason.QUOTE_TOO_SHORT}:
        assert (start, end, text) == (None, None, None)
    else:
        assert text
        assert DOCUMENT_TEXT[start:end] == text


def test_a_document_that_nobody_knows_is_the_reason(world: World) -> None:
    assert citation_of(world, RATE, document="DOC-9").reason == Reason.DOCUMENT_UNKNOWN


def test_an_alignment_of_1_that_is_not_found_says_which_number_differs(world: World) -> None:
    citation = citation_of(world, CUT_NUMBER)
    assert (citation.verdict, citation.score) == ("not_found", 1.0)
    assert say_why(citation) == (
        "The letters agree to 1.00, but the passage does not have each number of the quote: 1."
    )


def test_a_negation_is_named(world: World) -> None:
    assert say_why(citation_of(world, NEGATED)).endswith("is negated and the other is not: not.")


def test_words_that_only_one_text_has_are_named(world: World) -> None:
    citation = citation_of(world, AGE)
    assert citation.reason_terms == ["age", "old"]
    assert say_why(citation).endswith("one text has words that the other has not, or not there: age, old.")


def test_of_an_alignment_of_before_nothing_is_said_of_its_words() -> None:
    citation = Citation(reason=Reason.ALIGNED, score=0.95, threshold=0.9, checker_version="citation-check/2")
    assert say_why(citation).endswith("and has its numbers and negations.")
    citation.checker_version = "citation-check/3"
    assert say_why(citation).endswith("in the same words and numbers.")


@pytest.mark.parametrize(
    ("quote", "passage", "terms"),
    [
        ("The borrower is able to pay the balance", "The borrower is unable to pay the balance", ("able", "unable")),
        ("A tax of 5% of the gross interest is due from residents",
         "A tax of 5% of the gross interest is due from non-residents", ("non",)),
        ("You don't have to pay the fee in advance", "You do have to pay the fee in advance", ("n't",)),
    ],
)  # fmt: skip
def test_words_that_turn_a_text_round_are_named(quote: str, passage: str, terms: tuple[str, ...]) -> None:
    source = Source.of(document_id="D", digest="0" * 64, text=f"Terms. {passage}. End of terms.")
    verdict = check_citation(quote=quote, source=source)
    assert (verdict.reason, verdict.terms) == (Reason.NEGATION_DIFFERS, terms)


def test_a_score_is_cut_and_never_rounded_up_to_what_it_is_not() -> None:
    assert [show_score(score) for score in (1.0, 0.99999, 0.29, 0.8999)] == ["1.00", "0.99", "0.29", "0.89"]


def test_every_reason_has_one_sentence_in_both_languages_and_one_verdict() -> None:
    assert set(SENTENCES) == set(VERDICT_OF) == set(Reason)
    assert set(VERDICT_OF.values()) == set(Verdict)
    for reason in Reason:
        citation = Citation(reason=reason, score=0.834, threshold=0.9, reason_terms=["50"])
        english = say_why(citation)
        with translation.override("zh-hans"):
            chinese = say_why(citation)
        names_them = reason in {Reason.NUMBER_DIFFERS, Reason.NEGATION_DIFFERS, Reason.WORD_DIFFERS}
        assert english.endswith(": 50." if names_them else ".")
        assert re.search(r"[\u4e00-\u9fff].*" + ("：50。$" if names_them else "。$"), chinese), reason
        assert "%" not in english + chinese


def test_a_passage_as_long_as_a_document_is_cut_and_keeps_its_place() -> None:
    word = "x" * (2 * LONGEST_PASSAGE)
    source = Source.of(document_id="D", digest="0" * 64, text=f"{word}percentage")
    columns = reason_columns(check_citation(quote="x percentage"[2:], source=source))
    assert (columns["nearest_start"], columns["nearest_end"]) == (0, len(word) + 10)
    assert columns["nearest_text"] == word[:LONGEST_PASSAGE]


def test_a_claim_with_one_quote_found_and_one_failed_says_1_of_2(api: Any, world: World) -> None:
    trace = seal(world, citing(RATE, NUMBER), citing(RATE), citing(NUMBER))
    split, good, bad = told(api, world, trace)["claims"]
    assert (split["n_citations_found"], split["n_citations"]) == (1, 2)
    assert split["standing"] == "1 of 2 citations found in their sources"
    assert [good["standing"], bad["standing"]] == [
        "cited, found in its source",
        "cited, not found in its source",
    ]
    assert [card.tone for card in read_claims(trace)][:2] == [WARN, GOOD]
    record = page(world, "admin:evidence_trace_change", trace.pk)
    assert "1 of 2 citations found in their sources" in record
    assert "does not have each number of the quote: 8.9." in record
    assert "1 of 2 citations" in page(world, "admin:evidence_claim_change", trace.claims.get(ordinal=0).pk)


def test_the_api_tells_reason_sentence_passage_and_word_diff(api: Any, world: World) -> None:
    trace = seal(world, citing(NUMBER))
    (citation,) = told(api, world, trace)["claims"][0]["citations"]
    assert (citation["reason"], citation["reason_terms"]) == ("number_differs", ["8.9"])
    assert citation["why"].startswith("The letters agree to 0.9")
    nearest = citation["nearest"]
    assert DOCUMENT_TEXT[nearest["start"] : nearest["end"]] == nearest["text"]
    runs = [(run["side"], run["lead"], run["text"]) for run in citation["difference"]]
    assert runs == [
        ("both", "", "The annual percentage rate is"), ("quote", " ", "8.9"), ("passage", " ", "7.9"),
        ("both", "", "% for amounts between 5,000 and 15,000"),
    ]  # fmt: skip
    chinese = told(api, world, trace, "zh-hans")["claims"][0]["citations"][0]["why"]
    assert chinese.endswith("：8.9。")


def test_citations_are_listed_by_their_reason(api: Any, world: World) -> None:
    seal(world, citing(NUMBER, NEGATED, RATE))

    def quotes(reason: str) -> list[str]:
        response = api.get("/api/v1/citations", {"reason": reason}, **world.headers(Scope.READ))
        return [row["quote"] for row in response.json()["results"]]

    assert [quotes(reason) for reason in ("number_differs", "same_words")] == [[NUMBER], [RATE]]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_reviewer_sees_why_and_what_differs_without_colour(world: World, language: str) -> None:
    trace = seal(world, citing(RATE, NUMBER))
    shown = page(world, "admin:evidence_trace_review", trace.pk, language=language)
    quote, source = {"en": ("quote:", "source:"), "zh-hans": ("引文：", "来源：")}[language]
    assert f"<del><small>{quote} </small>8.9</del>" in shown
    assert f"<ins><small>{source} </small>7.9</ins>" in shown
    assert say_in(language, trace.claims.get().citations.get(ordinal=1)) in shown
    record = page(world, "admin:evidence_citation_change", trace.claims.get().citations.get(ordinal=1).pk)
    assert "<del><small>quote: </small>8.9</del>" in record


def say_in(language: str, citation: Citation) -> str:
    with translation.override(language):
        return say_why(citation)


def test_what_a_document_says_is_shown_and_never_run(world: World) -> None:
    citation = citation_of(world, NUMBER)
    card = read_claims(citation.claim.trace)[0].citations[0]
    hostile = '<script>alert("x")</script>'
    card.citation.quote, card.citation.nearest_text = hostile, hostile + " <b>"
    shown = render_to_string("admin/evidence/nearest.html", {"card": card})
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_a_passage_with_little_in_common_is_folded_away(world: World) -> None:
    citation = citation_of(world, UNLIKE)
    card = read_claims(citation.claim.trace)[0].citations[0]
    assert card.is_near
    card.citation.score = 0.31
    assert not card.is_near


def test_an_erasure_takes_words_and_passage_and_leaves_reason_and_proof(api: Any, world: World) -> None:
    trace = seal(world, citing(NUMBER))
    log.sequence_events(limit=1_000)
    log.sign_checkpoint()
    erase_trace_payload(system=world.system, trace_id=trace.trace_id, reason="request 1", principal=acting())
    citation = Citation.objects.get()
    assert (citation.reason_terms, citation.nearest_text, citation.quote) == ([], "[erased]", "[erased]")
    assert (citation.reason, citation.verdict) == ("number_differs", "not_found")
    assert citation.nearest_start is not None
    assert say_why(citation).endswith("does not have each number of the quote.")
    assert told(api, world, trace)["claims"][0]["citations"][0]["difference"] == []
    assert "erased" in page(world, "admin:evidence_trace_review", trace.pk)
    replayed = replayer_of("evidence.Citation")(citation)
    assert replayed.gone
    log.sequence_events(limit=1_000)
    log.sign_checkpoint()
    checked = check_log()
    assert checked.holds, checked.faults


@pytest.mark.parametrize(
    ("column", "value"),
    [("reason", "negation_differs"), ("reason_terms", ["9"]), ("nearest_start", 1), ("nearest_text", "x")],
)
def test_a_reason_that_does_not_come_out_the_same_is_no_replay(
    world: World, column: str, value: object
) -> None:
    citation = citation_of(world, NUMBER)
    replay = replayer_of("evidence.Citation")
    assert replay(citation).agrees
    setattr(citation, column, value)
    assert replay(citation).replayed_verdict == f"not_found ({column} are not as stored)"


@pytest.mark.parametrize("version", CHECKER_VERSIONS)
def test_verdicts_of_before_replay_by_their_own_rules_and_say_that_they_kept_no_reason(
    api: Any, world: World, version: str
) -> None:
    trace = seal(world, citing(NUMBER))
    citation = Citation.objects.get()
    source = Source.of(document_id="DOC-1", digest=citation.document.digest, text=DOCUMENT_TEXT)  # type: ignore[union-attr]  # it is known
    citation.inputs_digest = check_citation(quote=NUMBER, source=source, version=version).inputs_digest
    citation.checker_version = version
    for column in ("reason", "reason_terms", "nearest_start", "nearest_end", "nearest_text"):
        setattr(citation, column, None)
    assert replayer_of("evidence.Citation")(citation).agrees
    assert say_why(citation) == "This was checked before verdicts kept their reason."
    assert trace.claims.exists()


def test_a_trace_says_how_many_claims_were_declared_and_how_many_derived(api: Any, world: World) -> None:
    declared = seal(world, citing(RATE))
    facts = told(api, world, declared)["facts"]
    assert (facts["n_claims"], facts["n_declared"], facts["n_derived"]) == (1, 1, 0)
    assert (facts["n_material_declared"], facts["n_material_derived"]) == (1, 0)
    shown = page(world, "admin:evidence_trace_review", declared.pk)
    assert "1 claim, 1 of them declared by the application." in shown
    assert "may have missed some" not in shown


def test_claims_that_nobody_declared_are_said_to_be_found_by_the_extractor(api: Any, world: World) -> None:
    derived = seal(world)
    assert derived.answer == ANSWER
    facts = told(api, world, derived)["facts"]
    assert (facts["n_claims"], facts["n_declared"], facts["n_derived"]) == (2, 0, 2)
    for name in ("admin:evidence_trace_review", "admin:evidence_trace_change"):
        shown = page(world, name, derived.pk)
        assert "2 claims, 0 of them declared by the application." in shown
        assert "The others were found by our extractor, which may have missed some." in shown
