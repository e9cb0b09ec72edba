"""What policy gates inside a trace decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from evidence.semconv.dialects import Operation
from evidence.semconv.dialects.tracebinder import POLICY_DECISION, POLICY_REASON, POLICY_RULE, POLICY_SPAN
from evidence.semconv.draft import PolicyCheckDraft, PolicyDecision, VersionRef
from evidence.semconv.span_view import SpanView
from evidence.semconv.versions import policy_version_of

_DECISIONS: Final = {decision.value: decision for decision in PolicyDecision}


def read_policy_checks(
    spans: Iterable[SpanView], merged: Mapping[VersionRef, VersionRef]
) -> tuple[PolicyCheckDraft, ...]:
    """Return what policy gates decided; a decision that is none of the three is flagged and not counted.

    Args:
        merged: what `versions.merge_versions` made of the versions that all spans of the trace name.
    """
    found = (_policy_check_of(span, merged) for span in spans if span.operation is Operation.POLICY)
    return tuple(check for check in found if check is not None)


def _policy_check_of(span: SpanView, merged: Mapping[VersionRef, VersionRef]) -> PolicyCheckDraft | None:
    decision = span.text(POLICY_DECISION).strip().lower()
    if decision not in _DECISIONS:
        detail = (
            f"policy gate {_rule_of(span)!r} states the decision {decision!r}, not allow, deny or escalate"
        )
        span.flags.add("policy_decision_unknown", detail, span.span_id)
        return None
    version = policy_version_of(span)
    return PolicyCheckDraft(
        span_id=span.span_id,
        rule=_rule_of(span),
        decision=_DECISIONS[decision],
        reason=span.text(POLICY_REASON),
        version=merged[version] if version else None,
    )


def _rule_of(span: SpanView) -> str:
    """Return the rule a policy gate checked: its attribute, else what follows `policy_check` in the name."""
    return span.label(POLICY_RULE) or span.cut(span.name.removeprefix(POLICY_SPAN), "span name")
