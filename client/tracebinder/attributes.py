"""The attributes of ours that GenAI conventions and OpenInference have no name for, as plain dictionaries.

Give them to any OpenTelemetry span: `span.set_attributes(answer_attributes(...))`. Nothing here needs OpenTelemetry.
The reference is `docs/reference/semantic-conventions.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

SYSTEM: Final = "tracebinder.system"  # on the resource; `service.name` serves as well
RELEASE: Final = "tracebinder.release"
TASK_ID: Final = "tracebinder.task.id"
LANGUAGE: Final = "tracebinder.language"
RISK_TIER: Final = "tracebinder.risk_tier"
QUESTION: Final = "tracebinder.question"
ANSWER: Final = "tracebinder.answer"
CLAIMS: Final = "tracebinder.claims"
CONFIDENCE_FACTORS: Final = "tracebinder.confidence.factors"
LIMITATIONS: Final = "tracebinder.limitations"
POLICY_RULE: Final = "tracebinder.policy.rule"
POLICY_DECISION: Final = "tracebinder.policy.decision"
POLICY_REASON: Final = "tracebinder.policy.reason"

AttributeValue = str | list[str]
Attributes = dict[str, AttributeValue]
Kind = Literal["model", "prompt", "index", "policy", "tool", "evaluator"]

_DIGEST: Final = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
# Where the GenAI conventions have a name for the thing or its version, that name is used.
_NAME_KEYS: Final[dict[Kind, str]] = {
    "model": "gen_ai.request.model",
    "prompt": "gen_ai.prompt.name",
    "index": "gen_ai.data_source.id",
    "policy": "tracebinder.policy.name",
    "evaluator": "tracebinder.evaluator.name",
    "tool": "gen_ai.tool.name",
}
_VERSION_KEYS: Final[dict[Kind, str]] = {
    "model": "tracebinder.model.version",
    "prompt": "gen_ai.prompt.version",
    "index": "tracebinder.index.version",
    "policy": "tracebinder.policy.version",
    "evaluator": "tracebinder.evaluator.version",
    "tool": "tracebinder.tool.version",
}


class InvalidAttribute(ValueError):
    """A value that the server would flag as malformed; better to hear of it here."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Where the support for a claim stands."""

    document: str  # the document's id in its index
    quote: str  # the words relied on, as they stand in the document
    index: str | None = None  # gen_ai.data_source.id; None where the trace uses one index
    start: int | None = None  # code points from the start of the document
    end: int | None = None  # exclusive


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of the answer, with its citations."""

    text: str
    start: int  # code points from the start of the answer
    end: int  # exclusive
    citations: Sequence[Citation] = ()
    material: bool | None = None  # None: the server decides

    @classmethod
    def found_in(
        cls, answer: str, text: str, citations: Sequence[Citation] = (), *, material: bool | None = None
    ) -> Claim:
        """Return the claim at the first place where its text stands in the answer.

        Raises:
            InvalidAttribute: the answer does not hold this text.
        """
        start = answer.find(text)
        if start < 0 or not text:
            raise InvalidAttribute(f"the answer does not hold the claim {text[:80]!r}")
        return cls(text, start, start + len(text), tuple(citations), material)


@dataclass(frozen=True, slots=True)
class ConfidenceFactor:
    """One thing that made the answer more or less certain."""

    factor: str  # what it is: "top retrieval score"
    value: float | str
    direction: Literal["raises", "lowers"]
    unit: str = ""
    source: str = ""  # who or what says so


def answer_attributes(
    *,
    question: str,
    answer: str,
    claims: Sequence[Claim] | None = None,
    confidence: Sequence[ConfidenceFactor] = (),
    limitations: Sequence[str] = (),
    release: str = "",
    task_id: str = "",
    language: str = "",
    risk_tier: Literal["", "low", "medium", "high"] = "",
) -> Attributes:
    """Return the attributes of the root span, whose `gen_ai.operation.name` is `invoke_agent`.

    Args:
        claims: what the answer states. `None` leaves it to the server to find claims; an empty sequence says
            that there are none.
        language: BCP 47, such as `en` or `zh-Hans`.
        risk_tier: of this advice; the system's own tier where it is left out.

    Raises:
        InvalidAttribute: a claim's offsets do not enclose its text.
    """
    attributes: Attributes = {QUESTION: question, ANSWER: answer}
    if claims is not None:
        attributes[CLAIMS] = _dump([_claim_fields(answer, claim, n) for n, claim in enumerate(claims)])
    if confidence:
        attributes[CONFIDENCE_FACTORS] = _dump([_factor_fields(factor) for factor in confidence])
    if limitations:
        attributes[LIMITATIONS] = list(limitations)
    stated = {RELEASE: release, TASK_ID: task_id, LANGUAGE: language, RISK_TIER: risk_tier}
    return attributes | {key: value for key, value in stated.items() if value}


def version_attributes(kind: Kind, *, name: str, version: str = "", digest: str = "") -> Attributes:
    """Return the attributes that say which version was used, for the span nearest to its use.

    Args:
        digest: SHA-256 of the content, with or without `sha256:`. It wins over the label.

    Raises:
        InvalidAttribute: the digest is no SHA-256 digest.
    """
    if digest and not _DIGEST.fullmatch(digest.lower()):
        raise InvalidAttribute(f"not a SHA-256 digest: {digest[:80]!r}")
    attributes: Attributes = {_NAME_KEYS[kind]: name}
    if version:
        attributes[_VERSION_KEYS[kind]] = version
    if digest:
        attributes[f"tracebinder.{kind}.digest"] = digest.lower()
    return attributes


def policy_check_attributes(
    *, rule: str, decision: Literal["allow", "deny", "escalate"], reason: str = ""
) -> Attributes:
    """Return the attributes of a policy gate's span, whose name is `policy_check <rule>`."""
    attributes: Attributes = {POLICY_RULE: rule, POLICY_DECISION: decision}
    return attributes | ({POLICY_REASON: reason} if reason else {})


def _claim_fields(answer: str, claim: Claim, number: int) -> dict[str, object]:
    if answer[claim.start : claim.end] != claim.text:
        raise InvalidAttribute(
            f"claim {number} says [{claim.start}, {claim.end}) and its text does not stand there"
        )
    fields: dict[str, object] = {
        "id": f"c{number + 1}",
        "text": claim.text,
        "start": claim.start,
        "end": claim.end,
        "citations": [
            _present({"id": f"c{number + 1}.{n + 1}", "index": one.index, "document": one.document,
                      "quote": one.quote, "start": one.start, "end": one.end})
            for n, one in enumerate(claim.citations)
        ],
    }  # fmt: skip
    return fields if claim.material is None else {**fields, "material": claim.material}


def _factor_fields(factor: ConfidenceFactor) -> dict[str, object]:
    return {
        "factor": factor.factor,
        "value": factor.value,
        "unit": factor.unit,
        "direction": factor.direction,
        "source": factor.source,
    }


def _present(fields: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value is not None}


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
