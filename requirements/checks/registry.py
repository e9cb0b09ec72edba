"""The checks by name. A new check is one entry here and one function at its dotted path."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from evidence.nearest import nearest_name
from requirements.checks.contracts import Check, Measure, Words
from requirements.errors import UnknownCheck

TRACE_DIMENSIONS = ("language", "risk_tier", "environment")

_RISK_TIERS: dict[str, object] = {
    "type": "array",
    "items": {"enum": ["low", "medium", "high"]},
    "minItems": 1,
    "uniqueItems": True,
    "description": "risk tiers of the advice that count",
}
_ALL_TIERS = {**_RISK_TIERS, "default": ["low", "medium", "high"]}
_HIGH_TIER = {**_RISK_TIERS, "default": ["high"]}


def _schema(**properties: dict[str, object]) -> dict[str, object]:
    """An object with these parameters and no others; those without a default are required."""
    required = [name for name, schema in properties.items() if "default" not in schema]
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in required if not properties[name].get("x-optional")],
        "additionalProperties": False,
    }


_VERSION_REF: dict[str, object] = {
    "type": "object",
    "properties": {
        "key": {"type": "string"},
        "label": {"type": "string"},
        "digest": {"type": "string", "pattern": "^(sha256:)?[0-9a-f]{64}$"},
    },
    "required": ["key"],
    "additionalProperties": False,
}

_LISTED = [
    Check(
        name="citations.material_supported",
        path="requirements.checks.citations.measure_material_supported",
        version="1",
        title=Words("Material claims are supported by their sources", "重要陈述有来源支持"),
        measures=Words(
            "Of the material claims in sealed answers, the share with at least one citation whose quote "
            "was found in "
            "the cited version of the document: verbatim, normalised, or fuzzy at or above `min_score`.",
            "已封存回答中的重要陈述里，至少有一条引文能在所引文档版本中找到的比例：逐字一致、规范化后一致，"
            "或模糊匹配得分不低于 `min_score`。",
        ),
        unit="share",
        direction="higher",
        parameters=_schema(
            min_score={
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "default": 0.9,
                "description": "lowest alignment, in [0, 1], at which a fuzzy match counts",
            },
            risk_tiers=_ALL_TIERS,
        ),
        dimensions=TRACE_DIMENSIONS,
        reads=("Trace", "Claim", "Citation"),
    ),
    Check(
        name="answers.confidence_and_limits",
        path="requirements.checks.answers.measure_confidence_and_limits",
        version="1",
        title=Words("Answers state confidence and limits", "回答说明把握程度与局限"),
        measures=Words(
            "Of the sealed traces, the share whose answer carries everything listed in `parts`: "
            "confidence factors, "
            "limitations.",
            "已封存的轨迹中，回答包含 `parts` 所列全部内容（置信因素、局限说明）的比例。",
        ),
        unit="share",
        direction="higher",
        parameters=_schema(
            parts={
                "type": "array",
                "items": {"enum": ["confidence", "limitations"]},
                "minItems": 1,
                "uniqueItems": True,
                "default": ["confidence", "limitations"],
                "description": "what the answer must carry",
            },
            risk_tiers=_ALL_TIERS,
        ),
        dimensions=TRACE_DIMENSIONS,
        reads=("Trace", "TraceFacts"),
    ),
    Check(
        name="traces.path_recorded",
        path="requirements.checks.answers.measure_path_recorded",
        version="1",
        title=Words("The path of the decision is recorded", "决策路径有记录"),
        measures=Words(
            "Of the sealed traces, the share that are complete and hold everything listed in `parts`: "
            "prompt, "
            "sources, tools, policy checks.",
            "已封存的轨迹中，完整且包含 `parts` 所列全部内容（提示词、来源、工具调用、策略检查）的比例。",
        ),
        unit="share",
        direction="higher",
        parameters=_schema(
            parts={
                "type": "array",
                "items": {"enum": ["prompt", "sources", "tools", "policy_checks"]},
                "minItems": 1,
                "uniqueItems": True,
                "default": ["prompt", "sources", "tools", "policy_checks"],
                "description": "what the trace must hold",
            },
            risk_tiers=_ALL_TIERS,
        ),
        dimensions=TRACE_DIMENSIONS,
        reads=("Trace", "TraceFacts"),
    ),
    Check(
        name="versions.registered",
        path="requirements.checks.versions.measure_registered",
        version="1",
        title=Words("Versions are resolved and registered", "版本均已确认并登记"),
        measures=Words(
            "Of the sealed traces, the share that name a version in every slot listed, where each version "
            "they name "
            "was registered by a person or by CI before the assessment.",
            "已封存的轨迹中，所列各项均注明版本、且所注明的版本在评估之前已由人员或持续集成登记的比例。",
        ),
        unit="share",
        direction="higher",
        parameters=_schema(
            slots={
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "minItems": 1,
                "uniqueItems": True,
                "default": ["model", "prompt", "index"],
                "description": "slots that must be filled",
            },
            match_release={
                "type": "boolean",
                "default": True,
                "description": "whether a version must also be the one the release pins in that slot",
            },
            risk_tiers=_ALL_TIERS,
        ),
        dimensions=TRACE_DIMENSIONS,
        reads=("Trace", "TraceVersion", "Registration", "ReleasePin"),
    ),
    Check(
        name="reviews.within_time",
        path="requirements.checks.reviews.measure_within_time",
        version="1",
        title=Words("Reviews are done in time", "审阅按时完成"),
        measures=Words(
            "Of the traces of these risk tiers whose time for review is over, the share that had the "
            "reviews required "
            "by then. A trace still within its time is left out, reviewed or not, because counting only "
            "the early "
            "ones would flatter the number; `pending: count` counts every trace instead.",
            "所列风险等级的轨迹中，审阅期限已过者在期限内完成所需审阅的比例。期限未到的轨迹无论是否已审阅"
            "均不计入，否则数字会偏高；设 `pending: count` 则全部计入。",
        ),
        unit="share",
        direction="higher",
        parameters=_schema(
            within_hours={
                "type": "number",
                "exclusiveMinimum": 0,
                "description": "hours from sealing to the review",
            },
            pending={
                "enum": ["leave_out", "count"],
                "default": "leave_out",
                "description": "is a trace still within its time left out, or counted by what it has now",
            },
            risk_tiers=_HIGH_TIER,
        ),
        dimensions=TRACE_DIMENSIONS,
        reads=("Trace", "ReviewTask", "Review"),
    ),
    Check(
        name="reviews.challenge_labelled",
        path="requirements.checks.reviews.measure_challenge_labelled",
        version="1",
        title=Words("Challenges carry a labelled reason", "质疑附有标注理由"),
        measures=Words(
            "Of the reviews that override, reject or escalate advice of these risk tiers, the share with "
            "a reason "
            "code and a rationale in words. Rates by reason are among the inputs.",
            "对所列风险等级建议作出更改、拒绝或上报的审阅中，附有理由代码和文字说明的比例；按理由统计的比"
            "率列于输入中。",
        ),
        unit="share",
        direction="higher",
        parameters=_schema(risk_tiers=_HIGH_TIER),
        dimensions=TRACE_DIMENSIONS,
        reads=("Trace", "ReviewTask", "Review"),
    ),
    Check(
        name="reviews.overridden",
        path="requirements.checks.reviews.measure_overridden",
        version="1",
        title=Words("Advice that reviewers override or reject", "被审阅人更改或拒绝的建议"),
        measures=Words(
            "Of the reviews of advice of these risk tiers, the share that override or reject it.",
            "对所列风险等级建议的审阅中，作出更改或拒绝的比例。",
        ),
        unit="share",
        direction="lower",
        parameters=_schema(risk_tiers=_ALL_TIERS),
        dimensions=TRACE_DIMENSIONS,
        reads=("Trace", "ReviewTask", "Review"),
    ),
    Check(
        name="policy.enforced",
        path="requirements.checks.policy.measure_enforced",
        version="1",
        title=Words("The policy gate was asked", "已执行策略检查"),
        measures=Words(
            "Of the sealed traces, the share in which every rule listed left a decision; with no rule "
            "listed, in which "
            "any rule did.",
            "已封存的轨迹中，所列每条规则都留有决定的比例；未列规则时，指任一规则留有决定的比例。",
        ),
        unit="share",
        direction="higher",
        parameters=_schema(
            rules={
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "uniqueItems": True,
                "default": [],
                "description": "rules that must have decided",
            },
            risk_tiers=_ALL_TIERS,
        ),
        dimensions=TRACE_DIMENSIONS,
        reads=("Trace", "PolicyCheck"),
    ),
    Check(
        name="evals.metric",
        path="requirements.checks.evals.measure_metric",
        version="1",
        title=Words("A metric of an eval suite", "评测套件的指标"),
        measures=Words(
            "One metric over the scored samples of the latest successful run of the suite on this release "
            "that is not "
            "retracted. Suite, evaluator and dataset must be registered versions, and the ones named here "
            "where "
            "any are named. Unscored and errored samples never count as passes; above `max_missing_share` "
            "of them the "
            "run cannot be a pass.",
            "该发布版本上该套件最近一次成功且未撤回的运行中，已评分样本的某项指标。套件、评测器和数据集必"
            "须是已登记的"
            "版本；如在此指定，则必须一致。未评分和出错的样本绝不算通过；其比例超过 `max_missing_share` 时"
            "，该运行不能算通过。",
        ),
        unit=None,
        direction=None,
        parameters=_schema(
            suite={**_VERSION_REF, "description": "which suite; with label or digest, which version of it"},
            metric={"type": "string", "minLength": 1, "description": "the metric's name in the eval file"},
            evaluator={
                **_VERSION_REF,
                "x-optional": True,
                "description": "the only evaluator version that counts",
            },
            dataset={
                **_VERSION_REF,
                "x-optional": True,
                "description": "the only dataset version that counts",
            },
            max_missing_share={
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "default": 0.05,
                "description": "largest share of samples, in [0, 1], that may be unscored or errored",
            },
        ),
        dimensions=None,
        reads=("EvalRun", "EvalSample", "Retraction", "Registration"),
    ),
]

CHECKS: dict[str, Check] = {check.name: check for check in _LISTED}


def get_check(name: str) -> Check:
    """Return a check's declaration. Raises `UnknownCheck`, which names the nearest known one."""
    check = CHECKS.get(name)
    if check is None:
        raise UnknownCheck(f"no check is called {name!r}; the nearest known check is {nearest_check(name)!r}")
    return check


def nearest_check(name: str) -> str:
    """Return the known check whose name is closest to `name`, for a message that helps."""
    return str(nearest_name(name, CHECKS))


def load_measure(check: Check) -> Measure:
    """Import the measuring code of a check."""
    module, _, attribute = check.path.rpartition(".")
    return cast("Measure", getattr(import_module(module), attribute))
