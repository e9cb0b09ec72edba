"""Our own attributes, for what no other convention has a name for: docs/reference/semantic-conventions.md."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import Dialect, Operation, OperationNames, VersionAttributes

# Of the answer, on the span that speaks for the whole trace.
QUESTION: Final = "tracebinder.question"
ANSWER: Final = "tracebinder.answer"
RELEASE: Final = "tracebinder.release"
LANGUAGE: Final = "tracebinder.language"
RISK_TIER: Final = "tracebinder.risk_tier"
CLAIMS: Final = "tracebinder.claims"
CONFIDENCE: Final = "tracebinder.confidence.factors"
LIMITATIONS: Final = "tracebinder.limitations"

# Of a policy gate.
POLICY_RULE: Final = "tracebinder.policy.rule"
POLICY_DECISION: Final = "tracebinder.policy.decision"
POLICY_REASON: Final = "tracebinder.policy.reason"
POLICY_SPAN: Final = "policy_check "  # how the name of a gate's span begins; the rule follows

TRACEBINDER: Final = Dialect(
    title="Tracebinder",
    operations=OperationNames(
        present={POLICY_DECISION: Operation.POLICY},
        name_prefixes={POLICY_SPAN: Operation.POLICY},
    ),
    versions={
        "model": VersionAttributes(
            label=("tracebinder.model.version",), digest=("tracebinder.model.digest",)
        ),
        "prompt": VersionAttributes(digest=("tracebinder.prompt.digest",)),
        "index": VersionAttributes(
            label=("tracebinder.index.version",), digest=("tracebinder.index.digest",)
        ),
        "tool": VersionAttributes(label=("tracebinder.tool.version",), digest=("tracebinder.tool.digest",)),
        "policy": VersionAttributes(
            name=("tracebinder.policy.name",),
            label=("tracebinder.policy.version",),
            digest=("tracebinder.policy.digest",),
        ),
        "evaluator": VersionAttributes(
            name=("tracebinder.evaluator.name",),
            label=("tracebinder.evaluator.version",),
            digest=("tracebinder.evaluator.digest",),
        ),
    },
)
