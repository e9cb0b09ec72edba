"""Reading one span's attributes without ever failing: what cannot be read becomes a flag."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from evidence.digests import DigestError, parse_digest
from evidence.otlp.values import BLOB_KEY
from evidence.semconv.computed_once import computed_once
from evidence.semconv.dialects import DIALECTS, Meaning, Operation, attributes_for, indexed_prefixes
from evidence.semconv.draft import Flag
from evidence.semconv.operations import operation_of
from evidence.semconv.spelling import parse_json, spell_out

LABEL_LENGTH: Final = 200  # characters of a key, a label or a document id; longer ones are cut and flagged
_EXCEPTION: Final = attributes_for(Meaning.EXCEPTION)
_JSON_BEGINS: Final = '{["-0123456789tfnNI'  # with anything else begins no JSON; to try and fail costs more
_DETAIL_LENGTH: Final = 300  # characters of a flag's detail
_PREFIXES: Final = sorted({prefix for dialect in DIALECTS for prefix in indexed_prefixes(dialect)})
_BEGINNINGS: Final = tuple(f"{prefix}." for prefix in _PREFIXES)
_INDEXED: Final = re.compile(rf"({'|'.join(map(re.escape, _PREFIXES))})\.([0-9]{{1,6}})\.(.+)", re.DOTALL)


@dataclass(slots=True)
class FlagSink:
    """Collects flags; the same one counts once."""

    _flags: set[Flag] = field(default_factory=set)

    def add(self, code: str, detail: str, span_id: str = "") -> None:
        """Note what a reader of the trace should know, in `detail` for this span."""
        self._flags.add(Flag(code, detail[:_DETAIL_LENGTH], span_id))

    def sorted(self) -> tuple[Flag, ...]:
        """Return all flags in an order that does not depend on that of the spans."""
        return tuple(sorted(self._flags))


@dataclass(eq=False)
class SpanView:
    """One stored span, for reading."""

    span_id: str
    parent_span_id: str
    name: str
    start_ns: int
    end_ns: int
    status_code: int
    status_message: str
    digest: str
    attributes: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    resource: Mapping[str, Any]
    scope: str  # name of the library that made it, empty where it is not known
    flags: FlagSink
    operation: Operation | None = field(init=False)  # what `operation_of` says of it

    def __post_init__(self) -> None:
        self.operation = operation_of(self)

    @classmethod
    def of(cls, span: Mapping[str, Any], flags: FlagSink) -> SpanView:
        """Return the view of a stored span row given as a dict of its columns."""
        events = [event for event in span.get("events") or [] if isinstance(event, Mapping)]
        attributes = spell_out(span.get("attributes") or {}, events)
        return cls(
            span_id=span["span_id"],
            parent_span_id=span.get("parent_span_id") or "",
            name=span.get("name") or "",
            start_ns=span["start_ns"],
            end_ns=span["end_ns"],
            status_code=span.get("status_code") or 0,
            status_message=span.get("status_message") or "",
            digest=span["digest"],
            attributes=attributes,
            events=events,
            resource=span.get("resource") or {},
            scope=str((span.get("scope") or {}).get("name") or ""),
            flags=flags,
        )

    @property
    def exception(self) -> str:
        """What the last exception on record says; empty where there is none."""
        told = [event.get("attributes") for event in self.events if event.get("name") == "exception"]
        last = told[-1] if told and isinstance(told[-1], Mapping) else {}
        return next((text for key in _EXCEPTION if isinstance(text := last.get(key), str) and text), "")

    def has(self, *keys: str) -> bool:
        """Return whether any of the attributes is there with a value."""
        get = self.attributes.get
        for key in keys:  # noqa: SIM110  asked so often that a generator costs
            if get(key) is not None:
                return True
        return False

    def first(self, keys: Iterable[str]) -> Any:
        """Return the first attribute that has a value, as it was sent; None where none has."""
        get = self.attributes.get
        for key in keys:
            if (value := get(key)) is not None:
                return value
        return None

    def text(self, *keys: str) -> str:
        """Return the first attribute that has a value, as text; empty where none has."""
        return self._find_text(keys)[0]

    def whole_number(self, *keys: str) -> int | None:
        """Return the first attribute that is a whole number that is not negative; None where none is."""
        get = self.attributes.get
        for key in keys:
            value = get(key)
            if value is None:
                continue
            value = finite_number(value)
            if value is not None and value >= 0 and value == int(value):
                return int(value)
        return None

    def label(self, *keys: str, limit: int = LABEL_LENGTH) -> str:
        """Return `text` trimmed and cut to `limit` characters; a cut is flagged."""
        text = self._find_text(keys)[0].strip()
        return text if len(text) <= limit else self.cut(text, keys[0], limit)

    def cut(self, value: str, key: str, limit: int = LABEL_LENGTH) -> str:
        """Return `value` cut to `limit` characters; a cut is flagged under the name of `key`."""
        if len(value) > limit:
            self.flags.add(
                "attribute_cut", f"{key} has {len(value)} characters, {limit} are kept", self.span_id
            )
        return value[:limit]

    def digest_at(self, *keys: str) -> str:
        """Return the first digest attribute that has a value, as 64 hexadecimal characters; empty if malformed."""
        value, key = self._find_text(keys)
        if not value:
            return ""
        try:
            return parse_digest(value)
        except DigestError as exc:
            self.flags.add("malformed_attribute", f"{key}: {exc}", self.span_id)
            return ""

    def json(self, key: str) -> Any:
        """Return a JSON-valued attribute, sent as text or as an OTLP array or map; None where unreadable."""
        value = self.attributes.get(key)
        if not isinstance(value, str):
            if isinstance(value, Mapping) and BLOB_KEY in value:
                self._flag_unreadable(key, value, "JSON is expected")
                return None
            return value
        try:
            return parse_json(value)
        except (ValueError, RecursionError) as exc:
            self.flags.add("malformed_attribute", f"{key} is no JSON: {exc}", self.span_id)
            return None

    def json_or_text(self, *keys: str) -> Any:
        """Return the first attribute that has a value, from JSON, or its text as it is where it is no JSON."""
        value = self.first(keys)
        if not isinstance(value, str) or value.lstrip()[:1] not in _JSON_BEGINS:
            return value
        try:
            return parse_json(value)
        except (ValueError, RecursionError):
            return value

    def json_list(self, key: str) -> list[Any]:
        """Return a JSON-valued list; anything else is flagged and empty."""
        value = self.json(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.flags.add("malformed_attribute", f"{key} is no list", self.span_id)
            return []
        return value

    def indexed(self, prefix: str) -> list[dict[str, Any]]:
        """Return the flattened list `prefix.N.rest` (OpenInference, older conventions) in the order of N."""
        rows = self._indexed.get(prefix, {})
        return [rows[number] for number in sorted(rows)]

    @property
    def indexed_under(self) -> KeysView[str]:
        """The prefixes of its flattened lists."""
        return self._indexed.keys()

    @computed_once
    def _indexed(self) -> dict[str, dict[int, dict[str, Any]]]:
        found: dict[str, dict[int, dict[str, Any]]] = {}
        for key, value in self.attributes.items():
            if key.startswith(_BEGINNINGS) and (match := _INDEXED.match(key)):
                prefix, number, rest = match.groups()
                found.setdefault(prefix, {}).setdefault(int(number), {})[rest] = value
        return found

    def _find_text(self, keys: Iterable[str]) -> tuple[str, str]:
        """Return the text of the first attribute that has one, and which attribute that is; both empty if none."""
        get = self.attributes.get
        for key in keys:
            value = get(key)
            if value is None or value == "":
                continue
            if isinstance(value, str):
                return value, key
            if isinstance(value, bool | int | float):
                return str(value), key
            self._flag_unreadable(key, value, "a text is expected")
        return "", ""

    def _flag_unreadable(self, key: str, value: object, expected: str) -> None:
        if isinstance(value, Mapping) and BLOB_KEY in value:
            self.flags.add("value_in_blob", f"{key} was too large and is kept as a blob", self.span_id)
        else:
            self.flags.add("malformed_attribute", f"{key}: {expected}", self.span_id)


def finite_number(value: object) -> float | None:
    """Return a JSON number, or the text of one, as a finite float; None for anything else."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def first_with(spans: Iterable[SpanView], *keys: str) -> SpanView | None:
    """Return the first span that has a value for any of the keys."""
    for span in spans:
        if span.has(*keys):
            return span
    return None
