"""What a copilot made of one task, and its record on disk (JSON lines) for the evaluations to reuse."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from examples.common.structure import Claim


@dataclass(frozen=True, slots=True)
class Outcome:
    """One structured answer with everything it rests on."""

    task: str
    system: str
    language: str
    risk_tier: str
    trace_id: str  # 32 hex characters
    question: str
    answer: str  # what the model wrote
    quote: str  # what the model wrote when asked for a quote
    decision: str | None
    claims: tuple[Claim, ...]
    confidence: tuple[dict[str, Any], ...]
    limitations: tuple[str, ...]
    policy: tuple[dict[str, str], ...]
    facts: dict[str, Any]
    model_digest: str
    prompt_digest: str
    index_digest: str
    generated_tokens: int
    seconds: float  # wall clock; tasks run side by side, so these do not add up

    def claims_as_attribute(self, index: str) -> list[dict[str, Any]]:
        """Return the claims as the attribute `tracebinder.claims` wants them."""
        return [_claim_as_dict(number, claim, index) for number, claim in enumerate(self.claims, 1)]


def write_outcomes(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(asdict(outcome), ensure_ascii=False) + "\n" for outcome in outcomes]
    path.write_text("".join(lines), encoding="utf-8")


def read_outcomes(path: Path) -> list[dict[str, Any]]:
    """Read what `write_outcomes` wrote, as dicts."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _claim_as_dict(number: int, claim: Claim, index: str) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "text": claim.text,
        "start": claim.start,
        "end": claim.end,
        "material": claim.material,
        "citations": [
            {"id": f"c{number}-{i}", "index": index, "document": citation.document, "quote": citation.quote}
            for i, citation in enumerate(claim.citations, 1)
        ],
    }
