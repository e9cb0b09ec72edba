"""Traces of two subjects, what they said, and the erasure of one."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from evidence.access import principal_of_token
from evidence.models import (
    AccessToken,
)
from evidence.services import assembly, ingest
from evidence.services.disposal.erasure import erase_trace_payload
from tests.evidence.otlp_bodies import (
    JSON,
    PROTOBUF,
    START_NS,
    make_request,
    make_span,
    to_otlp_json,
)
from tests.factories import World, acting

MINE, OTHER = uuid.UUID(int=0xA1), uuid.UUID(int=0xB2)
SECRET = "Ms Ngozi Okafor earns 41,200 a year"
THEIRS = "Mr Paul Weber asks about a loan"
LONG = "A statement of account, shared by both. " * 7_000  # above the limit of one value
DAY_NS = 86_400_000_000_000


def span_of(trace_id: uuid.UUID, words: str, *, start: int = START_NS, **attributes: str) -> Any:
    said = {
        "gen_ai.operation.name": "invoke_agent", "tracebinder.release": "r1",
        "tracebinder.question": words, "tracebinder.answer": f"The answer to {words}", **attributes,
    }  # fmt: skip
    return make_span(
        trace_id=trace_id.bytes, parent_span_id=b"", attributes=said,
        start_time_unix_nano=start, end_time_unix_nano=start + 1,
    )  # fmt: skip


def send(*spans: Any, as_json: bool = False) -> str:
    """Post the spans in one body, seal their traces, and return the body's digest."""
    request = make_request(*spans)
    body, kind = (to_otlp_json(request), JSON) if as_json else (request.SerializeToString(), PROTOBUF)
    sender = principal_of_token(AccessToken.objects.get())
    receipt = ingest.ingest_traces(body=body, content_type=kind, content_encoding="", principal=sender)
    assembly.assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1))
    return receipt.batch.body_digest


def erase(world: World, trace_id: uuid.UUID = MINE) -> Any:
    return erase_trace_payload(system=world.system, trace_id=trace_id, reason="request 1", principal=acting())
