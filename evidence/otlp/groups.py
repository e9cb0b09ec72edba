"""The one shape protobuf and JSON bodies are brought to: items under a resource and a scope.

Traces and logs are laid out alike (resource 1, scope groups 2, schema URL 3; scope 1, items 2, schema URL 3),
so one type serves both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from evidence.otlp.errors import RejectCode
from evidence.otlp.escapes import StandIn
from evidence.otlp.limits import Limits
from evidence.otlp.values import escape_unstorable

MessageT = TypeVar("MessageT", bound=Message)
_RAW_SHOWN_BYTES: Final = 8 * 1024  # of an item that cannot be read; the raw body has it all


@dataclass(frozen=True, slots=True)
class BrokenItem:
    """An item that could not even be read, kept for the reject ledger."""

    code: RejectCode
    detail: str
    raw: bytes  # the item's own bytes (protobuf) or its JSON text
    trace_id: str | None = None
    span_id: str | None = None


@dataclass(slots=True)
class ItemGroup(Generic[MessageT]):
    """The items of one scope of one resource, in the order sent. Each is readable or broken."""

    resource: Resource
    resource_schema_url: str
    scope: InstrumentationScope
    scope_schema_url: str
    items: Sequence[MessageT | BrokenItem] = field(default_factory=list)
    stand_in: StandIn | None = None  # in its texts, where the body had some that no message can hold


def digest_prefix(group: ItemGroup[MessageT]) -> hashlib._Hash:
    """Return a hash that has taken in the group's resource and scope, to be copied for each item.

    Each part is preceded by its length, so that no two different groups give the same bytes.
    """
    hasher = hashlib.sha256(b"tracebinder.otlp-item/1\x00")
    for part in (
        group.resource.SerializeToString(deterministic=True),
        group.resource_schema_url.encode("utf-8"),
        group.scope.SerializeToString(deterministic=True),
        group.scope_schema_url.encode("utf-8"),
    ):
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher


def dump_rejected(fields: dict[str, object], limits: Limits) -> bytes:
    """Return a refused item as JSON text that PostgreSQL can store, cut where it is beyond the limit."""
    text = json.dumps(escape_unstorable(fields), ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    if len(text) <= limits.reject_item_bytes:
        return text
    shown = text[: limits.reject_item_bytes // 2].decode("utf-8", "ignore")
    return json.dumps(
        {"cut_at_bytes": len(shown.encode()), "of_bytes": len(text), "json": shown}, ensure_ascii=False
    ).encode("utf-8")


def dump_broken(item: BrokenItem, limits: Limits) -> bytes:
    """Return the start of an unreadable item's bytes, escaped, as JSON text."""
    shown = item.raw[: min(_RAW_SHOWN_BYTES, limits.reject_item_bytes // 2)].decode(
        "utf-8", "backslashreplace"
    )
    return dump_rejected({"raw_escaped": shown, "raw_bytes": len(item.raw)}, limits)
