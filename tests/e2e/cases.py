"""An answer worth reviewing: claims whose citations stand, nearly stand, and do not, in two languages."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from evidence.digests import sha256_hex
from evidence.models import (
    ArtefactVersion,
    Citation,
    Claim,
    PolicyCheck,
    Retrieval,
    ReviewTask,
    RiskTier,
    SourceDocument,
    ToolCall,
    Trace,
    TraceVersion,
)
from evidence.services import registry, reviews
from tests.factories import ACTOR, World

QUESTION = "What does a personal loan of 9,000 cost, and who may have one?"
ANSWER = (
    "The annual percentage rate is 7.9% for amounts between 5,000 and 15,000. You must be at least 18 years old. "
    "There is no fee for early repayment. I hope this helps."
)
QUESTION_ZH = "九千元的个人贷款利率是多少？"
ANSWER_ZH = "年利率为 7.9%。提前还款不收费。"


def make_trace(
    world: World,
    *,
    language: str = "en",
    risk: str = RiskTier.HIGH,
    sealed_at: datetime | None = None,
    conversation: str = "",
) -> Trace:
    """Store a sealed trace of the world's release with claims, citations, checks, a tool call and versions."""
    question, answer = (QUESTION, ANSWER) if language == "en" else (QUESTION_ZH, ANSWER_ZH)
    at = sealed_at or timezone.now()
    trace = Trace.objects.create(
        system=world.system, trace_id=uuid.uuid4(), revision=1, digest=sha256_hex(question.encode()),
        status=Trace.Status.COMPLETE, name="invoke_agent credit", root_span_id="a" * 16, environment="production",
        release=world.release, started_at=at - timedelta(seconds=3), ended_at=at, span_count=6, question=question,
        answer=answer, language=language, risk_tier=risk,
        confidence_factors=[
            {"factor": "retrieval_score", "value": 11.2, "unit": "bm25", "direction": "raises", "source": "DOC-1"},
        ],
        limitations=["Rates are those of the document's date."],
        flags=[{"code": "unregistered_version", "detail": "tool:calculator was only seen in traces"}],
        assembler_version="test/1", sealed_at=at, conversation_ids=[conversation] if conversation else [],
    )  # fmt: skip
    (_claims_in_english if language == "en" else _claims_in_chinese)(trace, world)
    _path(trace, world)
    return trace


def make_task(world: World, **options: Any) -> ReviewTask:
    """Store a trace and ask for its review."""
    return reviews.open_review_task(trace=make_trace(world, **options), reason="high_risk", actor=ACTOR)


def _claims_in_english(trace: Trace, world: World) -> None:
    document = SourceDocument.objects.get(index_version__release_pins__release=world.release)
    quote = "The annual percentage rate is 7.9% for amounts between 5,000 and 15,000."
    rate = _claim(trace, 0, quote)
    _cite(rate, document, quote, Citation.Verdict.VERBATIM, 1.0, quote)
    age = _claim(trace, 1, "You must be at least 18 years old.")
    _cite(age, document, "Applicants must be at least eighteen years old", Citation.Verdict.FUZZY, 0.88,
          "Applicants must be at least 18 years old")  # fmt: skip
    fee = _claim(trace, 2, "There is no fee for early repayment.")
    _cite(fee, document, "no early repayment fee applies", Citation.Verdict.NOT_FOUND, 0.31, None)
    _claim(trace, 3, "I hope this helps.", material=False)


def _claims_in_chinese(trace: Trace, world: World) -> None:
    document = SourceDocument.objects.get(index_version__release_pins__release=world.release)
    rate, quote = _claim(trace, 0, "年利率为 7.9%。"), "annual percentage rate is 7.9%"
    _cite(rate, document, quote, Citation.Verdict.VERBATIM, 1.0, quote)
    _claim(trace, 1, "提前还款不收费。")


def _claim(trace: Trace, ordinal: int, text: str, *, material: bool = True) -> Claim:
    start = trace.answer.index(text)
    return Claim.objects.create(
        trace=trace, ordinal=ordinal, text=text, start=start, end=start + len(text), material=material,
        origin=Claim.Origin.DECLARED, extractor_version="test/1",
    )  # fmt: skip


def _cite(
    claim: Claim, document: SourceDocument, quote: str, verdict: str, score: float, found: str | None
) -> Citation:
    start = document.text.index(found) if found else None
    return Citation.objects.create(
        claim=claim, ordinal=0, document_ref=document.document_id, document=document, quote=quote, verdict=verdict,
        score=score, threshold=0.85, doc_start=start, doc_end=None if start is None else start + len(found or ""),
        checker_version="test/1", inputs_digest=sha256_hex(quote.encode()),
    )  # fmt: skip


def _path(trace: Trace, world: World) -> None:
    document = SourceDocument.objects.get(index_version__release_pins__release=world.release)
    Retrieval.objects.create(trace=trace, span_id="b" * 16, query="personal loan cost", rank=0, score=11.2,
                             document_ref="DOC-1", document=document)  # fmt: skip
    PolicyCheck.objects.create(
        trace=trace, span_id="c" * 16, rule="prohibited_claims", decision="allow", reason="none found"
    )
    PolicyCheck.objects.create(trace=trace, span_id="d" * 16, rule="adverse_action", decision="escalate",
                               reason="eligibility is mentioned")  # fmt: skip
    ToolCall.objects.create(trace=trace, span_id="e" * 16, tool="calculator", arguments={"amount": 9000, "rate": 7.9},
                            result={"monthly": 281.61})  # fmt: skip
    for pin in world.release.pins.all():
        TraceVersion.objects.create(trace=trace, slot=pin.slot, version=pin.version)
    TraceVersion.objects.create(trace=trace, slot="tool:calculator", version=_seen_tool(world))


def _seen_tool(world: World) -> ArtefactVersion:
    return registry.ensure_version(
        system=world.system,
        kind="tool",
        key="calculator",
        label="0.3",
        digest=sha256_hex(b"calculator"),
        actor=ACTOR,
    )
