"""What the helper emits is what the server reads."""

from __future__ import annotations

from typing import Any

import pytest

from evidence.semconv.mapping import map_trace
from tracebinder.attributes import (
    Citation,
    Claim,
    ConfidenceFactor,
    InvalidAttribute,
    answer_attributes,
    policy_check_attributes,
    version_attributes,
)

ANSWER = "年利率为 7.9%。 The limit is 15,000."
DIGEST = "ab" * 32


def span(name: str, attributes: dict[str, Any], span_id: str = "1" * 16, parent: str = "") -> dict[str, Any]:
    return {
        "span_id": span_id,
        "parent_span_id": parent,
        "name": name,
        "start_ns": 1,
        "end_ns": 2,
        "digest": span_id * 4,
        "attributes": attributes,
    }


def test_answer_survives_the_way_to_the_server() -> None:
    citation = Citation(document="DOC-1", quote="7.9%", index="loans", start=31, end=35)
    attributes = answer_attributes(
        question="What rate?",
        answer=ANSWER,
        claims=[
            Claim.found_in(ANSWER, "年利率为 7.9%", [citation], material=True),
            Claim.found_in(ANSWER, "The limit is 15,000."),
        ],
        confidence=[ConfidenceFactor("top score", 7.1, "raises", unit="bm25")],
        limitations=["not advice"],
        release="r1",
        language="zh-Hans",
        risk_tier="high",
    )
    draft = map_trace([span("invoke_agent", {"gen_ai.operation.name": "invoke_agent", **attributes})])
    assert draft.flags == ()
    assert (draft.question, draft.answer, draft.release) == ("What rate?", ANSWER, "r1")
    assert (draft.language, draft.risk_tier, draft.limitations) == ("zh-Hans", "high", ("not advice",))
    first, second = draft.claims
    assert (ANSWER[first.start : first.end], first.material) == ("年利率为 7.9%", True)
    assert (first.citations[0].document_ref, first.citations[0].index_key, first.citations[0].quote) == (
        "DOC-1",
        "loans",
        "7.9%",
    )
    assert (second.text, second.material) == ("The limit is 15,000.", None)
    assert draft.confidence_factors[0]["direction"] == "raises"


@pytest.mark.parametrize("kind", ["model", "prompt", "index", "policy"])
def test_versions_are_read_back(kind: Any) -> None:
    attributes = version_attributes(kind, name="thing", version="3", digest=f"sha256:{DIGEST}")
    (version,) = map_trace([span("x", attributes)]).versions
    assert (version.kind, version.key, version.label, version.digest) == (kind, "thing", "3", DIGEST)


def test_policy_check_is_read_back() -> None:
    attributes = policy_check_attributes(rule="no-guarantees", decision="deny", reason="promised a rate")
    (check,) = map_trace([span("policy_check no-guarantees", attributes)]).policy_checks
    assert (check.rule, check.decision, check.reason) == ("no-guarantees", "deny", "promised a rate")


def test_mistakes_are_told_before_they_are_sent() -> None:
    with pytest.raises(InvalidAttribute, match="does not hold"):
        Claim.found_in(ANSWER, "free of charge")
    with pytest.raises(InvalidAttribute, match="does not stand there"):
        answer_attributes(question="q", answer=ANSWER, claims=[Claim("limit", 0, 5)])
    with pytest.raises(InvalidAttribute, match="digest"):
        version_attributes("model", name="m", digest="abc")
