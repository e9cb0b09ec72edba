"""What came of a trace, put where it belongs before it is read: versions of a span, log events, parents elsewhere.

Ingest stores what is said beside a span as rows of their own (`evidence.otlp.companions`). Here, of several versions
of a span one stands, and each log event becomes an event of its span. The order in which rows came changes nothing.

Of two versions, that which ended later stands: a snapshot is of a span that went on. Of those that ended together, the
one of which more attributes say something, an empty list saying nothing; then the longer one; then the one with the
greater digest, so that there is always one. The others stay on record, and the trace says so.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from evidence.digests import digest_of
from evidence.otlp.spans import PARENT_IS_REMOTE
from evidence.otlp.values import LOG_BODY_KEY, LOG_EVENT_KEY, VERSION_KEY
from evidence.semconv.draft import Flag, TraceDraft

Row = Mapping[str, Any]
_MARKS: Final = frozenset({VERSION_KEY, LOG_EVENT_KEY, LOG_BODY_KEY})
_EMPTY: Final = frozenset({"", "[]", "{}", "null"})  # texts that say nothing
_OF_A_MESSAGE: Final = frozenset({"role", "content", "message", "tool_calls"})
_SHOWN: Final = 5  # names of attributes in a flag


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far from its arrival a span may say it began, in nanoseconds."""

    ahead_ns: int
    behind_ns: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """The spans of a trace as they are to be read, and what that says of the trace."""

    spans: Sequence[Row]
    flags: tuple[Flag, ...]
    named: tuple[
        tuple[str, str], ...
    ]  # id and digest of every row, sorted; empty where the spans are all there is

    def sealed_over(self, draft: TraceDraft) -> TraceDraft:
        """Return the draft of these spans with these flags, and the names and digest of all rows it rests on."""
        if self.flags:
            draft = replace(draft, flags=tuple(sorted({*draft.flags, *self.flags})))
        if self.named:
            ids = tuple(span_id for span_id, _ in self.named)
            draft = replace(
                draft, span_ids=ids, trace_digest=digest_of({"spans": [list(pair) for pair in self.named]})
            )
        return draft


def settle(rows: Iterable[Row], bounds: Bounds | None = None) -> Arrived:
    """Return the spans of one trace from its stored rows, given as dicts of their columns.

    Args:
        bounds: where they are given, and the rows say when they were received, starts far from that are flagged.
    """
    stored = list(rows)
    flags: list[Flag] = list(_flag_starts(stored, bounds)) if bounds else []
    beside = [row for row in stored if not _MARKS.isdisjoint(row["attributes"])]
    spans = stored
    if beside:
        spans = [row for row in stored if _MARKS.isdisjoint(row["attributes"])]
        spans = _with_versions(spans, beside, flags)
        spans = _with_events(spans, beside, flags)
    if any(PARENT_IS_REMOTE in row["attributes"] for row in spans):
        spans = _with_local_roots(spans, flags)
    return Arrived(spans, tuple(flags), _name(stored) if beside else ())


def _name(rows: Iterable[Row]) -> tuple[tuple[str, str], ...]:
    """Return id and digest of each row, sorted: the earliest where a sender gave one id to several spans."""
    named: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: (row["start_ns"], row["span_id"], row["digest"])):
        named.setdefault(row["span_id"], row["digest"])
    return tuple(sorted(named.items()))


def _with_versions(spans: Sequence[Row], beside: Sequence[Row], flags: list[Flag]) -> list[Row]:
    """Return the spans, each in the version that stands."""
    versions: dict[str, list[Row]] = defaultdict(list)
    for row in beside:
        if VERSION_KEY in row["attributes"]:
            version = _as_sent(row)
            versions[version["span_id"]].append(version)
    if not versions:
        return list(spans)
    kept = [row for row in spans if row["span_id"] not in versions]
    for row in spans:
        if row["span_id"] in versions:
            versions[row["span_id"]].append(row)
    for span_id, several in versions.items():
        standing = max(several, key=_says_more)
        kept.append(standing)
        flags.append(Flag("span_versions_differ", _describe_versions(several, standing), span_id))
    return kept


def _as_sent(row: Row) -> Row:
    """Return a version as the span it is one of."""
    attributes = {key: value for key, value in row["attributes"].items() if key != VERSION_KEY}
    of = row["attributes"][VERSION_KEY]
    return {**row, **of, "attributes": attributes}


def _says_more(row: Row) -> tuple[int, int, int, str]:
    said = {key: value for key, value in row["attributes"].items() if _says_something(value)}
    length = len(json.dumps([said, row["events"]]))
    return (row["end_ns"], len(said), length, row["digest"])


def _says_something(value: object) -> bool:
    return value not in (None, [], {}) and not (isinstance(value, str) and value.strip() in _EMPTY)


def _describe_versions(several: Sequence[Row], standing: Row) -> str:
    keys = {key for row in several for key in row["attributes"]}
    held = standing["attributes"]
    differ = sorted(
        key for key in keys if any(row["attributes"].get(key) != held.get(key) for row in several)
    )
    times = {row["end_ns"] for row in several}
    named = [*(["its end"] if len(times) > 1 else []), *differ]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    of_them = ", ".join(named[:_SHOWN]) + more or "name, status or events"
    return (
        f"{len(several)} versions of this span were sent; they differ in {of_them}. "
        f"The one that ended last and says most is read, all are kept"
    )


def _with_events(spans: Sequence[Row], beside: Sequence[Row], flags: list[Flag]) -> list[Row]:
    """Return the spans with what was logged of them among their events."""
    logged: dict[str, list[Row]] = defaultdict(list)
    for row in beside:
        if VERSION_KEY not in row["attributes"]:
            logged[row["parent_span_id"]].append(row)
    there = {row["span_id"] for row in spans}
    read = [_with_logged(row, logged[row["span_id"]]) if row["span_id"] in logged else row for row in spans]
    for span_id in sorted(logged.keys() - there):
        detail = f"{len(logged[span_id])} log events name this span, which has not arrived; they are read by themselves"
        flags.append(Flag("log_event_without_span", detail, span_id))
        read += [_as_span(row) for row in logged[span_id]]
    return read


def _with_logged(span: Row, logged: Iterable[Row]) -> Row:
    events = [
        {"name": row["name"], "time_ns": row["start_ns"], "attributes": _said_by(row)}
        for row in sorted(logged, key=lambda row: (row["start_ns"], row["name"], row["digest"]))
    ]
    return {**span, "events": [*span["events"], *events]}


def _said_by(row: Row) -> dict[str, Any]:
    """Return the attributes of a log event with what its body says beside them."""
    attributes = {key: value for key, value in row["attributes"].items() if key not in _MARKS}
    body = row["attributes"].get(LOG_BODY_KEY)
    told = _message_in(body) if isinstance(body, str) else body
    if isinstance(told, Mapping):
        return {**told, **attributes}
    return {"content": body, **attributes} if body is not None else attributes


def _message_in(text: str) -> Any:
    """Return the message that a text is as JSON, as a logger that takes only text writes one; None if it is none."""
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and not _OF_A_MESSAGE.isdisjoint(found) else None


def _as_span(row: Row) -> Row:
    """Return a log event whose span has not arrived as a span that says the same."""
    return {
        **row,
        "attributes": _said_by(row),
        "events": [{"name": row["name"], "attributes": _said_by(row)}],
    }


def _with_local_roots(spans: Sequence[Row], flags: list[Flag]) -> list[Row]:
    """Return the spans, with those as roots whose parent is in a process that sends to somebody else."""
    there = {row["span_id"] for row in spans}
    if any(not row["parent_span_id"] for row in spans):
        return list(spans)
    local = {
        row["span_id"]: row["parent_span_id"]
        for row in spans
        if row["attributes"].get(PARENT_IS_REMOTE) is True and row["parent_span_id"] not in there
    }
    for span_id, parent in sorted(local.items()):
        detail = f"its parent {parent} is in another process and has not arrived; it is read as a root"
        flags.append(Flag("parent_elsewhere", detail, span_id))
    return [{**row, "parent_span_id": ""} if row["span_id"] in local else row for row in spans]


def _flag_starts(rows: Iterable[Row], bounds: Bounds) -> Iterable[Flag]:
    """Yield a flag where spans say that they began long after, or long before, they arrived."""
    ahead, behind = [], []
    for row in rows:
        received = row.get("received_at")
        if received is None:
            continue
        late = row["start_ns"] - _ns_of(received)
        if late > bounds.ahead_ns:
            ahead.append((late, row["span_id"]))
        elif -late > bounds.behind_ns:
            behind.append((-late, row["span_id"]))
    for code, found, what in (("starts_in_future", ahead, "after"), ("starts_in_past", behind, "before")):
        if found:
            furthest, span_id = max(found)
            how_far = f"up to {_length_of(furthest)} {what} they arrived"
            detail = f"{len(found)} spans began, by the sender's clock, {how_far}"
            yield Flag(code, detail, span_id)


def _ns_of(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def _length_of(nanoseconds: int) -> str:
    hours = nanoseconds // 3_600_000_000_000
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours" if hours else "an hour"
