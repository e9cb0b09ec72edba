"""What may be called editorial, and what a fingerprint is taken over: pure, on contents as authors write them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evidence.vocabulary import Layer, RiskTier
from requirements.drafts import Comparator, CriterionDraft, RequirementDraft
from requirements.editorial import find_substantive
from requirements.fingerprints import fingerprint

CRITERION = CriterionDraft(
    key="c", check="evals.metric", parameters={}, comparator=Comparator.AT_LEAST, threshold=0.9, unit="share",
    min_n=60, max_age_days=None, bound_confidence=0.95, slices=(),
)  # fmt: skip
DRAFT = RequirementDraft(
    key="r", statement={"en": "S"}, rationale="", risk_tier=RiskTier.MEDIUM, layer=Layer.PRODUCT, owner="po",
    review_every_days=180, criteria=(CRITERION,),
)  # fmt: skip


def changed(**over: Any) -> RequirementDraft:
    return replace(DRAFT, **over)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("Teh system must show its sources.", "The system must show its sources."),
        ("The system must show sources", "The system must display its sources."),
        ("High-risk answers must be reviewed", "High risk answers must be reviewed"),
        ("A loan of 5,000 must be priced", "A loan of 5000 must be priced"),
        ("The colour must be shown", "The color must be shown"),
        ("系统必须显示来原", "系统必须显示来源"),
        ("应用须展示来源。", "应用须显示来源"),
        ("系統必須顯示來源", "系統必須列出來源"),
    ],
)
def test_a_slip_or_a_reworded_noun_may_be_confirmed_as_editorial(was: str, now: str) -> None:
    language = "en" if was.isascii() else "zh-Hans"
    assert find_substantive(changed(statement={language: was}), changed(statement={language: now})) == ()


@pytest.mark.parametrize(
    ("was", "now", "code"),
    [
        ("It must answer within 24 hours.", "It must answer within 48 hours.", "numbers_changed"),
        ("It must answer within 24 hours.", "It must answer within 24 days.", "numbers_changed"),
        ("It must answer within three days.", "It must answer within five days.", "numbers_changed"),
        ("The share must be 95%.", "The share must be 95.", "numbers_changed"),
        ("It must answer.", "It should answer.", "modals_changed"),
        ("It must answer.", "It answers.", "modals_changed"),
        ("It must log.", "It must not log.", "negations_changed"),
        ("It can't be wrong.", "It can be wrong.", "negations_changed"),
        ("Access must be authorised.", "Access must be unauthorised.", "negations_changed"),
        ("Its advice must be useful.", "Its advice must be useless.", "negations_changed"),
        ("Answer only if asked, it must.", "Answer if asked, it must.", "negations_changed"),
        ("Each claim must cite.", "Some claim must cite.", "bounds_changed"),
        ("At least one source must be shown.", "At most one source must be shown.", "bounds_changed"),
        ("A rate ≥ 0.9 must hold.", "A rate > 0.9 must hold.", "bounds_changed"),
        ("A and B must hold.", "A or B must hold.", "bounds_changed"),
        ("It must not log and may show.", "It must log and may not show.", "words_moved"),
        ("It must show sources to users.", "It must show users to sources.", "words_moved"),
        ("必须在24小时内审阅", "必须在24小时后审阅", "numbers_changed"),
        ("必须在三个工作日内审阅", "必须在五个工作日内审阅", "numbers_changed"),
        ("系统应显示来源", "系统宜显示来源", "modals_changed"),
        ("系统必须显示来源", "系统显示来源", "modals_changed"),
        ("系统不得保存提示", "系统必须保存提示", "negations_changed"),
        ("每条陈述必须引用来源", "部分陈述必须引用来源", "bounds_changed"),
        ("必须显示来源或日期", "必须显示来源和日期", "bounds_changed"),
        ("客户必须通知银行", "银行必须通知客户", "words_moved"),
    ],
)
def test_numbers_modals_negations_bounds_and_order_make_a_change_substantive(
    was: str, now: str, code: str
) -> None:
    language = "en" if was.isascii() or "≥" in was else "zh-Hans"
    found = find_substantive(changed(statement={language: was}), changed(statement={language: now}))
    assert code in {each.code for each in found}
    assert {each.where for each in found} == {f"statement.{language}"}


@pytest.mark.parametrize(
    ("after", "where", "code"),
    [
        (changed(risk_tier=RiskTier.HIGH), "risk_tier", "risk_tier_changed"),
        (changed(layer=Layer.GROUNDING), "layer", "layer_changed"),
        (changed(criteria=()), "criteria.c", "criteria_changed"),
        (changed(criteria=(replace(CRITERION, min_n=80),)), "criteria.c", "criteria_changed"),
        (changed(statement={"en": "S", "zh-Hans": "新增译文"}), "statement.zh-Hans", "language_changed"),
    ],
)
def test_what_is_beside_the_words_makes_a_change_substantive(
    after: RequirementDraft, where: str, code: str
) -> None:
    (found,) = find_substantive(DRAFT, after)
    assert (found.where, found.code) == (where, code)


def test_a_language_that_the_rules_do_not_read_is_not_taken_for_unchanged() -> None:
    was, now = changed(statement={"fr": "Il doit répondre."}), changed(statement={"fr": "Il peut répondre."})
    assert [each.code for each in find_substantive(was, now)] == ["language_not_covered"]
    assert find_substantive(was, changed(statement={"fr": " Il doit  répondre. "})) == ()


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        (changed(risk_tier=RiskTier.HIGH), True),
        (changed(layer=Layer.GROUNDING), True),
        (changed(criteria=(replace(CRITERION, threshold=0.95),)), True),
        (changed(criteria=(replace(CRITERION, min_n=80),)), True),
        (changed(statement={"en": "S", "zh-Hans": "新增译文"}), True),
        (changed(owner="cro"), False),
        (changed(rationale="new reason"), False),
        (changed(review_every_days=90), False),
        (changed(statement={"en": "S "}), False),
    ],
)
def test_a_fingerprint_moves_with_what_counts_and_with_nothing_else(
    after: RequirementDraft, counts: bool
) -> None:
    assert (fingerprint(after) != fingerprint(DRAFT)) == counts
    assert after.digest != DRAFT.digest  # each is a new version all the same


def test_the_order_of_criteria_says_nothing() -> None:
    other = replace(CRITERION, key="d")
    both = [changed(criteria=pair) for pair in ((CRITERION, other), (other, CRITERION))]
    assert fingerprint(both[0]) == fingerprint(both[1])
