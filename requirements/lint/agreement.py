"""Whether a requirement agrees with itself: its statement with its criteria, and its languages with each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from requirements.checks.contracts import Words
from requirements.drafts import Comparator, CriterionDraft, RequirementDraft
from requirements.lint.contracts import LintWarning
from requirements.lint.languages import is_chinese, pack_of
from requirements.lint.quantities import Kind, Quantity, quantities_in
from requirements.lint.telling import tell

# What leaves no room for an exception, and how much a criterion may leave beside it.
_ALL: Final = re.compile(
    r"\b(?:all|always|without exception|in every case|each and every|every single|100 ?%)(?!\w)"
    r"|全部|所有|一律|无一例外|無一例外|始终|始終|任何时候|任何時候|百分之百|100%"
)
_NONE: Final = re.compile(
    r"\b(?:no|never|under no circumstances)\b|绝不|絕不|决不|決不|从不|從不|任何[^，。；]{1,16}不得|严禁|嚴禁"
)
_EACH: Final = re.compile(r"\b(?:each|every)\b|每[个個条條次份项項位名笔筆]")
_MAY_FAIL: Final = ((_ALL, 0.05), (_NONE, 0.05), (_EACH, 0.2))  # shares of 1
_UNITS: Final = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 0.001, "milliseconds": 0.001, "min": 60.0,
    "minutes": 60.0, "h": 3600.0, "hours": 3600.0, "days": 86400.0,
}  # fmt: skip
_HOUR: Final = 3600.0  # seconds
_SLACK: Final = 1e-9


def about_agreement(draft: RequirementDraft, languages: Sequence[str]) -> Iterator[LintWarning]:
    """Yield where statement, criteria and translations say different numbers, told in these languages."""
    read = {
        language: quantities_in(text, language)
        for language, text in draft.statement.items()
        if pack_of(language, text) is not None
    }
    yield from _translations(read)
    for criterion in draft.criteria:
        for message, suggestion in _disagreements(criterion, draft, read):
            yield from tell(languages, "criterion_differs", f"criteria.{criterion.key}", message, suggestion)
            break  # one at a time: put right, the next one shows


def _translations(read: dict[str, list[Quantity]]) -> Iterator[LintWarning]:
    """Compare each language with the first one."""
    if len(read) < 2:
        return
    (first, reference), *others = read.items()
    for language, found in others:
        here = _without(found, reference)
        there = _without(reference, found)
        if not here and not there:
            continue
        said = _said(here, language) or ("没有这个数字" if is_chinese(language) else "nothing of it")
        meant = _said(there, first) or ("没有这个数字" if is_chinese(language) else "nothing of it")
        yield from tell(
            [language],
            "numbers_differ",
            f"statement.{language}",
            Words(
                f"this text says {said} where the text in {first} says {meant}: two requirements in one",
                f"此处写的是{said}，而{first}文本写的是{meant}：成了两条不同的要求",
            ),
            Words("make the numbers the same in each language", "请使各语言中的数字一致"),
            here[0].span if here else None,
        )


def _without(these: Sequence[Quantity], those: Sequence[Quantity]) -> list[Quantity]:
    """Return the numbers that the other text lacks. 0.95 and 95 % are one number."""
    return [
        one
        for one in these
        if not one.is_one and not any(one.same_as(other) or _is_share(one, other) for other in those)
    ]


def _is_share(one: Quantity, other: Quantity) -> bool:
    kinds = {one.kind, other.kind}
    return kinds == {Kind.SHARE, Kind.COUNT} and abs(one.value - other.value) < _SLACK


def _said(quantities: Sequence[Quantity], language: str) -> str:
    words = [quantity.said.strip() for quantity in quantities[:3]]
    if is_chinese(language):
        return "、".join(f"“{word}”" for word in words)
    return ", ".join(f'"{word}"' for word in words)


def _disagreements(
    criterion: CriterionDraft, draft: RequirementDraft, read: dict[str, list[Quantity]]
) -> Iterator[tuple[Words, Words]]:
    """Yield in what a criterion asks for something else than the statement says."""
    for language, found in read.items():
        times = [quantity for quantity in found if quantity.kind is Kind.TIME]
        shares = [quantity for quantity in found if quantity.kind is Kind.SHARE]
        yield from _about_hours(criterion, times, language)
        yield from _about_time_limit(criterion, times, language)
        yield from _about_share(criterion, shares, language)
        yield from _about_sample(criterion, found, shares, language)
        if not shares:
            yield from _about_all(criterion, draft.statement[language])


def _about_hours(
    criterion: CriterionDraft, times: Sequence[Quantity], language: str
) -> Iterator[tuple[Words, Words]]:
    hours = criterion.parameters.get("within_hours")
    if not isinstance(hours, int | float) or not times:
        return
    if any(abs(time.value - hours * _HOUR) <= 0.02 * hours * _HOUR for time in times):
        return
    said = _said(times, language)
    yield (
        Words(
            f"the statement says {said}, and the criterion within_hours: {hours:g}",
            f"陈述写的是{said}，而准则写的是 within_hours: {hours:g}",
        ),
        Words("make the two say the same time", "请使两处的时间一致"),
    )


def _about_time_limit(
    criterion: CriterionDraft, times: Sequence[Quantity], language: str
) -> Iterator[tuple[Words, Words]]:
    scale = _UNITS.get(criterion.unit.lower())
    if scale is None or not times:
        return
    asked = criterion.threshold * scale
    if any(abs(time.value - asked) <= 0.02 * abs(asked) for time in times):
        return
    said = _said(times, language)
    goal = f"{criterion.threshold:g} {criterion.unit}"
    yield (
        Words(
            f"the statement says {said}, and the criterion {criterion.comparator}: {goal}",
            f"陈述写的是{said}，而准则写的是 {criterion.comparator}: {goal}",
        ),
        Words("make the two say the same time", "请使两处的时间一致"),
    )


def _about_share(
    criterion: CriterionDraft, shares: Sequence[Quantity], language: str
) -> Iterator[tuple[Words, Words]]:
    if not shares:
        return
    percentile = criterion.parameters.get("percentile")
    if isinstance(percentile, int | float):
        asked, name = percentile / 100, f"percentile: {percentile:g}"
    elif criterion.unit == "share":
        asked, name = criterion.threshold, f"{criterion.comparator}: {criterion.threshold:g}"
    else:
        return
    if any(abs(share.value - asked) < _SLACK or abs(1 - share.value - asked) < _SLACK for share in shares):
        return
    said = _said(shares, language)
    yield (
        Words(
            f"the statement says {said}, and the criterion {name}", f"陈述写的是{said}，而准则写的是 {name}"
        ),
        Words(
            "make the two say the same share; the bound, not the value, is compared with it",
            "请使两处的比例一致；与之比较的是界限而不是数值",
        ),
    )


def _about_sample(
    criterion: CriterionDraft, found: Sequence[Quantity], shares: Sequence[Quantity], language: str
) -> Iterator[tuple[Words, Words]]:
    """Compare "in 95 % of 500 questions" with min_n."""
    if not shares or (criterion.unit != "share" and "percentile" not in criterion.parameters):
        return
    counts = [
        one
        for one in found
        if one.kind is Kind.COUNT and one.value >= 20 and one.value == int(min(one.value, 1e9))
    ]
    if not counts or any(criterion.min_n >= count.value for count in counts):
        return
    said = _said(counts, language)
    yield (
        Words(
            f"the statement says {said}, and the criterion is content with min_n {criterion.min_n}",
            f"陈述写的是{said}，而准则只要求 min_n 为{criterion.min_n}",
        ),
        Words(
            "ask for as many in min_n, or say in the statement what is enough",
            "请将 min_n 设为同样的数目，或在陈述中写明多少才够",
        ),
    )


def _about_all(criterion: CriterionDraft, text: str) -> Iterator[tuple[Words, Words]]:
    """Compare "all" and "never" with what a criterion lets fail."""
    if criterion.unit != "share" or "percentile" in criterion.parameters:
        return
    at_least = criterion.comparator is Comparator.AT_LEAST
    fails = 1 - criterion.threshold if at_least else criterion.threshold
    low = text.lower()
    for pattern, may_fail in _MAY_FAIL:
        match = pattern.search(low)
        if match is None or fails <= may_fail + _SLACK:
            continue
        word, share = text[match.start() : match.end()], f"{fails:.3g}"
        yield (
            Words(
                f'the statement says "{word}", and the criterion is met while a share of {share} fails',
                f"陈述写的是“{word}”，而准则在{share}的比例不成立时仍算满足",
            ),
            Words(
                "write the share in the statement too, or ask for more in the criterion (0.99 takes 299 observations "
                "of a run without a failure, and 490 of traces)",
                "请在陈述中也写明比例，或在准则中提高要求（0.99需要一次运行中299个、轨迹中490个无一失败的观测）",
            ),
        )
        return
