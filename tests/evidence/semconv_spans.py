"""Spans as they are stored, for tests of the mapping: columns as a dict, digest over the rest."""

from __future__ import annotations

import json
from typing import Any

from evidence.digests import sha256_hex

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
ROOT_ID = "00000000000000a1"
ANSWER = "The overdraft rate is 15% per annum. Students pay no fee."


def make_span(
    span_id: str, *, parent: str = ROOT_ID, name: str = "span", start: int = 10, **columns: Any
) -> dict[str, Any]:
    span: dict[str, Any] = {
        "span_id": span_id,
        "parent_span_id": parent,
        "name": name,
        "start_ns": start,
        "end_ns": start + 5,
        "status_code": 0,
        "status_message": "",
        "attributes": {},
        "events": [],
        "resource": {"service.name": "credit", "deployment.environment.name": "production"},
        **columns,
    }
    span["digest"] = sha256_hex(json.dumps(span, sort_keys=True, default=str).encode())
    return span


def make_root(**attributes: Any) -> dict[str, Any]:
    own = {
        "gen_ai.operation.name": "invoke_agent",
        "tracebinder.question": "What does an overdraft cost?",
        "tracebinder.answer": ANSWER,
        "tracebinder.language": "en",
        "tracebinder.risk_tier": "high",
        "tracebinder.release": "2026.11",
        "tracebinder.limitations": ["Rates change."],
        "tracebinder.confidence.factors": json.dumps(
            [
                {
                    "factor": "retrieval_score",
                    "value": 0.8,
                    "unit": "share",
                    "direction": "raises",
                    "source": "bm25",
                }
            ]
        ),
        "tracebinder.claims": json.dumps(
            [
                {
                    "id": "c1",
                    "text": "The overdraft rate is 15% per annum.",
                    "start": 0,
                    "end": 36,
                    "material": True,
                    "citations": [
                        {
                            "id": "q1",
                            "index": "policies",
                            "document": "RATE-1",
                            "quote": "rate is 15% per annum",
                        }
                    ],
                },
                {"id": "c2", "text": "Students pay no fee.", "citations": []},
            ]
        ),
    }
    return make_span(ROOT_ID, parent="", name="credit assistant", start=1, attributes={**own, **attributes})


def make_trace() -> list[dict[str, Any]]:
    """A complete trace in the current conventions: agent, retrieval, chat, tool, policy gate."""
    return [
        make_root(),
        make_span(
            "00000000000000b1",
            name="retrieval policies",
            start=2,
            attributes={
                "gen_ai.operation.name": "retrieval",
                "gen_ai.data_source.id": "policies",
                "tracebinder.index.version": "2026-11",
                "tracebinder.index.digest": "sha256:" + "1" * 64,
                "gen_ai.retrieval.query.text": "overdraft cost",
                "gen_ai.retrieval.documents": [
                    {"id": "RATE-1", "score": 3.5},
                    {"id": "FEE-1", "score": "NaN"},
                ],
            },
        ),
        make_span(
            "00000000000000b2",
            name="chat smollm2",
            start=3,
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "smollm2",
                "tracebinder.model.digest": "2" * 64,
                "gen_ai.prompt.name": "credit-answer",
                "gen_ai.prompt.version": "1.2.0",
                "gen_ai.input.messages": json.dumps(
                    [{"role": "user", "parts": [{"type": "text", "content": "prompt text"}]}]
                ),
                "gen_ai.output.messages": json.dumps(
                    [{"role": "assistant", "parts": [{"type": "text", "content": "model text"}]}]
                ),
                "vendor.unknown": {"kept": True},
            },
        ),
        make_span(
            "00000000000000b3",
            name="execute_tool rate_table",
            start=4,
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "rate_table",
                "tracebinder.tool.version": "3",
                "gen_ai.tool.call.arguments": json.dumps({"product": "overdraft"}),
                "gen_ai.tool.call.result": "15%",
            },
        ),
        make_span(
            "00000000000000b4",
            name="policy_check prohibited_claims",
            start=5,
            attributes={
                "tracebinder.policy.decision": "escalate",
                "tracebinder.policy.reason": "high amount",
                "tracebinder.policy.name": "lending",
                "tracebinder.policy.version": "7",
            },
        ),
    ]
