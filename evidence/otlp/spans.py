"""One group of spans into rows ready for COPY, and refusals.

This is the hot path, so checks that rarely fail are made on whole JSON texts (one search for what must be escaped, one
length) and the slow road is taken only when they hit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evidence.otlp.errors import ItemRefused, RejectCode
from evidence.otlp.escapes import each_text, escape_map
from evidence.otlp.groups import BrokenItem, ItemGroup, MessageT, digest_prefix, dump_broken, dump_rejected
from evidence.otlp.limits import LAST_NS, Limits
from evidence.otlp.records import LogBatch, RejectRecord, SpanRecord, TraceBatch
from evidence.otlp.span_digest import SpanContent, digest_span, dump_and_carry
from evidence.otlp.values import dump_json, move_large_values, read_attributes

SYSTEM_ATTRIBUTE: Final = "tracebinder.system"
SERVICE_ATTRIBUTE: Final = "service.name"
_NO_TRACE_ID: Final = bytes(16)
_NO_SPAN_ID: Final = bytes(8)
_LAST_KIND: Final = 2**15 - 1  # what a smallint holds; today's kinds are 0 to 5
_NOTHING: Final = (b"[]", b"[]")
_IDS: Final = ("trace_id", "span_id", "parent_span_id")  # of spans and, but for the last, of log records
# What OTLP carries beside the attributes, by the names OpenTelemetry gives it elsewhere.
_DROPPED_ATTRIBUTES: Final = "otel.dropped_attributes_count"
_DROPPED_EVENTS: Final = "otel.dropped_events_count"
_DROPPED_LINKS: Final = "otel.dropped_links_count"
_TRACE_STATE: Final = "w3c.tracestate"
PARENT_IS_REMOTE: Final = "otel.parent_is_remote"
_REMOTE: Final = 0x300  # of a span's flags: it is known whether the parent is in another process, and it is
_ESCAPED_NUL: Final = b"\\u0000"  # also what is left of an escaped backslash before "u0000"


def read_span_group(group: ItemGroup[Span], limits: Limits, batch: TraceBatch) -> None:
    """Add the group's spans to the batch: stored rows, blobs and refusals."""
    reader = GroupReader(group, limits, batch)
    for position, span in reader.count_and_admit(group, batch):
        kept_blobs = len(batch.blobs)
        try:
            batch.spans.append(reader.read_span(span, position))
        except ItemRefused as exc:
            # A refused span's values stand in the raw body, not in blobs of their own.
            del batch.blobs[kept_blobs:]
            batch.rejects.append(reader.reject(span, position, exc))


class GroupReader:
    """What the items of one resource and scope share, worked out once."""

    def __init__(self, group: ItemGroup[MessageT], limits: Limits, batch: TraceBatch | LogBatch) -> None:
        self.limits = limits
        self.blobs = batch.blobs
        self._stand_in = group.stand_in
        self._problem: ItemRefused | None = None
        self._group = group
        self.system_key = ""
        self.resource = self.scope = self._carried_resource = self._carried_scope = b"{}"
        try:
            self._read_shared(group, position=batch.n_items)
        except ItemRefused as exc:
            self._problem = ItemRefused(RejectCode.MALFORMED_RESOURCE, f"the resource or scope: {exc.detail}")

    def _read_shared(self, group: ItemGroup[MessageT], position: int) -> None:
        resource = read_attributes(group.resource.attributes, self.limits)
        self.system_key = read_system_key(resource)
        fields = {"name": group.scope.name, "version": group.scope.version}
        if group.scope_schema_url:
            fields["schema_url"] = group.scope_schema_url
        if group.resource_schema_url:
            fields["resource_schema_url"] = group.resource_schema_url
        attributes = read_attributes(group.scope.attributes, self.limits)
        if self.must_escape(dump_json([resource, attributes, fields])):
            resource, _ = escape_map(resource, {}, self._stand_in)
            attributes, fields = escape_map(attributes, fields, self._stand_in)
        scope: dict[str, object] = dict(fields)
        if attributes:
            scope["attributes"] = self.fit(attributes, f"scope of span {position}")
        self.resource, self._carried_resource = dump_and_carry(
            self.fit(resource, f"resource of span {position}")
        )
        self.scope, self._carried_scope = dump_and_carry(scope)
        if len(self.scope) > self.limits.attribute_bytes:
            raise ItemRefused(RejectCode.TEXT_TOO_LONG, "the scope's texts are too long")

    def count_and_admit(
        self, group: ItemGroup[MessageT], batch: TraceBatch | LogBatch
    ) -> Iterator[tuple[int, MessageT]]:
        """Count all items in the batch, refuse those that are broken, and yield the others with their places in it."""
        for item in group.items:
            position = batch.n_items
            batch.n_items += 1
            if isinstance(item, BrokenItem):
                batch.rejects.append(self._reject_broken(item, position))
            else:
                yield position, item

    def check(self) -> None:
        """Refuse every item where resource or scope cannot be kept.

        Raises:
            ItemRefused: saying why.
        """
        if self._problem is not None:
            raise self._problem

    def must_escape(self, json_text: bytes) -> bool:
        """Whether something in a JSON text has to be written otherwise; a text that looks so may be found not to."""
        return _ESCAPED_NUL in json_text or (
            self._stand_in is not None and self._stand_in.encoded in json_text
        )

    def escape(
        self, attributes: dict[str, object], fields: dict[str, str]
    ) -> tuple[dict[str, object], dict[str, str]]:
        """Return attributes, and texts beside them, as they can be stored."""
        return escape_map(attributes, fields, self._stand_in)

    def fit(self, attributes: dict[str, object], place: str) -> dict[str, object]:
        """Return attributes of which large values were moved, where they are too long together."""
        if len(dump_json(attributes)) <= self.limits.attribute_bytes:
            return attributes
        return move_large_values(attributes, limits=self.limits, place=place, blobs=self.blobs)

    def read_span(self, span: Span, position: int) -> SpanRecord:
        """Return the row of one span.

        Raises:
            ItemRefused: for any of the reasons in `RejectCode` that a span alone can give.
        """
        self.check()
        start_ns, end_ns = span.start_time_unix_nano, span.end_time_unix_nano
        parent = span.parent_span_id
        status = span.status
        self._check_fields(span, start_ns, end_ns, parent)
        name, message, attributes, carried_attributes = self._dump_attributes(span, position)
        events, carried_events = self._dump_events(span, position) if span.events else _NOTHING
        links, carried_links = self._dump_links(span, position) if span.links else _NOTHING
        if len(name) + len(message) > self.limits.text_bytes // 4:
            self._check_texts(name, message)
        trace_id, span_id = span.trace_id.hex(), span.span_id.hex()
        parent_id = parent.hex() if parent and parent != _NO_SPAN_ID else ""
        digest = digest_span(
            SpanContent(
                trace_id, span_id, parent_id, name, span.kind, start_ns, end_ns, status.code, message,
                carried_attributes, carried_events, carried_links, self._carried_resource, self._carried_scope,
            )
        )  # fmt: skip
        return SpanRecord(
            position,
            self.system_key,
            trace_id,
            span_id,
            parent_id or None,
            name,
            span.kind,
            start_ns,
            end_ns,
            status.code,
            message,
            attributes,
            events,
            links,
            self.resource,
            self.scope,
            digest,
            bool(parent_id) and span.flags & _REMOTE == _REMOTE,
        )

    def reject(
        self, item: Span | LogRecord, position: int, problem: ItemRefused, *, kept: bytes | None = None
    ) -> RejectRecord:
        """Return the refusal of an item that could be read.

        Args:
            kept: in place of what it says.
        """
        trace_id, span_id = item.trace_id, item.span_id
        return RejectRecord(
            position=position,
            code=problem.code,
            detail=problem.detail,
            system_key=self.system_key,
            trace_id=trace_id.hex() if len(trace_id) == 16 else None,
            span_id=span_id.hex() if len(span_id) == 8 else None,
            item_digest=self.digest(item.SerializeToString(deterministic=True)),
            item=self._dump_sent(item) if kept is None else kept,
        )

    def _reject_broken(self, item: BrokenItem, position: int) -> RejectRecord:
        return RejectRecord(
            position=position,
            code=item.code,
            detail=item.detail,
            system_key=self.system_key,
            trace_id=item.trace_id,
            span_id=item.span_id,
            item_digest=self.digest(item.raw),
            item=dump_broken(item, self.limits),
        )

    def digest(self, of_item: bytes) -> str:
        """Return the digest of a refused item: over resource, scope and its bytes."""
        hasher = digest_prefix(self._group)
        hasher.update(of_item)
        return hasher.hexdigest()

    def _dump_sent(self, item: Span | LogRecord) -> bytes:
        """Return what an item says, with its ids in hexadecimal and its lone surrogates."""
        fields: dict[str, object] = MessageToDict(item, preserving_proto_field_name=True)
        if self._stand_in is not None:
            fields = dict(each_text(fields, self._stand_in.take_back))
        for name in _IDS:
            if value := getattr(item, name, b""):
                fields[name] = value.hex()
        return dump_rejected(fields, self.limits)

    def _check_fields(self, span: Span, start_ns: int, end_ns: int, parent: bytes) -> None:
        trace_id, span_id = span.trace_id, span.span_id
        if len(trace_id) != 16 or trace_id == _NO_TRACE_ID:
            check_id(trace_id, _NO_TRACE_ID, RejectCode.INVALID_TRACE_ID, "trace id")
        if len(span_id) != 8 or span_id == _NO_SPAN_ID:
            check_id(span_id, _NO_SPAN_ID, RejectCode.INVALID_SPAN_ID, "span id")
        if parent and len(parent) != 8:
            raise ItemRefused(
                RejectCode.INVALID_PARENT_SPAN_ID, f"parent span id has {len(parent)} bytes instead of 8"
            )
        if not 0 < start_ns <= LAST_NS or not 0 < end_ns <= LAST_NS:
            raise ItemRefused(
                RejectCode.TIME_OUT_OF_RANGE,
                f"start {start_ns} or end {end_ns} is not stated or beyond the year 2262",
            )
        if end_ns < start_ns - self.limits.clock_skew_ns:
            raise ItemRefused(
                RejectCode.END_BEFORE_START,
                f"ends {start_ns - end_ns} ns before it starts, {self.limits.clock_skew_ns} ns are allowed",
            )
        if not 0 <= span.kind <= _LAST_KIND or not 0 <= span.status.code <= _LAST_KIND:
            raise ItemRefused(
                RejectCode.MALFORMED_ITEM, f"kind {span.kind} or status {span.status.code} is unknown"
            )

    def _dump_attributes(self, span: Span, position: int) -> tuple[str, str, bytes, bytes]:
        """Return name, status message and attributes, these as they are stored and as they are digested."""
        attributes = read_attributes(span.attributes, self.limits)
        self._add_what_stands_beside(span, attributes)
        name, message = span.name, span.status.message
        written = dump_and_carry(attributes)
        if self.must_escape(written[0]) or "\x00" in name or "\x00" in message or self._stand_in is not None:
            attributes, texts = self.escape(attributes, {"name": name, "status_message": message})
            name, message = texts["name"], texts["status_message"]
            written = dump_and_carry(attributes)
        if len(written[0]) <= self.limits.attribute_bytes:
            return name, message, *written
        place = f"span {position}"
        moved = move_large_values(attributes, limits=self.limits, place=place, blobs=self.blobs)
        return name, message, *dump_and_carry(moved)

    def _add_what_stands_beside(self, span: Span, attributes: dict[str, object]) -> None:
        if span.trace_state:
            self._check_texts(span.trace_state)
            attributes.setdefault(_TRACE_STATE, span.trace_state)
        if span.dropped_attributes_count:
            attributes.setdefault(_DROPPED_ATTRIBUTES, span.dropped_attributes_count)
        if span.dropped_events_count:
            attributes.setdefault(_DROPPED_EVENTS, span.dropped_events_count)
        if span.dropped_links_count:
            attributes.setdefault(_DROPPED_LINKS, span.dropped_links_count)
        if span.flags & _REMOTE == _REMOTE and span.parent_span_id:
            attributes.setdefault(PARENT_IS_REMOTE, True)  # its value

    def _dump_events(self, span: Span, position: int) -> tuple[bytes, bytes]:
        if len(span.events) > self.limits.span_events:
            raise ItemRefused(
                RejectCode.TOO_MANY_EVENTS,
                f"{len(span.events)} events, the limit is {self.limits.span_events}",
            )
        events = []
        for number, event in enumerate(span.events):
            self._check_texts(event.name)
            attributes = read_attributes(event.attributes, self.limits)
            fields = {"name": event.name}
            if self.must_escape(dump_json([attributes, fields])):
                attributes, fields = self.escape(attributes, fields)
            attributes = self.fit(attributes, f"span {position}, event {number}")
            if event.dropped_attributes_count:
                attributes.setdefault(_DROPPED_ATTRIBUTES, event.dropped_attributes_count)
            events.append({**fields, "time_ns": event.time_unix_nano, "attributes": attributes})
        return dump_and_carry(events)

    def _dump_links(self, span: Span, position: int) -> tuple[bytes, bytes]:
        if len(span.links) > self.limits.span_links:
            raise ItemRefused(
                RejectCode.TOO_MANY_LINKS, f"{len(span.links)} links, the limit is {self.limits.span_links}"
            )
        links = []
        for number, link in enumerate(span.links):
            self._check_texts(link.trace_state)
            attributes = read_attributes(link.attributes, self.limits)
            fields = {"trace_state": link.trace_state}
            if self.must_escape(dump_json([attributes, fields])):
                attributes, fields = self.escape(attributes, fields)
            attributes = self.fit(attributes, f"span {position}, link {number}")
            if link.dropped_attributes_count:
                attributes.setdefault(_DROPPED_ATTRIBUTES, link.dropped_attributes_count)
            ids = {"trace_id": link.trace_id.hex(), "span_id": link.span_id.hex()}
            links.append({**ids, **fields, "attributes": attributes})
        return dump_and_carry(links)

    def _check_texts(self, *texts: str) -> None:
        for text in texts:
            size = len(text.encode("utf-8"))
            if size > self.limits.text_bytes:
                raise ItemRefused(
                    RejectCode.TEXT_TOO_LONG,
                    f"a name, message or trace state of {size} bytes, {self.limits.text_bytes} are allowed",
                )


def read_system_key(resource: dict[str, object]) -> str:
    """Return the key of the system a resource names: `tracebinder.system` wins over `service.name`."""
    key = resource.get(SYSTEM_ATTRIBUTE) or resource.get(SERVICE_ATTRIBUTE)
    return key if isinstance(key, str) and "\x00" not in key else ""


def check_id(value: bytes, zero: bytes, code: RejectCode, name: str) -> None:
    """Refuse an id of the wrong length or all zero, naming the likely mistake.

    Raises:
        ItemRefused: with `code`.
    """
    size = len(zero)
    if len(value) == size and value != zero:
        return
    if not value:
        raise ItemRefused(
            code, f"{name} is missing (a logs export sent to the traces path looks like this, too)"
        )
    if value == zero:
        raise ItemRefused(code, f"{name} is all zero")
    if len(value) == 2 * size and value.isalnum():
        raise ItemRefused(code, f"{name} is hexadecimal text; in protobuf it is {size} bytes")
    raise ItemRefused(code, f"{name} has {len(value)} bytes instead of {size}")
