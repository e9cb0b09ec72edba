"""A quote is found in the words of its document: one word for another is never found, a slip of the pen always is."""

from __future__ import annotations

import random
import re
from typing import Final

import pytest
from django.conf import settings as deployment
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from bench.wording import APART, CHANGED, LIKE_SLIPS, VERSIONS, measure
from evidence.citations.cost import CheckBudget, CheckTooCostly
from evidence.citations.verdict import (
    BEFORE_WORDS,
    CHECKER_VERSION,
    FOUND,
    FUZZY_THRESHOLD,
    LOOKED_THROUGH,
    MAX_TERMS,
    CitationVerdict,
    Reason,
    Source,
    Verdict,
    check_citation,
)
from evidence.digests import sha256_hex
from tests.how_many import examples

GOLD: Final = (
    "1. Scope. The bank pays gold above 25500 euro to any customer who asks. Records are kept for ten years."
)
LOAN: Final = (
    "The applicant must provide proof of the income before the loan is approved by the payer of the fee."
)
CASH: Final = "第五条 客户凭有效身份证件可以在本行任一网点支取现金并办理登记手续，费用由付款人承担。"


def check(quote: str, text: str, version: str = CHECKER_VERSION) -> CitationVerdict:
    source = Source.of(document_id="DOC-1", digest=sha256_hex(text.encode()), text=text)
    return check_citation(quote=quote, source=source, version=version)


@pytest.mark.parametrize(
    ("quote", "text", "terms"),
    [
        ("The bank pays cash above 25500 euro to any customer who asks", GOLD, ("cash", "gold")),
        (LOAN.replace("must", "may"), LOAN, ("may", "must")),
        (LOAN.replace("approved", "rejected"), LOAN, ("rejected", "approved")),
        (LOAN.replace("payer", "payee"), LOAN, ("payee", "payer")),
        (LOAN.replace("before", "after"), LOAN, ("after", "before")),
        (LOAN.replace(" is ", " was "), LOAN, ("was", "is")),
        ("The rate may increase by as much as the board decides",
         "The rate may decrease by as much as the board decides.", ("increase", "decrease")),
        ("A statement of the charge is sent to each customer in writing",
         "A statement of the change is sent to each customer in writing.", ("charge", "change")),
        ("客户凭有效身份证件可以在本行任一网点支取黄金并办理登记手续", CASH, ("黄", "现", "金")[:2]),
        ("客户凭有效身份证件必须在本行任一网点支取现金并办理登记手续", CASH, ("必须", "可以")),
    ],
)  # fmt: skip
def test_one_word_for_another_is_not_found_and_both_are_named(
    quote: str, text: str, terms: tuple[str, ...]
) -> None:
    verdict = check(quote, text)
    assert (verdict.verdict, verdict.reason) == (Verdict.NOT_FOUND, Reason.WORD_DIFFERS)
    assert verdict.terms == terms
    assert all(term in verdict.detail for term in terms)
    assert verdict.score >= FUZZY_THRESHOLD
    assert verdict.nearest is not None


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("investor", "inventor"), ("chargeable", "changeable"), ("founded", "funded"), ("debited", "debated"),
        ("confirms", "conforms"), ("dividend", "divided"), ("deferred", "deterred"), ("repealed", "repeated"),
        ("unable", "usable"), ("uninsured", "uninjured"), ("filing", "filling"), ("planing", "planning"),
        ("owed", "owing"), ("charging", "charged"), ("acquired", "acquiring"), ("securities", "security"),
        ("found", "founded"), ("lies", "lien"), ("它", "他"), ("있습니다", "없습니다"),
    ],
)  # fmt: skip
def test_another_word_of_almost_the_same_letters_is_no_slip(ours: str, theirs: str) -> None:
    sentence = (
        f"In the ordinary course of its business the bank {theirs} at the time of the review of its books."
    )
    for quote, text in ((ours, theirs), (theirs, ours)):
        verdict = check(sentence.replace(theirs, quote), sentence.replace(theirs, text))
        assert (verdict.verdict, verdict.reason) in {
            (Verdict.NOT_FOUND, Reason.WORD_DIFFERS), (Verdict.NOT_FOUND, Reason.NEGATION_DIFFERS),
        }  # fmt: skip


@pytest.mark.parametrize(
    ("quote", "text", "term"),
    [
        ("The fee is refundable on closure of the account by the customer in it",
         "The fee is partly refundable on closure of the account by the customer in it.", "partly"),
        ("The bank pays gold above 25500 euro only to any customer who asks", GOLD, "only"),
        ("The penalty for a late return is up to one tenth of the balance outstanding on that day",
         "The penalty for a late return is one tenth of the balance outstanding on that day", "up"),
        ("The borrower may repay the whole of the loan in advance without a charge of any kind within days",
         "The borrower may repay the whole of the loan in advance without a charge of any kind within 30 days", "30"),
        ("客户凭有效身份证件可以在本行网点支取现金并办理登记手续", CASH, "任"),
    ],
)  # fmt: skip
def test_a_word_left_out_or_added_is_not_found(quote: str, text: str, term: str) -> None:
    verdict = check(quote, text)
    assert (verdict.verdict, verdict.reason) == (Verdict.NOT_FOUND, Reason.WORD_DIFFERS)
    assert term in verdict.terms


def test_the_same_words_in_another_order_are_not_the_same() -> None:
    quote, text = ("the {} pays the {} the whole of the amount due on that day".format(*pair) for pair in (
        ("payee", "payer"), ("payer", "payee"),
    ))  # fmt: skip
    assert check(quote, text).reason is Reason.WORD_DIFFERS


def test_words_that_both_texts_have_are_said_to_stand_in_another_order() -> None:
    both = check(
        "The fee that the payer must pay in gold is due on the first working day of the month after it",
        "The fee that the payer pay must in cash is due on the first working day of the month after it.",
    )
    assert set(both.terms) in ({"gold", "cash", "must"}, {"gold", "cash", "pay"})
    assert both.detail.startswith("only the quote has gold; only the passage has cash; in another order: ")


def test_words_that_are_parted_otherwise_are_said_to_be() -> None:
    verdict = check(
        "The fee that is here in after called the charge is due on the first working day of the month",
        "The fee that is hereinafter called the charge is due on the first working day of the month.",
    )
    assert (verdict.reason, verdict.terms) == (Reason.WORD_DIFFERS, ())
    assert verdict.detail == "the same words in another order or otherwise parted"


BALANCE: Final = "of the capital is the result of the bank for the year and is carried forward to the next"


@pytest.mark.parametrize("sign", ["-", "−", "–", "±", "± "])
def test_a_number_is_not_found_without_its_sign(sign: str) -> None:
    text = f"Result. {sign}3 percent {BALANCE}."
    for quote in (f"3 percent {BALANCE}", f"3 percent {BALANCE}".replace("the result", "result")):
        verdict = check(quote, text)
        assert verdict.verdict is Verdict.NOT_FOUND
        assert verdict.reason in {Reason.CUTS_A_WORD, Reason.NUMBER_DIFFERS}
    with_it = check(f"{sign}3 percent {BALANCE}".replace("the result", "result"), text)
    assert with_it.verdict is Verdict.FUZZY, with_it.detail


REPAID: Final = "The borrower repays the loan in equal parts on the last day of each month of the term agreed"


@pytest.mark.parametrize("dots", ["...", "…", ". . .", "。。。", "．．．", "......"])
def test_an_ellipsis_stands_for_no_more_than_the_alignment_allows(dots: str) -> None:
    receipt = "and the bank confirms it in writing within a week of the day on which it is credited"
    text = f"{REPAID}, {receipt}, with a number. Staff loans are, as a benefit that is taxed, free of charge."
    assert check(f"{REPAID}, {receipt} {dots} number", text).verdict is Verdict.FUZZY
    verdict = check(f"{REPAID}, {receipt} {dots} free of charge", text)
    assert (verdict.verdict, verdict.reason) == (Verdict.NOT_FOUND, Reason.ALIGNMENT_TOO_LOW), verdict.detail
    assert 0 < verdict.score < FUZZY_THRESHOLD
    assert verdict.nearest is not None
    assert verdict.nearest.text.endswith("free of charge")


def test_a_place_has_as_many_little_words_around_it_as_the_quote() -> None:
    text = f"It is told which of the. A {LOAN[4:-1]} of the. The next is of no matter."
    bare = LOAN[4:-1].replace("before the", "before a")
    for quote, place in (
        (f"The {bare} of", f"A {LOAN[4:-1]} of"),
        (bare, LOAN[4:-1]),
    ):
        verdict = check(quote, text)
        assert text[verdict.start : verdict.end] == place


def test_a_passage_far_from_what_reads_most_like_the_quote_is_not_looked_for() -> None:
    quote = "The fee of loan is paid by the payer in advance"
    misleading, truthful = quote.replace("payer", "payee"), quote.replace("of loan", "of the loan")
    for spare, found in ((1_000, True), (LOOKED_THROUGH + 1_000, False)):
        between = "Rules are kept. " * (spare // 15)
        verdict = check(quote, f"{misleading}. {between} {truthful}.")
        assert (verdict.verdict is Verdict.FUZZY) is found, spare


@pytest.mark.parametrize(("length", "size"), [(300_000, 200), (1_000_000, 100)])
def test_forty_near_misses_of_a_long_document_are_within_the_budget_of_a_trace(
    length: int, size: int
) -> None:
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=n % 6 + 4)) for n in range(3_000)]
    text = " ".join(chance.choices(words, k=length // 5))[:length]
    source = Source.of(document_id="DOC-1", digest="0" * 64, text=text)
    checks = CheckBudget(deployment.TRACE_CHECK_BUDGET)
    for n in range(40):
        start = text.index(" ", n * (length // 41)) + 1
        changed = text[start : start + size].split(" ")[:-1]
        changed[len(changed) // 2] = "zz"
        verdict = check_citation(quote=" ".join(changed), source=source, checks=checks)
        assert verdict.reason is Reason.WORD_DIFFERS


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        (LOAN.replace("of the income", "of income"), LOAN),
        (LOAN.replace("before the", "before a"), LOAN),
        (LOAN.replace(" is ", " are "), LOAN),
        (LOAN.replace("applicant", "applicants"), LOAN),
        (LOAN.replace("provide", "provided"), LOAN),
        (LOAN.replace("approved", "approvd"), LOAN),
        ("The bank pays gold above 25500 euro to any customer that asks", GOLD),
        ("The bank pays gold above 25500 euro into any customer who asks", GOLD),
        ("A colour of the organisation is shown on line in the customers' own pages",
         "A color of the organization is shown online in the customer's own pages."),
        ("The notes of the members of S&P 500 are held for as long as the fund exists",
         "> The notes® of members of S&P 500 are held for as long as the fund exists"),
        ("The centre recieves each instalment before the programme of the year begins",
         "● The center receives each installment before the program of the year begins"),
        ("... The bank pays gold above 25500 euro to any customers who asks …", GOLD),
        ("The bank pays [...] above 25500 euro to any customer who asks", GOLD),
        ("客户凭有效的身份证件可以在本行任一网点支取现金并办理登记手续", CASH),
        ("客户凭有效身份证件可以在本行任一网点支取了现金并办理登记手续", CASH),
    ],
)  # fmt: skip
def test_a_slip_of_the_pen_is_found(quote: str, text: str) -> None:
    verdict = check(quote, text)
    assert (verdict.verdict, verdict.reason) == (Verdict.FUZZY, Reason.ALIGNED), verdict.detail


def test_a_truthful_quote_is_found_where_a_misleading_passage_reads_more_like_it() -> None:
    text = "The fee of loan is paid by the payee in advance. The fee of the loan is paid by the payer in advance."
    verdict = check("The fee of loan is paid by the payer in advance.", text)
    assert verdict.verdict is Verdict.FUZZY
    assert text[verdict.start : verdict.end] == "The fee of the loan is paid by the payer in advance"


def test_a_word_that_the_document_has_elsewhere_is_no_slip() -> None:
    text = "The clerk keeps a register of each withdrawal from the vault. "
    assert check(text.replace("withdrawal", "withdrawel"), text).verdict is Verdict.FUZZY
    elsewhere = check(text.replace("withdrawal", "withdrawel"), text + "A withdrawel is a kind of key.")
    assert elsewhere.reason is Reason.WORD_DIFFERS


@pytest.mark.parametrize(
    "text",
    [
        "Holders of Class[ A] shares may vote at the general meeting of the company.",
        "Processing under Articles 6(1)[(a)] and 7 is lawful for as long as the consent holds.",
        "Processing under § 6(1)[(a)] and Rule 7 is lawful for as long as the consent holds.",
        "Whoever is rated[ A] or higher pays no margin to the bank in the year of the review.",
        "The margin of Facility[ A] is paid to the bank in the year of the review of its books.",
        "The customers of the bank may buy [A]股 and B股 at any of its counters on working days.",
    ],
)
def test_a_letter_that_is_a_name_is_no_article(text: str) -> None:
    whole, without = re.sub(r"[\[\]]", "", text), re.sub(r"\[.*?\]", "", text)
    assert check(without, whole).terms == ("a",)


def test_a_quote_that_has_more_to_say_than_its_document_is_not_found() -> None:
    verdict = check(
        "The bank pays gold to any customer who asks and is not yet known",
        "The bank pays gold to any customer who asks",
    )
    assert verdict.verdict is Verdict.NOT_FOUND


def test_a_quote_cut_within_a_word_says_so() -> None:
    verdict = check(
        "Records are kept for ten years. The bank pays go",
        "Records are kept for ten years. The bank pays gold.",
    )
    assert (verdict.verdict, verdict.reason) == (Verdict.NOT_FOUND, Reason.CUTS_A_WORD)


@pytest.mark.parametrize("version", BEFORE_WORDS)
def test_verdicts_of_before_took_one_word_for_another(version: str) -> None:
    verdict = check("The bank pays cash above 25500 euro to any customer who asks", GOLD, version)
    assert (verdict.verdict, verdict.terms, verdict.checker_version) == (Verdict.FUZZY, (), version)


def test_a_long_quote_is_compared_whole() -> None:
    words = [f"item{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(300)]
    text = " ".join(words)
    assert check(text.replace("itemab", "thingab"), text).terms == ("thingab", "itemab")
    other = [f"new{word[4:]}x" if place % 4 == 0 else word for place, word in enumerate(words)]
    assert check(" ".join(other[:100]), text).verdict is Verdict.NOT_FOUND


def test_no_more_words_are_named_than_anybody_reads() -> None:
    text = " ".join(f"customer{chr(97 + n)}x" for n in range(26))
    verdict = check(text.replace("x", "y"), text)
    assert verdict.reason is Reason.WORD_DIFFERS
    assert len(verdict.terms) == MAX_TERMS


def test_the_comparison_of_words_has_its_price() -> None:
    source = Source.of(document_id="DOC-1", digest="0" * 64, text=LOAN)
    for_the_rest = CheckBudget(seconds=0.0012)  # reading, search and alignment, and not the words
    with pytest.raises(CheckTooCostly):
        check_citation(quote=LOAN.replace("must", "may"), source=source, checks=for_the_rest)
    earlier = check_citation(
        quote=LOAN.replace("must", "may"),
        source=source,
        checks=CheckBudget(0.0012),
        version="citation-check/2",
    )
    assert earlier.verdict is Verdict.FUZZY


@pytest.mark.parametrize("text", ["loan ", "the ", "of the ", "的", "客户", "… a ", "loans loan "])
def test_texts_that_repeat_themselves_take_no_more_than_their_share(text: str) -> None:
    document = text * (20_000 // len(text))
    quote = text * (800 // len(text)) + "x"
    assert check(quote, document).verdict is not Verdict.VERBATIM


def test_of_the_examples_documents_what_is_changed_is_not_found_and_what_is_misspelt_is() -> None:
    counted = measure(seed=7)
    before, now = VERSIONS
    for kind in {kind for kind, _ in counted}:
        if kind in CHANGED:
            assert counted[kind, before] > 0.7 * counted[kind, "n"], kind
            assert counted[kind, now] < 0.002 * counted[kind, "n"], kind
        elif kind in LIKE_SLIPS:
            most = 1.0 if kind == "a letter of a name left out" else 0.05  # no list has the names
            assert 0 < counted[kind, "n"] * most >= counted[kind, now], kind
        else:
            assert counted[kind, now] > 0.98 * counted[kind, before], kind


def test_the_pairs_of_words_one_letter_apart_are_that() -> None:
    assert all(OSA.distance(*pair) == 1 for pair in APART)


LITTLE: Final = ("the", "a", "of", "that")
CONTENT: Final = (
    "bank", "customer", "gold", "cash", "payer", "payee", "must", "may", "approve", "reject", "increase", "decrease",
    "before", "after", "deposit", "withdrawal", "account", "guarantee", "borrower", "interest", "within", "only",
    "partly", "monthly", "statement", "maturity", "collateral", "register", "and", "or", "from", "under", "over", "12",
    "30", "not",
)  # fmt: skip
ENGLISH: Final = st.lists(st.sampled_from(CONTENT) | st.sampled_from(LITTLE), min_size=24, max_size=60)
SLIPS: Final = {
    "withdrawal": "withdrawl",
    "collateral": "colateral",
    "borrower": "borrowwer",
    "statement": "statemnet",
}


def leave_out(words: list[str], place: int) -> list[str]:
    assume(words[place] in LITTLE)
    return [*words[:place], *words[place + 1 :]]


def add(words: list[str], place: int) -> list[str]:
    return [*words[:place], "the", *words[place:]]


def exchange(words: list[str], place: int) -> list[str]:
    assume(words[place] in LITTLE)
    return [*words[:place], "an", *words[place + 1 :]]


def inflect(words: list[str], place: int) -> list[str]:
    word = words[place]
    assume(word in {"bank", "customer", "deposit", "account", "guarantee", "approve", "reject", "increase"})
    return [*words[:place], word + "s", *words[place + 1 :]]


def slip(words: list[str], place: int) -> list[str]:
    assume(words[place] in SLIPS)
    return [*words[:place], SLIPS[words[place]], *words[place + 1 :]]


def counted(words: list[str]) -> str:
    return " ".join(["", *(word for word in words if word not in LITTLE), ""])


@settings(deadline=None, max_examples=examples(300))
@given(ENGLISH, st.data())
def test_a_truthful_passage_with_one_slip_stays_found(words: list[str], data: st.DataObject) -> None:
    words = [word for word in words if not word.isdigit()]  # after which `a` is a name
    assume(len(words) > 20)
    start = data.draw(st.integers(0, len(words) - 20))
    end = data.draw(st.integers(start + 16, len(words)))
    passage = words[start:end]
    change = data.draw(st.sampled_from([leave_out, add, exchange, inflect, slip]))
    changed = " ".join(change(passage, data.draw(st.integers(0, len(passage) - 1))))
    assume(len(changed) > 80)
    verdict = check(changed, " ".join(words))
    assert verdict.verdict in FOUND, (verdict.reason, verdict.terms)


def put(words: list[str], place: int, new: str) -> list[str]:
    assume(words[place] not in LITTLE)
    return [*words[:place], new, *words[place + 1 :]]


def put_in(words: list[str], place: int, new: str) -> list[str]:
    return [*words[:place], new, *words[place:]]


def take_out(words: list[str], place: int, _: str) -> list[str]:
    return [*words[:place], *words[place + 1 :]]


@settings(deadline=None, max_examples=examples(300))
@given(ENGLISH, st.data())
def test_a_passage_with_another_word_is_never_found(words: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(words) - 20))
    end = data.draw(st.integers(start + 16, len(words)))
    passage = words[start:end]
    change = data.draw(st.sampled_from([put, put_in, take_out]))
    place = data.draw(st.integers(0, len(passage) - 1))
    changed = change(passage, place, data.draw(st.sampled_from(CONTENT)))
    assume(counted(changed) not in counted(words))
    verdict = check(" ".join(changed), " ".join(words))
    assert verdict.verdict is Verdict.NOT_FOUND
    if verdict.reason is Reason.WORD_DIFFERS:
        assert verdict.terms
        assert set(verdict.terms) <= set(changed) | set(words)


HAN: Final = "银行客户现黄金必须可以支取存款人收付前后增减批准拒绝"
CHINESE: Final = st.text(alphabet=HAN + "的之", min_size=40, max_size=90)


@settings(deadline=None, max_examples=examples(300))
@given(CHINESE, st.data())
def test_in_chinese_little_characters_may_go_and_no_other_may(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, 10))
    passage = text[start : data.draw(st.integers(start + 24, len(text)))]
    place = data.draw(st.integers(0, len(passage) - 1))
    new = data.draw(st.sampled_from([*HAN, "的", ""]))
    changed = passage[:place] + new + passage[place + data.draw(st.integers(0, 1)) :]
    plain_text, plain = (re.sub("[的之]", "", one) for one in (text, changed))
    verdict = check(changed, text)
    assert (verdict.verdict in FOUND) == (plain in plain_text), (verdict.reason, verdict.terms)


SIGNED: Final = st.lists(
    st.tuples(
        st.sampled_from(["", "-", "−", "±"]),
        st.sampled_from(["3", "25", "1.5", "40,000", "of", "the", *CONTENT[:12]]),
    ).map(lambda pair: pair[0] + pair[1] if pair[1][0].isdigit() else pair[1]),
    min_size=24,
    max_size=60,
)


@settings(deadline=None, max_examples=examples(300))
@given(SIGNED, st.data())
def test_what_is_found_begins_and_ends_with_whole_words_and_numbers(
    words: list[str], data: st.DataObject
) -> None:
    text = " ".join(words)
    start = data.draw(st.integers(0, len(text) // 3))
    quote = text[start : data.draw(st.integers(start + len(text) // 2, len(text)))]
    place = data.draw(st.integers(0, quote.count(" the ")))
    quote = " ".join(quote.rsplit(" the ", place)) if place else quote
    verdict = check(quote, text)
    if verdict.start is None or verdict.end is None:
        return
    first, last = text[verdict.start], text[verdict.end - 1]
    before, after = text[: verdict.start][-1:], text[verdict.end :][:1]
    assert not (before.isalnum() and first.isalnum())
    assert not (last.isalnum() and after.isalnum())
    assert not (first.isdigit() and before in tuple("-−±.,"))
