"""RFC 3161 time-stamps over a text: what is asked of an authority, and whether its answer is to the question.

Whether the authority is one to trust is for whoever verifies (`tracebinder verify`, with certificates of their own).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rfc3161_client import HashAlgorithm, PKIStatus, TimestampRequestBuilder, decode_timestamp_response

from evidence.log.errors import TimestampRefused

QUERY_TYPE: Final = "application/timestamp-query"
_SHA256: Final = "2.16.840.1.101.3.4.2.1"


@dataclass(frozen=True, slots=True)
class TimestampQuestion:
    """What is asked: DER of the TimeStampReq, with the number that the answer must repeat."""

    request: bytes
    nonce: int | None


def ask_timestamp(text: str) -> TimestampQuestion:
    """Return a question for the time of a text, by its SHA-256; the authority's certificates are to come along."""
    builder = TimestampRequestBuilder().data(text.encode()).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    return TimestampQuestion(request.as_bytes(), request.nonce)


def open_timestamp(response: bytes, text: str, *, nonce: int | None = None) -> datetime:
    """Return the time that an answer gives for a text.

    Args:
        nonce: of the question; None where that is not at hand any more.

    Raises:
        TimestampRefused: it is no answer, grants nothing, or is about something else.
    """
    try:
        answer = decode_timestamp_response(response)
        status = PKIStatus(answer.status)
    except ValueError as exc:
        raise TimestampRefused(f"no time-stamp response: {exc}") from exc
    if status != PKIStatus.GRANTED:
        raise TimestampRefused(f"the authority refused: {status.name}")
    try:
        told = answer.tst_info
        imprint = told.message_imprint
        algorithm, digest = imprint.hash_algorithm.dotted_string, imprint.message
    except ValueError as exc:
        raise TimestampRefused(f"a time-stamp without its content: {exc}") from exc
    if algorithm != _SHA256 or digest != hashlib.sha256(text.encode()).digest():
        raise TimestampRefused("the time-stamp is over something else")
    if nonce is not None and told.nonce != nonce:
        raise TimestampRefused("the time-stamp answers another question")
    return told.gen_time.astimezone(UTC)
