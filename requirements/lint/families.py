"""Qualities that are many requirements in one word, and the split of each into what a machine can check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from requirements.checks.contracts import Words


@dataclass(frozen=True, slots=True)
class Family:
    """A quality and its relatives."""

    english: tuple[str, ...]  # how its words begin
    chinese: tuple[str, ...]  # simplified
    parts: tuple[Words, ...]


# The six requirements of the starter baseline (`manage.py` imports them; DESIGN: each copilot must meet them).
_STARTER: Final = (
    Words(
        "shows-sources: each material claim cites a source in which its quote is found (citations.material_supported)",
        "shows-sources：每条重要陈述都引用可查到原文的来源（citations.material_supported）",
    ),
    Words(
        "states-confidence-and-limits: each answer carries confidence factors and limitations "
        "(answers.confidence_and_limits)",
        "states-confidence-and-limits：每个回答都附有置信因素与局限（answers.confidence_and_limits）",
    ),
    Words(
        "records-the-path: each trace holds prompt, sources, tool calls and policy checks (traces.path_recorded)",
        "records-the-path：每条轨迹都保存提示词、来源、工具调用与策略检查（traces.path_recorded）",
    ),
    Words(
        "supports-review: each high-risk answer is judged by a reviewer within a set time (reviews.within_time)",
        "supports-review：每个高风险回答都在规定时间内经人工审阅（reviews.within_time）",
    ),
    Words(
        "records-versions: each trace names registered model, prompt and index versions (versions.registered)",
        "records-versions：每条轨迹都注明已登记的模型、提示词与索引版本（versions.registered）",
    ),
    Words(
        "can-be-challenged: each override, rejection or escalation carries a reason code and a rationale "
        "(reviews.challenge_labelled)",
        "can-be-challenged：每次更改、拒绝或上报都附理由代码和文字说明（reviews.challenge_labelled）",
    ),
)

FAMILIES: Final[Mapping[str, Family]] = {
    "explainable": Family(
        ("explainab", "interpretab", "transparen", "understandab", "comprehensib", "intelligib", "traceab"),
        ("可解释", "透明", "易于理解", "可理解", "可追溯", "解释性"),
        _STARTER,
    ),
    "fair": Family(
        ("fair", "unbiased", "biased", "non-discriminat", "discriminat", "bias-free", "bias free", "free of bias",
         "free from bias", "impartial", "equitab"),
        ("公平", "公正", "偏见", "不歧视", "无歧视", "平等对待"),
        (
            Words(
                "the answer stays the same when only the name is changed (evals.metric on a name-swap suite)",
                "仅更换姓名时回答不变（对换名套件使用 evals.metric）",
            ),
            Words(
                "the share of consistent answers reaches the threshold in each language (slices: language)",
                "每种语言的一致率都达到阈值（slices: language）",
            ),
            Words(
                "reviewers' overrides for unfair treatment stay below a share (reviews.overridden)",
                "因不公平对待而被更改的比例低于上限（reviews.overridden）",
            ),
        ),
    ),
    "accurate": Family(
        ("accura", "correct", "reliab", "trustworth", "robust", "high-quality", "high quality", "good quality",
         "truthful", "precis", "dependab"),
        ("准确", "可靠", "可信", "稳健", "健壮", "鲁棒", "高质量", "高品质", "正确", "精准", "精确"),
        (
            Words(
                (
                    "answers to a versioned task set are graded correct in a share of at least a stated "
                    "number (evals.metric)"
                ),
                "在指定版本的任务集上，回答被判为正确的比例不低于某个数值（evals.metric）",
            ),
            Words(
                "material claims are supported by their sources (citations.material_supported)",
                "重要陈述有来源支持（citations.material_supported）",
            ),
        ),
    ),
    "safe": Family(
        ("safe", "secur", "harmless", "complian", "responsib", "ethic", "lawful"),
        ("安全", "无害", "合规", "负责任", "负责", "合乎伦理", "伦理"),
        (
            Words(
                "the policy gate decides on every answer, by named rules (policy.enforced)",
                "每个回答都由具名规则作出策略决定（policy.enforced）",
            ),
            Words(
                "prohibited claims appear in at most a stated share of the samples (evals.metric)",
                "含禁止性表述的样本比例不高于某个数值（evals.metric）",
            ),
            Words(
                "high-risk advice is reviewed in time and can be rejected with a reason (reviews.*)",
                "高风险建议按时审阅，并可附理由拒绝（reviews.*）",
            ),
        ),
    ),
    "accountable": Family(
        ("auditab", "accountab", "controllab", "human oversight", "oversight", "contestab"),
        ("可审计", "可问责", "可控", "人工监督", "人类监督"),
        (
            Words(
                "high-risk traces are reviewed within a set number of hours (reviews.within_time)",
                "高风险轨迹在规定的小时数内完成审阅（reviews.within_time）",
            ),
            Words(
                "each override or rejection carries a reason code and a rationale (reviews.challenge_labelled)",
                "每次更改或拒绝都附理由代码和文字说明（reviews.challenge_labelled）",
            ),
            Words(
                "each trace names registered versions (versions.registered)",
                "每条轨迹都注明已登记的版本（versions.registered）",
            ),
        ),
    ),
}  # fmt: skip


def family_of(words: str) -> str | None:
    """Return the family that a quality belongs to; None for one that has no split of its own."""
    low = words.lower()
    for name, family in FAMILIES.items():
        if low.startswith((*family.english, *family.chinese)):
            return name
    return None
