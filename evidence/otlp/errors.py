"""What can be wrong with a whole request (an error) and with one item of it (a reject code).

An error refuses the request with an HTTP status. A reject code refuses one span or log record; the rest is kept.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from evidence.errors import EvidenceError

NO_METRICS: Final = (
    "Metrics are not taken, because they are evidence of no answer: set OTEL_METRICS_EXPORTER=none."
)


class OtlpError(EvidenceError):
    """A whole OTLP request that cannot be taken; the only error this package raises."""

    code = "otlp_error"
    title = "The OTLP request cannot be taken"


class UndecodableBody(OtlpError):
    """The body is not what its content type and encoding say. Sending it again cannot help."""

    code = "undecodable_body"
    http_status = 400
    title = "The body cannot be decoded"


class WrongSignal(OtlpError):
    """The body is an export of another signal, posted to the wrong path."""

    code = "wrong_signal"
    http_status = 400
    title = "The body is of another signal"


class WrongAddress(OtlpError):
    """An export that was posted where none is taken: mostly an endpoint setting that is not the root of the server."""

    code = "wrong_otlp_address"
    http_status = 404
    title = "No export is taken here"


class BodyTooLarge(OtlpError):
    """More bytes or items than one request may carry. Smaller batches help."""

    code = "body_too_large"
    http_status = 413
    title = "The body is too large"


class UnsupportedMedia(OtlpError):
    """A content type, charset or content encoding that is not taken here."""

    code = "unsupported_media"
    http_status = 415
    title = "The media type is not supported"


class RejectCode(StrEnum):
    """Why one item was refused. Stable: they stand in replies, in the reject ledger and in the docs."""

    INVALID_TRACE_ID = "invalid_trace_id"
    INVALID_SPAN_ID = "invalid_span_id"
    INVALID_PARENT_SPAN_ID = "invalid_parent_span_id"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    END_BEFORE_START = "end_before_start"
    UNSTORABLE_TEXT = "unstorable_text"
    TEXT_TOO_LONG = "text_too_long"
    TOO_MANY_ATTRIBUTES = "too_many_attributes"
    TOO_MANY_EVENTS = "too_many_events"
    TOO_MANY_LINKS = "too_many_links"
    NESTING_TOO_DEEP = "nesting_too_deep"
    RESERVED_KEY = "reserved_key"
    MALFORMED_ITEM = "malformed_item"
    MALFORMED_RESOURCE = "malformed_resource"
    UNSUPPORTED_LOG_RECORD = "unsupported_log_record"
    LOG_EVENT_WITHOUT_SPAN = "log_event_without_span"
    INVALID_EVALUATION = "invalid_evaluation"
    MISSING_SYSTEM = "missing_system"
    SYSTEM_NOT_PERMITTED = "system_not_permitted"
    SPAN_CONFLICT = "span_conflict"


class ItemRefused(Exception):
    """One span or log record that is refused alone. Caught for every item; it never leaves this package."""

    def __init__(self, code: RejectCode, detail: str) -> None:
        # A sender's text may stand in it, so it must be storable: NUL and lone surrogates are written out.
        self.detail = detail.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode("utf-8")
        self.code = code
        super().__init__(self.detail)
