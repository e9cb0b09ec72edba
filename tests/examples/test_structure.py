from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.common.alignment import align
from examples.common.documents import Document, Passage
from examples.common.structure import cite, read_decision, read_quote, split_claims

PRICING = Passage(
    Document("CR-PRICING", "Pricing", "en", "", "2030-12-31"),
    "The charge for early repayment is at most 1 percent of the amount.",
)
INCOME = Passage(
    Document("CR-ZH-INCOME", "收入证明", "zh-Hans", "", "2030-12-31"), "受薪申请人须提供最近三个月的工资单。"
)


@given(st.text(max_size=200))
def test_claims_are_stretches_of_the_answer_in_order(answer: str) -> None:
    claims = split_claims(answer)
    assert all(answer[claim.start : claim.end] == claim.text for claim in claims)
    assert all(one.end <= two.start for one, two in pairwise(claims))


def test_initials_and_decimals_end_no_sentence() -> None:
    texts = [claim.text for claim in split_claims("L. Brandt pays 5.9 percent. The rest is due in May.")]
    assert texts == ["L. Brandt pays 5.9 percent.", "The rest is due in May."]


def test_headings_questions_and_fragments_are_not_material() -> None:
    claims = split_claims("资料：\n最多可占收入的多少？\n每月债务支出不得超过40%。Yes.")
    assert [claim.material for claim in claims] == [False, False, True, False]


def test_a_claim_that_misquotes_is_cited_in_its_own_words() -> None:
    [claim] = cite(
        split_claims("Well, the charge for early repayment is at most 7 percent of it."), "", [PRICING]
    )
    [citation] = claim.citations
    assert citation.document == "CR-PRICING"
    assert citation.quote == "the charge for early repayment is at most 7 percent of"


def test_a_claim_that_repeats_nothing_has_no_citation() -> None:
    [claim] = cite(split_claims("The bank closes on every public holiday."), "", [PRICING])
    assert claim.citations == ()


def test_the_document_a_claim_names_stands_even_where_it_does_not_exist() -> None:
    [claim] = cite(split_claims("[CR-GHOST-1] 受薪申请人须提供最近三个月的工资单。"), "", [INCOME])
    assert [citation.document for citation in claim.citations] == ["CR-GHOST-1"]


@pytest.mark.parametrize(
    ("text", "document", "quote"),
    [
        (
            "CR-PRICING] Pricing: The charge is 7 percent.\n\nThe answer is",
            "CR-PRICING",
            "The charge is 7 percent.",
        ),
        ('CR-NONE] "The charge is 7 percent', "CR-NONE", "The charge is 7 percent"),
        ("[CR-ZH-INCOME]“受薪申请人须提供工资单。”", "CR-ZH-INCOME", "受薪申请人须提供工资单。"),
    ],
)
def test_a_quote_is_read_as_written(text: str, document: str, quote: str) -> None:
    citation = read_quote(text, [PRICING])
    assert citation is not None
    assert (citation.document, citation.quote) == (document, quote)


@pytest.mark.parametrize("text", ["", "The document is a copy.", "CR-PRICING]", "A-L-M-A-N-A-T-E-R"])
def test_what_names_no_document_or_quotes_nothing_is_no_citation(text: str) -> None:
    assert read_quote(text, [PRICING]) is None


def test_the_quote_goes_to_the_closest_material_claim() -> None:
    claims = split_claims("The branch opens at nine each day. The charge for early repayment is 7 percent.")
    first, second = cite(claims, "CR-GHOST] the charge for early repayment is 7 pounds", [])
    assert first.citations == ()
    assert [citation.document for citation in second.citations] == ["CR-GHOST"]


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("The loan should be approved.", "approve"),
        ("It should not be approved.", "not approve"),
        ("approve, refer, decline", None),
        ("I do not know.", None),
    ],
)
def test_one_choice_is_a_decision_and_an_echo_is_none(text: str, decision: str | None) -> None:
    assert read_decision(text, ["approve", "refer", "decline"]) == decision


def test_a_chinese_choice_may_be_denied() -> None:
    assert read_decision("申请应予批准", ["批准", "拒绝"]) == "批准"
    assert read_decision("你可以选择批准, 复", ["批准", "复核"]) is None  # an echo of the list, cut off
    assert read_decision("申请不予批准", ["批准", "拒绝"]) == "not 批准"


def test_short_overlaps_align_with_nothing() -> None:
    assert align("the charge", PRICING.text) is None
    assert align("", PRICING.text) is None
