"""Claims found in answers that declare none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.agreement import Agreement
from bench.claims import (
    build_report,
    measure_marks,
    measure_material,
    measure_segmentation,
    read_labelled,
)
from bench.labelled_answers import SETS, measure_answers, read_answers
from evidence.citations.claims import extract_claims, remove_marks
from evidence.citations.words import words_of

ANSWER = (
    "Thank you for asking. The fee is $5.00 a month. [FEE-1]\n"
    "- Mr. Lin must sign, e.g. by post [1, 2].\n"
    "Is that clear? 年利率为3.5%【3】。祝好！"
)


def test_claims_carry_offsets_kinds_and_marks() -> None:
    claims = extract_claims(ANSWER)
    assert [claim.text for claim in claims] == [
        "Thank you for asking.",
        "The fee is $5.00 a month.",
        "Mr. Lin must sign, e.g. by post.",
        "年利率为3.5%。",
        "祝好！",
    ]
    assert [claim.material for claim in claims] == [False, True, True, True, False]
    assert [[mark.ref for mark in claim.marks] for claim in claims] == [[], ["FEE-1"], ["1", "2"], ["3"], []]
    for claim in claims:
        for mark in claim.marks:
            assert ANSWER[mark.start] in "[【"
            assert claim.start <= mark.start < mark.end <= claim.end


def test_quoted_passages_are_kept_apart_from_the_claim() -> None:
    (claim,) = extract_claims("The policy says “no fee is charged to students” [P-1].")
    assert claim.quotes == ("no fee is charged to students",)


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("The fee [1] , as told\t. It  is 5 EUR [2].", "The fee, as told. It is 5 EUR."),
        ("费用 [1] 。", "费用。"),
        ("Two\t\twords\nand a line", "Two words\nand a line"),
        ("A .\n .", "A.\n."),
        ("nothing to take", "nothing to take"),
    ],
)
def test_spaces_that_marks_leave_go_with_them(sentence: str, text: str) -> None:
    assert remove_marks(sentence) == text


@given(st.text(alphabet="aBé_9 .,-–\t\n'中ſİ", max_size=40))
def test_words_are_letters_digits_and_underscores_that_stand_together(text: str) -> None:
    assert words_of(text) == re.findall(r"\w+", text)


def test_markdown_links_and_check_boxes_are_no_marks() -> None:
    (claim,) = extract_claims("See [our page](https://bank.example) and [x] tick.")
    assert claim.marks == ()


@pytest.mark.parametrize("answer", ["", "   \n\n", "...", "？！"])
def test_an_answer_without_words_has_no_claims(answer: str) -> None:
    assert extract_claims(answer) == ()


@settings(deadline=None)
@given(st.text(max_size=300))
def test_sentences_never_overlap_and_lie_in_the_answer(answer: str) -> None:
    position = 0
    for claim in extract_claims(answer):
        assert position <= claim.start < claim.end <= len(answer)
        position = claim.end


@pytest.mark.parametrize(
    "sentence",
    [
        "Customers send us the original passport.",
        "If you need to change your details, you must visit a branch.",
        "Only a director can decide on an exception.",
        "The documents were never returned.",
        "The information was not disclosed by the applicant.",
        "No personal details are shared with third parties.",
        "The information is shared with the police.",
        "It covers accidental damage.",
        "This covers flood and fire.",
        "The documents listed below are kept for ten years.",
        "Annex I applies to banks.",
        "The message was sent to the wrong branch.",
        "The reply was late.",
        "There are several steps before a loan is paid out.",
        "Should the borrower default, the pledge falls to the bank.",
        "Have the form stamped by the notary.",
        "First, the notary certifies the copy.",
        "Nobody checked the signature.",
        "We take a copy of the passport.",
        "We always check the address.",
        "In general, appeals go to the board.",
        "Sources of income are verified.",
        "To close the account, visit a branch.",
        "Contact the fraud team before you refund.",
        "Ask the customer for the original invoice.",
        "Check the signature against the specimen.",
        "What the customer signed was a guarantee.",
        "When the rate changes, the customer gets a letter.",
        "How the premium is set depends on the age of the driver.",
        "Which branch holds the original decides where the claim is filed.",
        "文件未盖章。",
        "材料不齐全的，银行不予受理。",
        "客户应提前通知我们。",
        "信息不会提供给第三方。",
        "资料由客户经理保管。",
        "以上费用由借款人承担。",
        "具体金额由审计部核定。",
        "在境外取现按照汇率折算。",
        "如需变更地址，客户本人到网点办理。",
        "条款以中文版为准。",
        "目前没有逾期。",
        "要求客户提供原件。",
        "确认客户身份后再放款。",
        "请在到期前归还借款。",
        "Please return the signed copy to the branch.",
        "You do not have to tell your employer.",
        "You have to be told of the price.",
        "Perhaps the invoice was forged.",
        "My understanding is that the director resigned.",
        "You must tell the insurer.",
        "Maybe the courier lost the parcel.",
        "The document was signed by the wife of the borrower.",
        "The first document is a forgery.",
        "Two discrepancies were found.",
        "Decision: refer to the underwriter.",
        "You may appeal within six weeks.",
        "也许保险公司拒赔。",
        "该文档由李四签署。",
        "该操作只有您本人能办理。",
        "请携带身份证原件。",
        "部分数据有遗漏。",
        "合同未签字。",
    ],
)
def test_a_statement_that_begins_like_a_courtesy_is_one_all_the_same(sentence: str) -> None:
    assert [claim.material for claim in extract_claims(sentence)] == [True]


@pytest.mark.parametrize(
    "sentence",
    [
        "Please double-check this before you rely on it.",
        "You might want to sleep on it.",
        "That's entirely up to you.",
        "You are not alone in this.",
        "My confidence in this is low.",
        "The second article is not relevant here.",
        "Opinions differ.",
        "It comes down to how you use it.",
        "By the way, if you are unsure, ask your adviser.",
        "您可以考虑再等等。",
        "这完全由您决定。",
        "请节哀。",
        "给您添麻烦了。",
        "本摘要由系统自动生成。",
        "条款有歧义。",
        "没有也没关系。",
    ],
)
def test_advice_comfort_and_talk_of_the_talk_state_nothing(sentence: str) -> None:
    assert not any(claim.material for claim in extract_claims(sentence))


@pytest.mark.parametrize(
    ("answer", "sentences"),
    [
        ("The scan is in building B. Metal stays outside.", 2),
        ("It was signed by B. Weiss on Friday.", 1),
        ("Hepatitis B. vaccination is offered.", 1),
    ],
)
def test_a_letter_that_names_a_place_ends_a_sentence_and_an_initial_does_not(
    answer: str, sentences: int
) -> None:
    assert len(extract_claims(answer)) == sentences


LINES = ["The fee is due.", "| a | b |", "|---|---|", "```", "# Fees", "- one", "须签字。", " ", "x:"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(LINES)))
def test_each_claim_of_lists_tables_and_code_stands_at_its_offsets(lines: list[str]) -> None:
    answer = "\n".join(lines)
    for claim in extract_claims(answer):
        assert claim.text == remove_marks(answer[claim.start : claim.end])
        assert claim.text == claim.text.strip()


def test_lists_tables_headings_and_code_are_read_as_what_they_are() -> None:
    answer = (
        "## What you need\n"
        "Before we can lend, the file needs:\n"
        "- a debenture\n"
        "- proof of address\n\n"
        "| Peril | Cover |\n|---|---|\n| Fire. Flood. | full |\n"
        "```sh\ncurl --limit 5% https://bank.example\n```\n"
    )
    material = [answer[one.start : one.end] for one in extract_claims(answer) if one.material]
    assert material == ["a debenture", "proof of address", "Fire. Flood. | full"]


def test_a_list_that_the_reader_is_asked_for_states_nothing() -> None:
    answer = "To register the claim, please send me:\n- your policy number\n- a photo"
    assert not any(claim.material for claim in extract_claims(answer))


@pytest.mark.parametrize(
    "answer",
    [
        "```\nThe fee is due on signing. Nobody waives it.",
        "```\nThe branch waives it.\nNobody else does.\n```",
        "# The branch waives it for students.",
        "**The branch waives it for students.**",
        "The branch waives it for students. There are two others:",
        "```markdown\nThe branch waives it.\n```",
    ],
)
def test_an_answer_cannot_escape_its_claims_by_how_it_is_set(answer: str) -> None:
    assert any(claim.material for claim in extract_claims(answer))


@pytest.mark.parametrize(
    ("sentence", "material"),
    [
        ("Replacement cards are sent by ordinary post.", True),
        ("争议解决前由发卡行承担损失。", True),
        ("Sorry, the branch closes early on market days.", True),
        ("I am no doctor, but aspirin thins the blood.", True),
        ("I have closed the savings account.", True),
        ("I could not find the savings account.", False),
        ("The customer wrote: “I never signed the form”.", True),
        ("The documents do not mention a charge.", False),
        ("It depends on the circumstances.", False),
        ("这样就可以了。", False),
        ("Happy to go through the figures together.", False),
    ],
)
def test_a_sentence_is_material_where_it_states_something(sentence: str, *, material: bool) -> None:
    assert [claim.material for claim in extract_claims(sentence)] == [material]


def test_the_extractor_is_as_good_as_the_docs_say_on_the_labelled_sentences() -> None:
    sentences = read_labelled()
    assert len(sentences) >= 60
    for language in ("en", "zh"):
        chosen = [one for one in sentences if one.language == language]
        assert measure_marks(chosen).recall == 1.0
        assert measure_segmentation(chosen).recall == 1.0
        # Labelled before facts of a case counted: all that was material then is, and more.
        assert reaches(measure_material(chosen), precision=0.65, recall=0.95)


@pytest.mark.parametrize(
    ("name", "precision", "recall"),
    [
        ("development", 0.95, 0.95),
        *((f"round_{number}", 0.9, 0.95) for number in range(1, 6)),
        ("round_6", 0.92, 0.92),
        ("round_7", 0.95, 0.97),
        ("round_8", 0.92, 0.97),
        ("round_9", 0.95, 0.97),  # never trained on: what it was when it was first measured
    ],
)
def test_the_extractor_is_as_good_as_the_docs_say_on_whole_answers(
    name: str, precision: float, recall: float
) -> None:
    answers = read_answers(name)
    for language in ("en", "zh"):
        chosen = [one for one in answers if one.language == language]
        assert reaches(measure_answers(chosen), precision=precision, recall=recall), language


def reaches(agreement: Agreement, *, precision: float, recall: float) -> bool:
    return (agreement.precision or 0) >= precision and (agreement.recall or 0) >= recall


def test_the_report_names_each_set() -> None:
    report = "\n".join(build_report(read_labelled()))
    assert all(name in report for name in ("held_out", *SETS))
