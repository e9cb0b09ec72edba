"""How much one request, one span and one attribute may carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evidence.otlp.errors import BodyTooLarge

LAST_NS: Final = 2**63 - 1  # nanoseconds since 1970 that a bigint holds: the year 2262


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of OTLP ingest, each with its unit. The defaults suit one box; settings override them."""

    body_bytes: int = 16 * 1024 * 1024  # bytes as sent, before gunzip; beyond it 413
    decoded_bytes: int = 64 * 1024 * 1024  # bytes after gunzip; beyond it 413
    gzip_ratio: int = 200  # decoded bytes per sent byte; beyond it 413, once `gzip_ratio_floor_bytes` are out
    gzip_ratio_floor_bytes: int = 4 * 1024 * 1024  # decoded bytes below which any ratio is fine
    gzip_members: int = 1_000  # members or streams one after another in a packed body; beyond it 413
    items: int = 20_000  # spans or log records a request; beyond it 413
    span_attributes: int = 1_024  # attributes a span, event, link, scope or resource
    span_events: int = 1_024  # events a span
    span_links: int = 1_024  # links a span
    attribute_bytes: int = 256 * 1024  # bytes of one value as JSON; a larger one is moved to a blob
    text_bytes: int = 16 * 1024  # bytes of a span's or event's name, a status message or a trace state
    nesting_levels: int = 32  # arrays and maps inside each other in one attribute value
    clock_skew_ns: int = 5_000_000_000  # nanoseconds a span may end before it starts
    keep_app_logs: bool = (
        False  # whether the text of a log record that is no GenAI event is kept, when it is refused
    )
    reject_item_bytes: int = 64 * 1024  # bytes of a refused item kept in the ledger; the raw body has it all
    reason_bytes: int = 2_048  # bytes of the reasons in one reply

    def check_items(self, n_items: int) -> None:
        """Refuse more items than a request may carry, before any more is made of them.

        Raises:
            BodyTooLarge: there are more.
        """
        if n_items > self.items:
            raise BodyTooLarge(f"more than {self.items} items in one request: send smaller batches")
