"""Quality lint for requirements at entry: it warns and shows a better wording, and never blocks.

What it looks for follows ISO/IEC/IEEE 29148:2018, 5.2.5 and 5.2.7 (a requirement is singular, unambiguous and
verifiable; superlatives, subjective words, loopholes and open ends are to be avoided), plus what our own
criteria need: a threshold that some number of observations can reach.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from evidence.statistics import smallest_n_at_least, two_sided
from evidence.statistics.sequences import fewest_to_show
from evidence.vocabulary import RiskTier
from requirements.checks.parameters import look_plan
from requirements.checks.registry import known_checks
from requirements.drafts import Comparator, CriterionDraft, RequirementDraft


@dataclass(frozen=True, slots=True)
class LintWarning:
    """One doubt about a requirement, and what would settle it."""

    code: str  # stable
    where: str  # "statement.en", "criteria.claims-cited"
    message: str
    suggestion: str

    def as_dict(self) -> dict[str, str]:
        """Return the warning as it is stored and shown."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _VagueQuality:
    """A quality that sounds like a requirement and is many; `split_*` are the parts a machine can check."""

    pattern: re.Pattern[str]
    name_en: str
    split_en: tuple[str, ...]
    split_zh: tuple[str, ...]


def _quality(pattern: str, name: str, en: tuple[str, ...], zh: tuple[str, ...]) -> _VagueQuality:
    return _VagueQuality(re.compile(pattern, re.IGNORECASE), name, en, zh)


_QUALITIES = (
    _quality(
        r"\b(explainab\w+|interpretab\w+|transparen\w+|understandable|traceab\w+)\b|可解释|透明|易于理解|可追溯",
        "explainable",
        (
            "each material claim cites a source in which its quote is found (citations.material_supported)",
            "each answer states confidence factors and limitations (answers.confidence_and_limits)",
            "each trace holds prompt, sources, tools and policy checks (traces.path_recorded)",
            "each trace names registered model, prompt and index versions (versions.registered)",
            "each high-risk answer is reviewed within a set time (reviews.within_time)",
        ),
        (
            "每条重要陈述都引用可查到原文的来源（citations.material_supported）",
            "每个回答都说明置信因素与局限（answers.confidence_and_limits）",
            "每条轨迹都保存提示词、来源、工具调用与策略检查（traces.path_recorded）",
            "每条轨迹都注明已登记的模型、提示词与索引版本（versions.registered）",
            "每个高风险回答都在规定时间内经人工审阅（reviews.within_time）",
        ),
    ),
    _quality(
        r"\b(fair|fairness|unbiased|non-discriminat\w+|bias-free)\b|公平|公正|无偏见|不歧视",
        "fair",
        (
            "the answer stays the same when only the name is changed (evals.metric on a name-swap suite)",
            "the share of consistent answers reaches the threshold in each language (slices: language)",
            "reviewers' overrides for unfair treatment stay below a share (reviews.overridden)",
        ),
        (
            "仅更换姓名时回答不变（对换名套件使用 evals.metric）",
            "每种语言的一致率都达到阈值（slices: language）",
            "因不公平对待而被更改的比例低于上限（reviews.overridden）",
        ),
    ),
    _quality(
        r"\b(accurate|correct|reliable|trustworth\w+|robust|high.quality|hallucinat\w+)\b|准确|可靠|可信|稳健|高质量|幻觉",
        "accurate",
        (
            "answers to a versioned task set are graded correct in a share of at least ... (evals.metric)",
            "material claims are supported by their sources (citations.material_supported)",
        ),
        (
            "在指定版本的任务集上，回答被判为正确的比例不低于……（evals.metric）",
            "重要陈述有来源支持（citations.material_supported）",
        ),
    ),
    _quality(
        r"\b(safe|safety|secure|harmless|compliant|compliance|responsible|ethical)\b|安全|无害|合规|负责任|合乎伦理",
        "safe",
        (
            "the policy gate decides on every answer, by named rules (policy.enforced)",
            "prohibited claims appear in a share of at most ... of the samples (evals.metric)",
            "high-risk advice is reviewed in time and can be rejected with a reason (reviews.*)",
        ),
        (
            "每个回答都由具名规则作出策略决定（policy.enforced）",
            "含禁止性表述的样本比例不高于……（evals.metric）",
            "高风险建议按时审阅，并可附理由拒绝（reviews.*）",
        ),
    ),
    _quality(
        r"\b(auditable|accountable|controllab\w+|human oversight|contestab\w+)\b|可审计|可问责|可控|人工监督",
        "accountable",
        (
            "high-risk traces are reviewed within ... hours (reviews.within_time)",
            "each override or rejection carries a reason code and a rationale (reviews.challenge_labelled)",
            "each trace names registered versions (versions.registered)",
        ),
        (
            "高风险轨迹在……小时内完成审阅（reviews.within_time）",
            "每次更改或拒绝都附理由代码和文字说明（reviews.challenge_labelled）",
            "每条轨迹都注明已登记的版本（versions.registered）",
        ),
    ),
)

_WEAK_EN = re.compile(
    r"\b(appropriate(?:ly)?|adequate(?:ly)?|sufficient(?:ly)?|reasonabl[ey]|suitabl[ey]|user.friendly|"
    r"easy|easily|simple|fast|quickly|timely|as soon as possible|as far as possible|where possible|"
    r"if necessary|as needed|best practice\w*|state.of.the.art|normally|generally|usually|typically|mostly|"
    r"minimi[sz]e|maximi[sz]e|optimi[sz]e|etc|and so on)\b",
    re.IGNORECASE,
)
_WEAK_ZH = re.compile(
    "适当|适宜|充分|足够|合理|尽快|及时|尽可能|必要时|视情况|一般|通常|友好|方便|快速|最佳实践|先进|最小化|最大化|优化|等等"
)
_MODAL_EN = re.compile(
    r"\b(must|shall|may not|has to|have to|is|are|can|states?|shows?|records?|supports?)\b", re.IGNORECASE
)
_OBLIGATION_EN = re.compile(r"\b(must|shall)\b", re.IGNORECASE)
_WISH_EN = re.compile(r"\b(should|could|might|ought to|will try|aims? to|strives?)\b", re.IGNORECASE)
_WISH_ZH = re.compile("希望|尽量|力求|争取|最好")
_FEW_DAYS = 366  # a review cadence beyond this is longer than a year


def lint_requirement(draft: RequirementDraft) -> list[LintWarning]:
    """Return every doubt about a requirement, in a stable order. None found does not make it good."""
    found: list[LintWarning] = []
    for language, text in draft.statement.items():
        rules: tuple[_Rule, ...] = (_vague_quality, _weak_words, _wish, _several)
        for rule in rules:
            found.extend(rule(language, text))
    found.extend(_about_criteria(draft))
    for criterion in draft.criteria:
        found.extend(_about_threshold(criterion))
        found.extend(_about_looks(criterion, tuple(draft.statement)))
    if draft.review_every_days > _FEW_DAYS:
        found.append(
            LintWarning(
                "rare_review",
                "review_every_days",
                f"nobody looks at this requirement for {draft.review_every_days} days",
                "have it reviewed at least once a year",
            )
        )
    return found


def lint_statement(text: str, language: str = "en") -> list[LintWarning]:
    """Return the doubts about a statement alone, as it is being typed."""
    rules: tuple[_Rule, ...] = (_vague_quality, _weak_words, _wish, _several)
    return [warning for rule in rules for warning in rule(language, text)]


_Rule = Callable[[str, str], Iterator[LintWarning]]


def _vague_quality(language: str, text: str) -> Iterator[LintWarning]:
    for quality in _QUALITIES:
        match = quality.pattern.search(text)
        if match is None:
            continue
        chinese = language.startswith("zh")
        parts = quality.split_zh if chinese else quality.split_en
        listed = "; ".join(f"({number}) {part}" for number, part in enumerate(parts, 1))
        yield LintWarning(
            "not_testable",
            f"statement.{language}",
            f"“{match[0]}”无法检验：没有机器或人员能据此判定是否满足"
            if chinese
            else f'"{match[0]}" is not testable: nobody could say that it is not met',
            f"请拆分为可检验的要求：{listed}" if chinese else f"split it into what can be checked: {listed}",
        )


def _weak_words(language: str, text: str) -> Iterator[LintWarning]:
    words = [match[0] for match in (_WEAK_ZH if language.startswith("zh") else _WEAK_EN).finditer(text)]
    if words:
        listed = ", ".join(f'"{word}"' for word in dict.fromkeys(words))
        yield LintWarning(
            "weak_word",
            f"statement.{language}",
            f"{listed}: two readers will not agree on what this asks",
            "say how much, how many, by when, or by which list, and put the number in a criterion",
        )


def _wish(language: str, text: str) -> Iterator[LintWarning]:
    match = (_WISH_ZH if language.startswith("zh") else _WISH_EN).search(text)
    if match:
        yield LintWarning(
            "wish",
            f"statement.{language}",
            f'"{match[0]}" is a wish, so nothing could fail it',
            "write what must hold",
        )
    elif not language.startswith("zh") and not _MODAL_EN.search(text):
        yield LintWarning(
            "no_obligation",
            f"statement.{language}",
            "does not say what must hold",
            'write who or what "must" do what',
        )


def _several(language: str, text: str) -> Iterator[LintWarning]:
    obligations = (
        len(_OBLIGATION_EN.findall(text))
        if not language.startswith("zh")
        else len(re.findall("必须|应当", text))
    )
    if obligations > 1:
        yield LintWarning(
            "several_requirements",
            f"statement.{language}",
            f"asks for {obligations} things at once, so a verdict could not say which of them failed",
            "write one requirement for each, and link them",
        )
    if re.search(r"\band/or\b|和/或", text, re.IGNORECASE):
        yield LintWarning(
            "and_or",
            f"statement.{language}",
            '"and/or" leaves open which of the two is asked',
            'write "and" or "or"',
        )


def _about_criteria(draft: RequirementDraft) -> Iterator[LintWarning]:
    if not draft.criteria:
        yield LintWarning(
            "no_criterion",
            "criteria",
            "no machine can check this, so it will stay 'not assessed'",
            "add a criterion: docs/reference/checks.md lists what can be measured",
        )
    if (
        draft.risk_tier is RiskTier.HIGH
        and draft.criteria
        and not any(c.max_age_days for c in draft.criteria)
    ):
        yield LintWarning(
            "never_stale",
            "criteria",
            "a high-risk requirement whose evidence never gets too old",
            "set max_age_days",
        )


def _about_threshold(criterion: CriterionDraft) -> Iterator[LintWarning]:
    where = f"criteria.{criterion.key}"
    threshold = _share_to_show(criterion)
    if threshold is None:
        if criterion.check == "evals.metric" and criterion.unit != "share":
            yield LintWarning(
                "mean_of_a_tail",
                where,
                "a mean without bounds is insufficient while its values are skewed or any is missing",
                "for a time or a cost, ask for a percentile: parameters: {percentile: 95}",
            )
        return
    plan = look_plan(criterion.parameters, criterion.bound_confidence)
    fewest = fewest_to_show if _grows(criterion) else smallest_n_at_least
    needed = fewest(threshold, two_sided(1 - plan.share))
    if needed is None:
        yield LintWarning(
            "out_of_reach",
            where,
            f"no number of observations puts the bound at {criterion.threshold:g}",
            "ask for a little less, e.g. 0.99, and say how often a breach is looked into",
        )
    elif criterion.min_n < needed:
        yield LintWarning(
            "underpowered",
            where,
            f"with min_n {criterion.min_n}, even a perfect result stays short of {criterion.threshold:g}: "
            f"it takes {needed} observations that do not depend on each other, without one failure",
            f"set min_n to {needed} or more, or lower the threshold",
        )


def _about_looks(criterion: CriterionDraft, languages: tuple[str, ...]) -> Iterator[LintWarning]:
    """Warn where a criterion on evidence that arrives while gates are asked does not say how often they may ask."""
    if not _grows(criterion) or criterion.parameters.get("looks"):
        return
    fewest = fewest_to_show(_share_to_show(criterion) or 0.0, two_sided(criterion.bound_confidence))
    for language in languages:
        chinese = language.startswith("zh")
        yield LintWarning(
            "looks_unsaid",
            f"criteria.{criterion.key}.parameters.looks",
            "未写明可询问的次数：轨迹陆续到达时，门禁每次询问都是一次查看，因此界限对任意次查看同时成立，并且更宽"
            + (f"（全部良好时需 {fewest} 个独立单元）" if fewest else "")
            if chinese
            else "does not say how often a gate may ask: each time it asks while traces arrive is a look, so the "
            "bounds hold at all looks together, and are wider"
            + (f" (without a failure it takes {fewest} independent units)" if fewest else ""),
            "请写上：parameters: {looks: continuous}"
            if chinese
            else "write it: parameters: {looks: continuous}",
        )


def _grows(criterion: CriterionDraft) -> bool:
    check = known_checks().get(criterion.check)
    return check is not None and check.grows


def _share_to_show(criterion: CriterionDraft) -> float | None:
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
