"""Which blobs hold something of a trace, and what is left of each without it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, cast
from uuid import UUID

from django.db.models import Min, Q

from evidence import locks
from evidence.digests import DIGEST_PREFIX, sha256_hex
from evidence.errors import BlobErased, BlobMissing, DigestMismatch
from evidence.models import (
    AccessToken,
    ArtefactKind,
    ArtefactVersion,
    Binder,
    Blob,
    BlobRemoval,
    EvalRun,
    IngestBatch,
    LegalHold,
    Reject,
    Span,
    System,
)
from evidence.otlp.body import PlainBody
from evidence.otlp.errors import OtlpError
from evidence.otlp.records import Encoding, RejectRecord, Signal, SpanRecord
from evidence.otlp.remainder import Inseparable, Item, read_items, without_items
from evidence.otlp.values import BLOB_KEY
from evidence.redaction import Subject, Unredactable, redact
from evidence.selectors.holds import active_holds
from evidence.services.blobs import blob_path, read_blob
from evidence.services.disposal.blob_removal import find_user_of_value, what_is_left
from evidence.vocabulary import PROBE_INPUTS_MEDIA_TYPE, RejectSource

_SENT_BEFORE: Final = timedelta(days=1)  # how far a sender's clock may run ahead of ours
_LOST: Final = (BlobErased, BlobMissing, DigestMismatch)

# Keeps what is left of a blob (bytes, media type) and returns its digest; a plan only digests it.
Keep = Callable[[bytes, str], str]


class Role(StrEnum):
    """What a blob holds."""

    BODY = "body"  # a request, as it was sent
    VALUE = "value"  # of an attribute, too large for a row
    EVAL_FILE = "eval file"
    REFUSED_FILE = "refused file"
    DATASET = "dataset"  # prompts that were copied from traces


@dataclass(frozen=True, slots=True)
class BlobPlan:
    """A blob that goes."""

    role: Role
    digest: str
    remainder: str = ""  # digest of what is left of it; empty: nothing
    # Items of others that go as well, because it cannot be taken apart; 1 for a file, which is not read by items.
    others: int = 0


@dataclass(frozen=True, slots=True)
class Stay:
    """Something that holds the subject's content, or bytes it was sent in, and stays."""

    what: str  # "value 3f…", "evidence.Review 5": no content
    why: str  # "shared with trace …"


def plan_blobs(
    system: System,
    trace_id: UUID,
    *,
    words: Sequence[str],
    shared: Sequence[tuple[str, UUID]],
    gone: Collection[UUID],
    refused: Sequence[int],
    keep: Keep,
) -> Iterator[BlobPlan | Stay]:
    """Yield what becomes of each blob that holds something of a trace.

    Args:
        words: texts that only this trace has.
        shared: texts of it that another trace has, with that trace.
        gone: traces of the system that are erased before this one.
        refused: keys of refused items that are erased as copies.
    """
    subject = Subject(trace_id, words)
    yield from _plan_values(system, trace_id, gone, refused)
    yield from _plan_bodies(system, subject, keep)
    yield from _plan_files(system, subject, shared, keep)


def find_values(system: System, trace_id: UUID, copies: Sequence[int] = ()) -> set[str]:
    """Return the digests of values that ingest moved out of the trace's spans, the refused ones included.

    Args:
        copies: keys of refused spans without a trace that hold words of it.
    """
    spans = Span.objects.filter(system=system, trace_id=trace_id)
    columns = spans.values_list("attributes", "events", "links", "resource", "scope")
    refused = Reject.objects.filter(
        Q(pk__in=copies)
        | Q(system=system, trace_id=trace_id.hex)
        | Q(system=None, batch__system_ids__contains=[system.pk], trace_id=trace_id.hex)
    )
    return {
        digest
        for value in (*columns, *refused.values_list("item", flat=True))
        for digest in _find_markers(value)
    }


def _plan_values(
    system: System, trace_id: UUID, gone: Collection[UUID], refused: Sequence[int]
) -> Iterator[BlobPlan | Stay]:
    for digest in sorted(find_values(system, trace_id, refused)):
        locks.hold(locks.Lock.BLOB, digest)  # a span that brings it either is seen or waits
        if not blob_path(digest).exists():
            continue
        user = find_user_of_value(digest, but=(system.pk, [trace_id, *gone]), but_refused=refused)
        if user is not None:
            yield Stay(f"{Role.VALUE} {digest}", _shared_with(system, *user))
        elif why := _why_kept(digest):
            yield Stay(f"{Role.VALUE} {digest}", why)
        else:
            yield BlobPlan(Role.VALUE, digest)


def _shared_with(system: System, system_id: int | None, trace_id: str) -> str:
    if system_id == system.pk:
        return f"shared with trace {trace_id or 'that cannot be told'}"
    return "shared with a trace of another system"


def _find_markers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(digest := value.get(BLOB_KEY), str):
            yield digest.removeprefix(DIGEST_PREFIX)
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for item in value:
        yield from _find_markers(item)


def _plan_bodies(system: System, subject: Subject, keep: Keep) -> Iterator[BlobPlan | Stay]:
    seen: set[str] = set()
    for original in _bodies(system, subject):
        digest = what_is_left(original)
        if digest in seen:
            continue
        seen.add(digest)
        try:
            data = read_blob(digest)
        except BlobErased:
            continue
        except (BlobMissing, DigestMismatch):
            yield BlobPlan(Role.BODY, digest)  # was lost: it is not to come back
            continue
        if why := _why_kept(digest):
            yield Stay(f"{Role.BODY} {digest}", why)
        elif (plan := _plan_body(system, subject, original, digest, data, keep)) is not None:
            yield plan


def _plan_body(
    system: System, subject: Subject, original: str, digest: str, data: bytes, keep: Keep
) -> BlobPlan | Stay | None:
    batches = list(IngestBatch.objects.filter(body_digest=original).order_by("pk"))
    body = PlainBody(data, cast("Encoding", batches[0].encoding))
    signal = Signal(batches[0].signal)
    spoken_of = {pk for batch in batches for pk in batch.system_ids}
    others = set(System.objects.filter(pk__in=spoken_of).exclude(pk=system.pk).values_list("key", flat=True))

    def is_ours(item: Item) -> bool:
        return item.system_key not in others and _is_of(subject, item)

    try:
        items = read_items(body, signal)
    except OtlpError:  # taken by an older version of ours
        return BlobPlan(Role.BODY, digest)
    ours = {item.position for item in items if is_ours(item)}
    if not ours:
        return None
    try:
        left = without_items(body, signal, ours)
    except Inseparable:
        rest = [item for item in items if item.position not in ours]
        if (hold := _find_hold(rest)) is not None:
            return Stay(f"{Role.BODY} {digest}", f"under hold {hold.pk}, and it cannot be taken apart")
        return BlobPlan(Role.BODY, digest, others=len(rest))
    return BlobPlan(Role.BODY, digest, _keep_left(left, body.media_type, keep) if left else "")


def _find_hold(items: Iterable[Item]) -> LegalHold | None:
    """Return a hold that one of these spans is under."""
    spans = [item for item in items if isinstance(item, SpanRecord)]
    for hold in active_holds().filter(system__key__in={span.system_key for span in spans}):
        for span in spans:
            began = datetime.fromtimestamp(span.start_ns / 1e9, tz=UTC)
            before_end = hold.period_to is None or began < hold.period_to
            if span.system_key == hold.system.key and hold.period_from <= began and before_end:
                return hold
    return None


def _is_of(subject: Subject, item: Item) -> bool:
    """Whether an item is of the trace, or of none and holds its words."""
    if item.trace_id:
        return item.trace_id.lower().replace("-", "") == subject.trace_id.hex
    return subject.says(item.item if isinstance(item, RejectRecord) else item.attributes)


def _keep_left(left: bytes, media_type: str, keep: Keep) -> str:
    """Keep what is left of a blob, unless the very same bytes were removed before: then what is left of those."""
    digest = sha256_hex(left)
    if not BlobRemoval.objects.filter(pk=digest).exists():
        return keep(left, media_type)
    rest = what_is_left(digest)
    return "" if BlobRemoval.objects.filter(pk=rest).exists() else rest


def _bodies(system: System, subject: Subject) -> Iterator[str]:
    """Yield the digests of the requests that may hold items of the trace, or words of it in items of none.

    The spans name the batch that stored them. A batch that brought them again, or brought refused spans or
    evaluations of the trace, is found by looking for the trace id and the words in its body.
    """
    spans = Span.objects.filter(system=system, trace_id=subject.trace_id)
    batches = set(spans.values_list("batch_id", flat=True))
    yield from IngestBatch.objects.filter(pk__in=batches).values_list("body_digest", flat=True)
    first = spans.aggregate(first=Min("received_at"))["first"]
    tokens = AccessToken.systems.through.objects.filter(system=system).values("accesstoken")
    others = IngestBatch.objects.filter(
        Q(n_duplicate__gt=0) | Q(n_rejected__gt=0) | Q(signal=Signal.LOGS), token__in=tokens
    ).exclude(pk__in=batches)
    if first is not None:
        others = others.filter(received_at__gte=first - _SENT_BEFORE)
    for digest in others.values_list("body_digest", flat=True).iterator(100):
        if _mentions(what_is_left(digest), subject):
            yield digest


def _mentions(digest: str, subject: Subject) -> bool:
    """Whether a body holds the words, or the trace id as protobuf (bytes) or JSON (hexadecimal) writes it."""
    try:
        body = read_blob(digest)
    except _LOST:  # nothing left in it to erase
        return False
    return subject.trace_id.bytes in body or subject.is_in(body)


def _plan_files(
    system: System, subject: Subject, shared: Sequence[tuple[str, UUID]], keep: Keep
) -> Iterator[BlobPlan | Stay]:
    seen: set[str] = set()
    for role, original in _files(system):
        digest = what_is_left(original)
        if digest in seen:
            continue
        seen.add(digest)
        try:
            data = read_blob(digest)
        except _LOST:
            continue
        if not subject.is_in(data):
            for word, other in shared:
                if Subject(other, [word]).says(data):
                    yield Stay(f"{role} {digest}", f"it says only what trace {other.hex} says too")
                    break
        elif why := _why_kept(digest):
            yield Stay(f"{role} {digest}", why)
        else:
            yield _plan_file(role, digest, data, subject, keep)


def _plan_file(role: Role, digest: str, data: bytes, subject: Subject, keep: Keep) -> BlobPlan:
    try:
        left = redact(data, subject)
    except Unredactable:
        return BlobPlan(role, digest, others=1)
    media_type = Blob.objects.values_list("media_type", flat=True).get(pk=digest)
    return BlobPlan(role, digest, _keep_left(left, media_type, keep))


def _files(system: System) -> Iterator[tuple[Role, str]]:
    """Yield every file of a system that may hold copies of what its traces said, but the requests."""
    runs = EvalRun.objects.filter(system=system).values_list("raw_id", flat=True).distinct()
    requests = set(IngestBatch.objects.filter(body_digest__in=runs).values_list("body_digest", flat=True))
    yield from ((Role.EVAL_FILE, digest) for digest in sorted(runs) if digest not in requests)
    refused = Reject.objects.filter(system=system, source=RejectSource.EVAL_FILE)
    for digest in sorted(refused.values_list("item_digest", flat=True).distinct()):
        yield Role.REFUSED_FILE, digest
    datasets = ArtefactVersion.objects.filter(artefact__system=system, artefact__kind=ArtefactKind.DATASET)
    for digest in sorted(datasets.filter(blob__isnull=False).values_list("blob_id", flat=True).distinct()):
        yield Role.DATASET, str(digest)


def _why_kept(digest: str) -> str:
    """Say why a blob stays though it holds the subject's: somebody vouches for it, or it was given away."""
    versions = ArtefactVersion.objects.filter(blob=digest).exclude(blob__media_type=PROBE_INPUTS_MEDIA_TYPE)
    if (version := versions.select_related("artefact").first()) is not None:
        return f"registered as {version.artefact} v{version.number}"
    if (binder := Binder.objects.filter(archive=digest).first()) is not None:
        return f"exported as {binder.file_name}"
    return ""


def binders_with(traces: Iterable[Any]) -> list[str]:
    """Return the exported binders whose scope covers a revision of the trace."""
    names: set[str] = set()
    for trace in traces:
        covering = Binder.objects.filter(
            system=trace.system_id,
            period_from__lte=trace.started_at,
            period_to__gt=trace.started_at,
            as_of__gte=trace.sealed_at,
        )
        names.update(covering.values_list("file_name", flat=True))
    return sorted(names)
