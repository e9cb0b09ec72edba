"""Numbers of a requirement that must be the same: in its statement, its translations and its criteria."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requirements.drafts import Comparator
from requirements.lint import KnownNames, LintWarning, lint_requirement, lint_requirements
from requirements.lint.known import SuiteSeen
from requirements.lint.quantities import Kind, quantities_in
from tests.requirements.test_lint import CRITERION, DRAFT

EVAL = dataclasses.replace(
    CRITERION, check="evals.metric", parameters={"suite": {"key": "fees"}, "metric": "correct"}, min_n=500
)

NOTHING_KNOWN = KnownNames()


def lint(
    statement: dict[str, str] | str, known: KnownNames = NOTHING_KNOWN, **change: Any
) -> list[LintWarning]:
    criterion = dataclasses.replace(change.pop("of", CRITERION), **change)
    texts = {"en": statement} if isinstance(statement, str) else statement
    return lint_requirement(dataclasses.replace(DRAFT, statement=texts, criteria=(criterion,)), known)


def found(code: str, *arguments: Any, **change: Any) -> list[LintWarning]:
    return [warning for warning in lint(*arguments, **change) if warning.code == code]


HOURS = {"looks": "continuous", "within_hours": 24}


@pytest.mark.parametrize(
    ("statement", "change", "said"),
    [
        ("Each answer must be judged within 8 hours.", {"parameters": HOURS}, "8 hours"),
        ("At least 95 % of answers must cite a source.", {"threshold": 0.9}, "95 %"),
        ("All answers must cite a source.", {"threshold": 0.8}, "All"),
        ("The copilot must never show a full card number.", {"threshold": 0.8}, "never"),
        ("Each answer must cite a source.", {"threshold": 0.7}, "Each"),
        ("Answers must arrive within 2 seconds.", {"of": EVAL, "unit": "s", "threshold": 3.0}, "2 seconds"),
        ("80 % of 500 answers must cite a source.", {"min_n": 60}, "500"),
    ],
)
def test_a_criterion_that_asks_for_something_else_than_the_statement_is_named(
    statement: str, change: dict[str, Any], said: str
) -> None:
    (warning,) = found("criterion_differs", statement, **change)
    assert warning.where == "criteria.c"
    assert said in warning.message


@pytest.mark.parametrize(
    ("statement", "change"),
    [
        ("Each answer must be judged within one day.", {"parameters": HOURS}),
        ("Each answer must be judged within twenty-four hours of its sealing.", {"parameters": HOURS}),
        ("每个回答须在二十四小时内审阅。", {"parameters": HOURS}),
        ("At most 20 % of answers may lack a source.", {}),
        ("Each answer must cite a source.", {}),
        ("Answers must arrive within 2 seconds in 95 % of 500 questions.",
         {"of": EVAL, "unit": "ms", "threshold": 2000.0, "parameters": {**EVAL.parameters, "percentile": 95}}),
        ("The policy gate must decide by rules P-1 to P-4 of 2026-11.", {}),
    ],
)  # fmt: skip
def test_a_criterion_that_says_the_same_in_another_unit_is_fine(
    statement: str, change: dict[str, Any]
) -> None:
    language = "en" if statement.isascii() else "zh-Hans"
    assert found("criterion_differs", {language: statement}, **change) == []


@pytest.mark.parametrize(
    ("english", "chinese", "differ"),
    [
        ("The case must be closed within 8 hours.", "案件应在24小时内关闭。", True),
        ("At least 95 % of answers must cite a source.", "引用来源的回答不得低于百分之九十。", True),
        ("Transfers above 10,000 euros must be checked.", "超过十万欧元的转账必须核查。", True),
        ("The log must be kept for ten years.", "日志必须保存。", True),
        ("At least 95 % of answers must cite a source.", "引用来源的回答不得低于百分之九十五。", False),
        ("Transfers above 10,000 euros must be checked.", "超过一万欧元的转账必须核查。", False),
        ("Transfers above 1.5 million euros must be checked.", "超过150万欧元的转账必须核查。", False),
        ("Reports must be filed within thirty days.", "報告須於三十日內提交。", False),
        ("Each answer must cite a source.", "每个回答必须引用一个来源。", False),
        ("The log must be kept for 12 months.", "日志应保存一年。", False),
        ("Half of the seats must be free.", "一半座位应空出。", False),
    ],
)
def test_translations_say_the_same_numbers(english: str, chinese: str, differ: bool) -> None:
    warnings = found("numbers_differ", {"en": english, "zh-Hans": chinese})
    assert bool(warnings) is differ
    for warning in warnings:
        assert warning.where == "statement.zh-Hans"
        assert warning.language == "zh-Hans"


@given(st.integers(2, 99_999_999))
def test_a_number_is_the_same_in_digits_and_in_chinese_numerals(number: int) -> None:
    (read,) = quantities_in(f"超过{_numeral(number)}元", "zh-Hans")
    assert (read.kind, read.value) == (Kind.COUNT, number)
    (read,) = quantities_in(f"more than {number:,} euros", "en")
    assert (read.kind, read.value) == (Kind.COUNT, number)


def _numeral(number: int) -> str:
    """Write a number as Chinese does, by sections of four digits."""
    if number >= 10_000:
        rest = number % 10_000
        return (
            _numeral(number // 10_000)
            + "万"
            + (("零" if rest < 1000 else "") + _numeral(rest) if rest else "")
        )
    told, gap = "", False
    for scale, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // scale % 10
        if digit:
            told += ("零" if gap and told else "") + "零一二三四五六七八九"[digit] + name
            gap = False
        else:
            gap = True
    return told


def test_per_cent_beside_shares_is_doubted_and_so_is_a_language_nobody_speaks() -> None:
    (warning,) = found(
        "unit_percent", "Each answer must cite a source.", of=EVAL, threshold=95.0, unit="percent"
    )
    assert "unit" in warning.message
    assert "at_least: 0.95" in warning.suggestion
    (warning,) = found("unknown_slice", "Each answer must cite a source.", slices=({"language": "klingon"},))
    assert "klingon" in warning.message
    assert "no evidence in this language" in warning.message


KNOWN = KnownNames(
    artefacts={"suite": {"fees": frozenset({"3"}), "names": frozenset()}, "dataset": {"tariff": frozenset()}},
    suites={
        "fees": SuiteSeen(
            frozenset({"correct"}),
            {
                ("correct", "", ""): 600,
                ("correct", "language", "en"): 560,
                ("correct", "language", "zh-Hans"): 40,
            },
        )
    },
    languages=frozenset({"en", "zh-Hans"}),
)
TEXT = "Each answer must cite a source."


@pytest.mark.parametrize(
    ("code", "where", "nearest", "change"),
    [
        ("unknown_suite", "parameters.suite", "fees", {"parameters": {"suite": {"key": "fee"}, "metric": "correct"}}),
        ("unknown_suite", "parameters.suite", "3",
         {"parameters": {"suite": {"key": "fees", "label": "33"}, "metric": "correct"}}),
        ("unknown_dataset", "parameters.dataset", "tariff",
         {"parameters": {**EVAL.parameters, "dataset": {"key": "tarif"}}}),
        ("unknown_metric", "parameters.metric", "correct",
         {"parameters": {"suite": {"key": "fees"}, "metric": "corect"}}),
        ("unknown_slice", "slices.language=zh", "zh-Hans", {"slices": ({"language": "zh"},)}),
        ("slice_too_small", "slices.language=zh-Hans", "40", {"slices": ({"language": "zh-Hans"},)}),
    ],
)  # fmt: skip
def test_a_name_that_nobody_registered_is_told_with_the_nearest(
    code: str, where: str, nearest: str, change: dict[str, Any]
) -> None:
    (warning,) = found(code, TEXT, KNOWN, of=EVAL, **change)
    assert warning.where == f"criteria.c.{where}"
    assert nearest in warning.message


def test_what_is_registered_is_fine_and_a_system_without_any_is_not_asked() -> None:
    evaluator = {
        **EVAL.parameters,
        "evaluator": {"key": "grader"},
    }  # no evaluator is on record: none is compared
    codes = {warning.code for warning in lint(TEXT, KNOWN, of=EVAL, parameters=evaluator)}
    assert not {code for code in codes if code.startswith("unknown")}
    assert found("unknown_slice", TEXT, KnownNames(), slices=({"language": "de"},)) == []
    assert found("unknown_slice", TEXT, KNOWN, slices=({"language": "de"},))


def codes_of(*drafts: Any, others: Any = ()) -> dict[str, list[tuple[str, str]]]:
    asked = ("repeats", "contradicts")
    return {
        key: [(warning.code, warning.where) for warning in warnings if warning.code in asked]
        for key, warnings in lint_requirements(drafts, KnownNames(), others).items()
    }


def test_requirements_that_repeat_or_contradict_each_other_name_the_other() -> None:
    first = dataclasses.replace(DRAFT, key="a", statement={"en": "Each case must be closed within 8 hours."})
    other = dataclasses.replace(CRITERION, check="traces.path_recorded")
    same = dataclasses.replace(
        first, key="b", statement={"en": "Each case must be closed within 8 hours"}, criteria=()
    )
    longer = dataclasses.replace(first, key="c", statement={"en": "Each case must be closed within 24 hours."},
                                 criteria=(other,))  # fmt: skip
    at_most = dataclasses.replace(CRITERION, key="few", comparator=Comparator.AT_MOST, threshold=0.5)
    opposite = dataclasses.replace(
        first, key="d", statement={"en": "Answers must be short."}, criteria=(at_most,)
    )
    stricter = dataclasses.replace(CRITERION, threshold=0.9, parameters={})
    again = dataclasses.replace(
        first, key="e", statement={"en": "No card number may be shown."}, criteria=(stricter,)
    )
    assert codes_of(first, same) == {"a": [("repeats", "statement.en")], "b": [("repeats", "statement.en")]}
    assert codes_of(first, longer)["c"] == [("contradicts", "statement.en")]
    assert codes_of(first, opposite)["d"] == [("contradicts", "criteria.few")]
    assert codes_of(first, again)["e"] == [("repeats", "criteria.c")]
    assert codes_of(first, others=[longer])["a"] == [("contradicts", "statement.en")]
    assert codes_of(first, others=[first]) == {"a": []}  # what it replaces is not another
