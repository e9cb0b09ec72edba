"""The files of a system that may hold copies of what its traces said, and what is left of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from evidence.models import (
    ArtefactKind,
    ArtefactVersion,
    Blob,
    EvalRun,
    IngestBatch,
    Reject,
    System,
    Trace,
)
from evidence.redaction import Subject, Unredactable, find_ids, redact
from evidence.selectors.holds import find_hold
from evidence.services.blobs import GONE
from evidence.services.disposal.at_once import AtOnce
from evidence.services.disposal.blob_plans import BlobPlan, Found, Looks, Role, Stay, Unread, called
from evidence.services.disposal.uses import find_other_owner, name_trace
from evidence.unpacking import is_opaque, texts_of
from evidence.vocabulary import RejectSource
from evidence.worded import worded


def plan_files(
    subject: Subject,
    shared: Sequence[tuple[str, UUID]],
    looks: Looks,
    read: AtOnce,
    *,
    gone: Collection[UUID],
    refused: Sequence[int],
) -> Iterator[Found]:
    """Yield what becomes of each file of the system that holds something of the trace, and which nobody can read.

    Args:
        shared: texts of the trace that another trace has, with that trace.
        gone: traces of the system that are erased before this one.
        refused: keys of refused items that are erased as copies.
    """
    system, blobs, erased = read.system, read.blobs, [subject.trace_id, *gone]
    files = blobs.once("files", lambda: list(find_files(system)))
    blobs.know(digest for _, digest in files)
    found = {digest: role for role, original in files for digest in blobs.forms(original)}
    for digest, role in found.items():
        try:
            data = blobs.read(digest)
        except GONE:
            continue
        if looks.once(digest, is_opaque, partial(is_opaque, data)):
            yield Unread(called(role, digest))
        if not looks.once(digest, ("is in", subject), partial(subject.is_in, data)):
            if (other := _find_shared(digest, data, shared, looks)) is not None:
                says = name_trace(system, other, but=subject.trace_id)
                yield Stay(called(role, digest), worded("it says only what %(says)s says too", says=says))
        elif why := blobs.why_kept(digest) or find_other_owner(
            digest, system, but=erased, but_refused=refused
        ):
            yield Stay(called(role, digest), why)
        else:
            yield _plan_file(role, digest, data, subject, looks, read)


def find_files(system: System) -> Iterator[tuple[Role, str]]:
    """Yield every file of a system that may hold copies of what its traces said, but the requests."""
    runs = EvalRun.objects.filter(system=system).values_list("raw_id", flat=True).distinct()
    requests = set(IngestBatch.objects.filter(body_digest__in=runs).values_list("body_digest", flat=True))
    yield from ((Role.EVAL_FILE, digest) for digest in sorted(runs) if digest not in requests)
    refused = Reject.objects.filter(system=system, source=RejectSource.EVAL_FILE)
    for digest in sorted(refused.values_list("item_digest", flat=True).distinct()):
        yield Role.REFUSED_FILE, digest
    kinds = (ArtefactKind.DATASET, ArtefactKind.PROBE_INPUTS)
    datasets = ArtefactVersion.objects.filter(artefact__system=system, artefact__kind__in=kinds)
    for digest in sorted(datasets.filter(blob__isnull=False).values_list("blob_id", flat=True).distinct()):
        yield Role.DATASET, str(digest)


def _find_shared(digest: str, data: bytes, shared: Sequence[tuple[str, UUID]], looks: Looks) -> UUID | None:
    """Return another trace that says what a file says."""
    for word, other in shared:
        if looks.once(digest, ("says", word), partial(Subject(other, (word,)).says, data)):
            return other
    return None


def _plan_file(
    role: Role, digest: str, data: bytes, subject: Subject, looks: Looks, read: AtOnce
) -> BlobPlan | Stay:
    removal = read.blobs.removal(digest)
    if removal is not None and removal.remainder_id:  # it came back, and what is left of it is kept as before
        return BlobPlan(role, digest)
    others = _traces_named_in(looks.once(digest, "ids", partial(_ids_in, data)), subject)
    beside = replace(subject, others=frozenset(one.trace_id.hex for one in others))
    left = None  # where it came back: a second remainder would have no row that leads there
    if removal is None:
        left = looks.once(digest, ("without", beside), partial(_cut, digest, data, beside, looks))
    if left is None:
        if (hold := find_hold((trace.system.key, trace.started_at) for trace in others)) is not None:
            why = worded("a trace in it is under hold %(hold)s, and it cannot be taken apart", hold=hold.pk)
            return Stay(called(role, digest), why)
        return BlobPlan(role, digest, others=1)
    return BlobPlan(role, digest, left)


def _cut(digest: str, data: bytes, subject: Subject, looks: Looks) -> str | None:
    """Keep a file without what it says of a trace, and return the digest; None: it cannot be taken apart."""
    media_type = Blob.objects.values_list("media_type", flat=True).get(pk=digest)
    try:
        return looks.keep(redact(data, subject), media_type)
    except Unredactable:
        return None


def _ids_in(data: bytes) -> frozenset[UUID]:
    """Return what looks like the id of a trace in a file."""
    return frozenset(UUID(found) for text in texts_of(data) for found in find_ids(text))


def _traces_named_in(ids: Collection[UUID], subject: Subject) -> list[Trace]:
    """Return the other traces that a file names."""
    named = Trace.objects.filter(trace_id__in=ids).exclude(trace_id=subject.trace_id).select_related("system")
    return list(named.only("trace_id", "system__key", "started_at"))
