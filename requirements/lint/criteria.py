"""What is doubtful about the criteria of a requirement by themselves: thresholds, counts, looks, units, ages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from evidence.statistics import smallest_n_at_least, two_sided
from evidence.statistics.sequences import fewest_to_show
from evidence.vocabulary import RiskTier
from requirements.checks.contracts import Words
from requirements.checks.parameters import look_plan
from requirements.checks.registry import known_checks
from requirements.drafts import Comparator, CriterionDraft, RequirementDraft
from requirements.lint.contracts import LintWarning
from requirements.lint.telling import tell

_FEW_DAYS: Final = 366  # a review cadence beyond this is longer than a year
_SURE_ENOUGH: Final = 0.9  # of a bound, one-sided
_PERCENT: Final = frozenset({"percent", "per cent", "%", "pct", "percentage", "百分比"})
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def about_criteria(draft: RequirementDraft, languages: Sequence[str]) -> Iterator[LintWarning]:
    """Yield the doubts about the criteria of a requirement, told in these languages."""
    if not draft.criteria:
        yield from tell(
            languages,
            "no_criterion",
            "criteria",
            Words(
                "no machine can check this, so it will stay 'not assessed'",
                "没有机器能检验它，因此将一直是“未评估”",
            ),
            Words(
                "add a criterion: docs/reference/checks.md lists what can be measured",
                "请添加一条准则：docs/reference/checks.md 列出了可衡量的内容",
            ),
        )
    ageless = draft.criteria and not any(criterion.max_age_days for criterion in draft.criteria)
    if draft.risk_tier is RiskTier.HIGH and ageless:
        yield from tell(
            languages,
            "never_stale",
            "criteria",
            Words("a high-risk requirement whose evidence never gets too old", "高风险要求的证据永不过期"),
            Words("set max_age_days", "请设置 max_age_days"),
        )
    for criterion in draft.criteria:
        yield from _about_failing(criterion, languages)
        yield from _about_confidence(criterion, languages)
        yield from _about_threshold(criterion, languages)
        yield from _about_looks(criterion, languages)
        yield from _about_unit(criterion, languages)
        yield from _about_tags(criterion, languages)


def about_review(draft: RequirementDraft, languages: Sequence[str]) -> Iterator[LintWarning]:
    """Yield a doubt about how seldom somebody looks at the requirement itself."""
    if draft.review_every_days > _FEW_DAYS:
        days = draft.review_every_days
        yield from tell(
            languages,
            "rare_review",
            "review_every_days",
            Words(f"nobody looks at this requirement for {days} days", f"{days}天内无人查看这条要求"),
            Words("have it reviewed at least once a year", "请至少每年审查一次"),
        )


def _about_failing(criterion: CriterionDraft, languages: Sequence[str]) -> Iterator[LintWarning]:
    """Warn of a criterion that every result meets."""
    goal = f"{criterion.comparator}: {criterion.threshold:g}"
    if _counts_everything(criterion):
        why = Words("each citation has one of the verdicts that are listed", "每条引文的结论都在所列各项之中")
    elif _is_always_reached(criterion):
        why = Words(f"no result could fail {goal}", f"任何结果都不会违反 {goal}")
    else:
        return
    yield from tell(
        languages,
        "cannot_fail",
        f"criteria.{criterion.key}",
        why,
        Words(
            "ask for what would be a failure if it were missed, or leave the criterion out",
            "请写出达不到即为不合格的要求，或删去这条准则",
        ),
    )


def _is_always_reached(criterion: CriterionDraft) -> bool:
    """Whether every share, or every difference of shares, reaches the threshold."""
    lowest = {"share": 0.0, "difference": -1.0}.get(criterion.unit)
    if lowest is None or criterion.parameters.get("percentile") is not None:
        return False
    at_least = criterion.comparator is Comparator.AT_LEAST
    return criterion.threshold <= lowest if at_least else criterion.threshold >= 1


def _counts_everything(criterion: CriterionDraft) -> bool:
    """Whether a share of citations is one of all of them: each option of the check's own parameter is listed."""
    if criterion.check != "citations.verdict_share" or criterion.comparator is not Comparator.AT_LEAST:
        return False
    check = known_checks()[criterion.check]
    options = cast("dict[str, Any]", check.parameters)["properties"]["verdicts"]["items"]["enum"]
    return set(options) == set(cast("Sequence[str]", criterion.parameters.get("verdicts", ())))


def _about_confidence(criterion: CriterionDraft, languages: Sequence[str]) -> Iterator[LintWarning]:
    """Warn of a bound that is hardly one."""
    if criterion.bound_confidence >= _SURE_ENOUGH:
        return
    wrong = f"{1 - criterion.bound_confidence:.0%}"
    yield from tell(
        languages,
        "hardly_sure",
        f"criteria.{criterion.key}",
        Words(
            f"with confidence {criterion.bound_confidence:g}, what is just short of the threshold passes in up to "
            f"{wrong} of all cases",
            f"confidence 为{criterion.bound_confidence:g}时，略低于阈值的结果仍有多达{wrong}的机会通过",
        ),
        Words(
            "leave confidence out (0.95), or say why less is enough",
            "请不写 confidence（即0.95），或说明为何更低即可",
        ),
    )


def _about_threshold(criterion: CriterionDraft, languages: Sequence[str]) -> Iterator[LintWarning]:
    where = f"criteria.{criterion.key}"
    threshold = share_to_show(criterion)
    if threshold is None:
        if criterion.check == "evals.metric" and criterion.unit not in {"share", *_PERCENT}:
            yield from tell(
                languages,
                "mean_of_a_tail",
                where,
                Words(
                    "a mean without bounds is insufficient while its values are skewed or any is missing",
                    "无界数值的均值在偏斜或有缺失时为证据不足",
                ),
                Words(
                    "for a time or a cost, ask for a percentile: parameters: {percentile: 95}",
                    "时间或成本请使用百分位数：parameters: {percentile: 95}",
                ),
            )
        return
    needed = _needed(criterion, threshold)
    goal = f"{criterion.threshold:g}"
    if needed is None:
        yield from tell(
            languages,
            "out_of_reach",
            where,
            Words(
                f"no number of observations puts the bound at {goal}",
                f"无论多少观测，界限都达不到{goal}",
            ),
            Words(
                "ask for a little less, e.g. 0.99, and say how often a breach is looked into",
                "请略微降低，例如0.99，并写明多久核查一次违例",
            ),
        )
    elif criterion.min_n < needed:
        slices = len(criterion.slices)
        each = (
            (f", in each of its {slices} slices too", f"，{slices}个切片中的每一个也是如此")
            if slices
            else ("", "")
        )
        yield from tell(
            languages,
            "underpowered",
            where,
            Words(
                f"with min_n {criterion.min_n}, even a perfect result stays short of {goal}: it takes {needed} "
                f"observations that do not depend on each other, without one failure{each[0]}",
                (
                    "min_n "
                    f"为{criterion.min_n}时，即使结果完美也达不到{goal}："
                    f"需要{needed}个相互独立且无一失败的观测{each[1]}"
                ),
            ),
            Words(
                f"set min_n to {needed} or more, or lower the threshold",
                f"请将 min_n 设为{needed}或更多，或降低阈值",
            ),
        )


def _needed(criterion: CriterionDraft, threshold: float) -> int | None:
    """Return how many independent observations without a failure it takes; None where no number does."""
    plan = look_plan(criterion.parameters, criterion.bound_confidence)
    fewest = fewest_to_show if grows(criterion) else smallest_n_at_least
    return fewest(threshold, two_sided(1 - plan.share))


def _about_looks(criterion: CriterionDraft, languages: Sequence[str]) -> Iterator[LintWarning]:
    """Warn where a criterion on evidence that arrives while gates are asked does not say how often they may ask."""
    if not grows(criterion) or criterion.parameters.get("looks"):
        return
    fewest = fewest_to_show(share_to_show(criterion) or 0.0, two_sided(criterion.bound_confidence))
    yield from tell(
        languages,
        "looks_unsaid",
        f"criteria.{criterion.key}.parameters.looks",
        Words(
            "does not say how often a gate may ask: each time it asks while traces arrive is a look, so the "
            "bounds hold at all looks together, and are wider"
            + (f" (without a failure it takes {fewest} independent units)" if fewest else ""),
            "未写明可询问的次数：轨迹陆续到达时，门禁每次询问都是一次查看，因此界限对任意次查看同时成立，并且更宽"
            + (f"（全部良好时需 {fewest} 个独立单元）" if fewest else ""),
        ),
        Words("write it: parameters: {looks: continuous}", "请写上：parameters: {looks: continuous}"),
    )


def _about_unit(criterion: CriterionDraft, languages: Sequence[str]) -> Iterator[LintWarning]:
    """Warn of per cent beside shares: 95 and 0.95 of one metric would be compared one day."""
    if criterion.unit.lower() not in _PERCENT:
        return
    share = f"{criterion.threshold / 100:g}"
    yield from tell(
        languages,
        "unit_percent",
        f"criteria.{criterion.key}",
        Words(
            f"the unit is {criterion.unit!r} here and a share, from 0 to 1, everywhere else: "
            f"{criterion.threshold:g} and {share} side by side are taken for each other one day",
            (
                f"此处单位（unit）为“{criterion.unit}”，而其他各处都是0到1的比例："
                f"{criterion.threshold:g}与{share}并存，迟早会混淆"
            ),
        ),
        Words(
            f"write {criterion.comparator}: {share} without a unit, and have the metric posted as a share",
            f"请写 {criterion.comparator}: {share}，不写单位，并以比例提交该指标",
        ),
    )


def _about_tags(criterion: CriterionDraft, languages: Sequence[str]) -> Iterator[LintWarning]:
    """Warn of a slice by a language that is no language: no answer will ever be in it."""
    for where in criterion.slices:
        value = where.get("language")
        if value is not None and not _LANGUAGE_TAG.fullmatch(value):
            yield from tell(
                languages,
                "unknown_slice",
                f"criteria.{criterion.key}.slices.language={value}",
                Words(
                    f"{value!r} is no language tag, so there is no evidence in this language and the slice stays "
                    "insufficient",
                    f"“{value}”不是语言标签，因此不会有该语言的证据，该切片将一直证据不足",
                ),
                Words(
                    "write the tag that the application sends (BCP 47), e.g. en or zh-Hans",
                    "请写应用所发送的标签（BCP 47），例如 en 或 zh-Hans",
                ),
            )


def grows(criterion: CriterionDraft) -> bool:
    """Whether evidence for a criterion arrives while gates are asked."""
    check = known_checks().get(criterion.check)
    return check is not None and check.grows


def share_to_show(criterion: CriterionDraft) -> float | None:
    """Return the share of good observations that a pass shows to be reached at least; None where it shows a mean.

    "At most" is as far from 0 as "at least" is from 1. A percentile that is at most something shows that at least so
    large a share of the values is.
    """
    at_least = criterion.comparator is Comparator.AT_LEAST
    percentile = criterion.parameters.get("percentile")
    if isinstance(percentile, int | float):
        return 1 - percentile / 100 if at_least else percentile / 100
    if criterion.unit != "share":
        return None
    return criterion.threshold if at_least else 1 - criterion.threshold
