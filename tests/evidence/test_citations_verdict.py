"""The verdict on a citation: what counts as standing in a document, and where."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.citations.claims import extract_claims
from evidence.citations.cost import CheckBudget, CheckTooCostly
from evidence.citations.normalise import measure, normalise
from evidence.citations.verdict import (
    CHECKER_VERSION,
    FOUND,
    FUZZY_THRESHOLD,
    CitationVerdict,
    Reason,
    Source,
    Verdict,
    check_citation,
)
from evidence.digests import sha256_hex

POLICY = (
    "§4 The standard overdraft rate is 15% per annum.\n"
    "Customers must not be charged more than USD 1,000.00 in any 12 month period. "
    "An applicant who is unable to pay may ask for a payment holiday."
)
CHINESE = (
    "第三条 个人贷款年利率为百分之五，最高额度五万元。提前还款不收取任何费用。客户应当在三十日内提交材料。"
)


def make_source(text: str, document_id: str = "DOC-1") -> Source:
    return Source.of(document_id=document_id, digest=sha256_hex(text.encode()), text=text)


def check(quote: str, text: str, *others: Source, hint: int | None = None) -> CitationVerdict:
    return check_citation(quote=quote, source=make_source(text), candidates=others, hint=hint)


@pytest.mark.parametrize(
    ("quote", "text", "verdict"),
    [
        ("standard overdraft rate is 15% per annum", POLICY, Verdict.VERBATIM),
        ("  standard overdraft rate is 15% per annum ", POLICY, Verdict.VERBATIM),
        ("STANDARD overdraft rate is 15 per cent per annum", POLICY, Verdict.NORMALISED),
        ("ｓｔａｎｄａｒｄ overdraft rate is １５％ per annum", POLICY, Verdict.NORMALISED),
        ("charged more than USD 1000 in any 12-month period", POLICY, Verdict.NORMALISED),
        ("Customers must not be charged more than USD 1,000 in any 12 months period", POLICY, Verdict.FUZZY),
        ("客户应当在30日内提交材料", CHINESE, Verdict.NORMALISED),
        ("个人贷款年利率为5%，最高额度 50,000 元", CHINESE, Verdict.NORMALISED),
        ("个人贷款年利率为5％,最高额度5万元", CHINESE, Verdict.NORMALISED),
        ("the moon is made of green cheese and nothing else", POLICY, Verdict.NOT_FOUND),
    ],
)
def test_verdict_by_how_the_words_stand_in_the_document(quote: str, text: str, verdict: Verdict) -> None:
    assert check(quote, text).verdict is verdict


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("5% per annum.", "The rate is 15% per annum."),
        ("The rate is 5", "The rate is 5.25 today."),
        ("The fee is 50", "The fee is 500 pounds."),
        ("able to pay the loan", "He was unable to pay the loan."),
        ("rate of 5% is paid", "A rate of -5% is paid."),
        ("5% is paid out", "A rate of -5% is paid out"),
        ("额度为五万元", "额度为十五万元。"),
    ],
)
def test_a_match_never_cuts_a_number_or_a_word(quote: str, text: str) -> None:
    assert check(quote, text).verdict is Verdict.NOT_FOUND


@pytest.mark.parametrize(
    "quote",
    [
        "The standard overdraft rate is 25% per annum",
        "Customers must be charged more than USD 1,000.00 in any 12 month period",
        "Customers must not be charged more than USD 9,000.00 in any 12 month period",
    ],
)
def test_another_number_or_negation_is_never_fuzzy_however_close(quote: str) -> None:
    verdict = check(quote, POLICY)
    assert verdict.verdict is Verdict.NOT_FOUND
    assert verdict.score >= FUZZY_THRESHOLD
    assert verdict.reason in {Reason.NUMBER_DIFFERS, Reason.NEGATION_DIFFERS}


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("able to pay the outstanding balance", "He is unable to pay the outstanding balance today."),
        ("The applicant is able to pay the loan back", "The applicant is unable to pay the loan back."),
        (
            "Residents pay tax on the whole of their income",
            "Non-residents pay tax on the whole of their income.",
        ),
        ("The charge is regular and it was paid in time", "The charge is irregular and it was paid in time"),
    ],
)
def test_a_word_turned_round_by_its_prefix_is_never_fuzzy(quote: str, text: str) -> None:
    verdict = check(quote, text)
    assert (verdict.verdict, verdict.reason) == (Verdict.NOT_FOUND, Reason.NEGATION_DIFFERS)
    assert verdict.score >= FUZZY_THRESHOLD


def test_a_preposition_is_not_taken_for_a_word_turned_round() -> None:
    verdict = check("He sent the papers to the bank at once", "He sent the papers into the bank at once")
    assert verdict.verdict is Verdict.FUZZY


def test_a_verdict_of_an_earlier_checker_is_given_again_by_its_own_rules() -> None:
    source = make_source("He is unable to pay the outstanding balance today.")
    quote = "able to pay the outstanding balance"
    earlier = check_citation(quote=quote, source=source, version="citation-check/1")
    assert (earlier.verdict, earlier.checker_version) == (Verdict.FUZZY, "citation-check/1")
    assert earlier.inputs_digest != check_citation(quote=quote, source=source).inputs_digest
    with pytest.raises(ValueError, match="citation-check/2"):
        check_citation(quote=quote, source=source, version="citation-check/0")


@pytest.mark.parametrize(
    ("quote", "reason", "nearest"),
    [
        (
            "standard overdraft rate is 25% per annum",
            Reason.NUMBER_DIFFERS,
            "standard overdraft rate is 15% per annum",
        ),
        ("5% per annum", Reason.CUTS_A_WORD, "15% per annum"),
        ("the moon is made of green cheese and nothing else", Reason.ALIGNMENT_TOO_LOW, None),
        ("rate", Reason.QUOTE_TOO_SHORT, None),
        ("moon cheese", Reason.TOO_SHORT_TO_ALIGN, None),
    ],
)
def test_a_quote_that_is_not_found_says_why_and_what_comes_nearest(
    quote: str, reason: Reason, nearest: str | None
) -> None:
    verdict = check(quote, POLICY)
    assert (verdict.verdict, verdict.reason, verdict.start) == (Verdict.NOT_FOUND, reason, None)
    assert verdict.detail
    if nearest:
        assert verdict.nearest is not None
        assert verdict.nearest.text == nearest
        assert POLICY[verdict.nearest.start : verdict.nearest.end] == nearest


def test_a_misattributed_quote_shows_what_the_named_document_has_instead() -> None:
    other = make_source("The standard overdraft rate is 25% per annum.", "DOC-2")
    verdict = check("The standard overdraft rate is 25% per annum", POLICY, other)
    assert (verdict.verdict, verdict.reason) == (Verdict.MISATTRIBUTED, Reason.IN_ANOTHER_DOCUMENT)
    assert verdict.nearest is not None
    assert verdict.nearest.text == "The standard overdraft rate is 15% per annum"


@settings(deadline=None)
@given(st.text(alphabet="ab 15%.不", max_size=80), st.text(alphabet="ab 15%.不", max_size=40))
def test_a_quote_that_aligns_wholly_and_is_not_found_says_why(text: str, quote: str) -> None:
    verdict = check(quote, text)
    if verdict.verdict is Verdict.NOT_FOUND and verdict.score == 100:
        assert verdict.reason in {Reason.NUMBER_DIFFERS, Reason.NEGATION_DIFFERS, Reason.CUTS_A_WORD}
        assert verdict.nearest is not None


@pytest.mark.parametrize("quote", ["", "   ", "...", "5%", "rate", "费用"])
def test_empty_or_too_short_quotes_are_never_found(quote: str) -> None:
    assert check(quote, POLICY + CHINESE).verdict is Verdict.NOT_FOUND


def test_a_quote_of_another_document_is_misattributed_with_its_place() -> None:
    other = make_source(CHINESE, "DOC-ZH")
    verdict = check("提前还款不收取任何费用", POLICY, make_source("irrelevant", "DOC-0"), other)
    assert (verdict.verdict, verdict.found_in) == (Verdict.MISATTRIBUTED, "DOC-ZH")
    assert CHINESE[verdict.start : verdict.end] == "提前还款不收取任何费用"


def test_the_cited_document_wins_over_an_equal_passage_elsewhere() -> None:
    verdict = check("standard overdraft rate", POLICY, make_source(POLICY, "COPY"))
    assert (verdict.verdict, verdict.found_in) == (Verdict.VERBATIM, None)


def test_an_unknown_document_is_unresolvable_even_where_the_words_stand_elsewhere() -> None:
    verdict = check_citation(quote="standard overdraft rate", source=None, candidates=[make_source(POLICY)])
    assert (verdict.verdict, verdict.start, verdict.found_in) == (Verdict.UNRESOLVABLE, None, None)


def test_the_hint_chooses_among_several_places_and_nothing_else() -> None:
    text = "the fee is waived. later: the fee is waived."
    assert check("the fee is waived", text).start == 0
    assert check("the fee is waived", text, hint=26).start == 26
    assert check("the fee is waived", text, hint=30) == check("the fee is waived", text)
    assert check("the fee is doubled", text, hint=0).verdict is Verdict.NOT_FOUND


def test_offsets_point_into_the_original_text_for_every_found_verdict() -> None:
    for quote in (
        "Standard Overdraft  rate",
        "more than USD 1000 in any 12 month",
        "is unable to pay may ask for a paymment",
    ):
        verdict = check(quote, POLICY)
        assert verdict.verdict in FOUND
        assert verdict.start is not None
        place = normalise(POLICY[verdict.start : verdict.end]).text
        assert place[:8] == normalise(quote).text[:8]


def test_the_inputs_digest_tells_every_input_apart() -> None:
    digests = {
        check("the fee is waived", POLICY).inputs_digest,
        check("the fee is doubled", POLICY).inputs_digest,
        check("the fee is waived", CHINESE).inputs_digest,
        check("the fee is waived", POLICY, make_source(CHINESE, "DOC-2")).inputs_digest,
        check_citation(quote="the fee is waived", source=None).inputs_digest,
    }
    assert len(digests) == 5
    assert check("the fee is waived", POLICY).checker_version == CHECKER_VERSION


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=60))
def test_any_text_gets_the_same_verdict_twice_and_sound_offsets(text: str, quote: str) -> None:
    first, second = check(quote, text), check(quote, text)
    assert first == second
    if first.verdict in FOUND:
        assert first.start is not None
        assert first.end is not None
        assert 0 <= first.start < first.end <= len(text)


WORDS = st.lists(
    st.sampled_from(
        [
            "the",
            "customer",
            "must",
            "repay",
            "1,500",
            "in",
            "30",
            "days",
            "客户",
            "应当",
            "五万",
            "元",
            "％",
            "—",
        ]
    ),
    min_size=12,
)


@settings(deadline=None)
@given(WORDS, st.data())
def test_a_passage_cut_at_spaces_is_found_after_changing_case_and_spacing(
    words: list[str], data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(words) - 8))
    passage = words[start : start + 8]
    exact = check(" ".join(passage), " ".join(words))
    assert exact.verdict in {
        Verdict.VERBATIM,
        Verdict.NOT_FOUND,
    }  # too short to be found, where most of it is signs
    changed = check("  ".join(passage).upper(), " ".join(words))
    assert (changed.verdict in FOUND) == (exact.verdict is Verdict.VERBATIM)


def test_a_sign_that_stands_for_a_phrase_costs_as_much_as_the_phrase() -> None:
    assert measure("\ufdfa" * 1_000) == 18_000
    with pytest.raises(
        CheckTooCostly
    ):  # 3.5 microseconds a character: as written, it would cost a third of this
        check_citation(quote=POLICY, source=make_source("\ufdfa" * 5_000), checks=CheckBudget(seconds=0.05))


def test_marks_without_end_on_one_letter_are_read_as_they_stand() -> None:
    """Their order is brought about piece by piece: all at once, these would take a minute."""
    text = "a" + "\u0315\u0300" * 60_000
    form = normalise(text)
    assert len(form.text) > 100_000
    assert (form.starts[0], form.ends[-1]) == (0, len(text))


@settings(deadline=None)
@given(st.text(max_size=300))
def test_normalising_keeps_a_sound_map_and_is_stable(text: str) -> None:
    form = normalise(text)
    assert len(form.text) == len(form.starts) == len(form.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(form.starts, form.ends, strict=True))
    assert list(form.starts) == sorted(form.starts)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("五万元", "50,000 元"),
        ("1.5万", "一万五千"),
        ("百分之三点五", "3.5%"),
        ("二〇二四年", "2024年"),
        ("伍萬圆", "5万圆"),
        ("1\u202f000\u202f000", "1,000,000"),
        ("١٢٣", "123"),
        ("can’t pay — now", "Can't pay - now"),
        ("USD 20.00", "usd 20"),
        ("一万亿", "1000000000000"),
    ],
)
def test_writings_of_the_same_thing_share_one_form(left: str, right: str) -> None:
    assert normalise(left).text == normalise(right).text


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("3.5%", "35%"),
        ("-5%", "5%"),
        ("section 3.10", "section 3.1"),
        ("5½", "51/2"),
        ("$5", "£5"),
        ("五万", "五千"),
    ],
)
def test_writings_of_different_things_stay_apart(left: str, right: str) -> None:
    assert normalise(left).text != normalise(right).text


@pytest.mark.parametrize(
    "text", ["万", "1,", "[1]", ". ", "[", '"', "“", " ", "1234567890", "Aaaa ", "a. ", "一", "银行", "> -"]
)
def test_hostile_repetition_takes_no_more_than_its_share(text: str) -> None:
    hostile = text * (5_000 // len(text))
    assert extract_claims(hostile) is not None
    assert check(hostile, hostile[:-1] + "x").checker_version == CHECKER_VERSION


def test_a_quote_too_long_for_an_alignment_must_stand_exactly() -> None:
    document = "All loans are repaid monthly and in full. " * 300
    quote = document[:8_000].replace("repaid", "paid back", 1)
    verdict = check(quote, document)
    assert verdict.verdict is Verdict.NOT_FOUND
    assert verdict.reason is Reason.TOO_LONG_TO_ALIGN
    assert check(document[:7_979], document).verdict is Verdict.VERBATIM
