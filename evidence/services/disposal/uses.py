"""What else the bytes of a digest are kept as: a value of one is somebody's file, or a request, of the same bytes.

And who has them still. A row has its bytes until they are taken from it: by an erasure of its own system later than
the row (a request: of any system), or by the retention that it was old enough for. So whoever is told after a removal
that the same bytes are kept has them, and so has another system that was told so while an erasure was under way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Model, Q

from evidence import clock
from evidence.models import (
    ArtefactVersion,
    Binder,
    Blob,
    BlobRemoval,
    ErasureCertificate,
    IngestBatch,
    Reject,
    Span,
    System,
    Trace,
)
from evidence.selectors.holds import is_held
from evidence.services.blobs import originals_of, what_is_left
from evidence.services.disposal.refused import refused_of
from evidence.services.moved_values import find_user_of_value, may_be_values
from evidence.vocabulary import PROBE_INPUTS_MEDIA_TYPE, RejectSource
from evidence.worded import Worded, worded


def find_other_use(digest: str) -> Worded | None:
    """Say as what a blob is kept, beside being a large value of spans; None: as nothing else.

    Asks every model that points to blobs, so that a new one needs no word here. A row whose bytes were taken is no use.
    """
    if BlobRemoval.objects.filter(pk=digest).exists() and not find_still_had([digest]):
        return None
    if IngestBatch.objects.filter(body_digest=digest).exists():
        return worded("the body of a request")
    if Reject.objects.filter(source=RejectSource.EVAL_FILE, item_digest=digest).exists():
        return worded("a refused file")
    for model, path in _pointers():
        if model._default_manager.filter(**{path: digest}).exists():
            return worded("kept for %(model)s", model=model._meta.label)
    return None


def find_other_owner(
    digest: str, system: System, *, but: Sequence[UUID], but_refused: Sequence[int]
) -> Worded | None:
    """Say whose a file is as well, where another system or a trace has the same bytes; None: nobody's.

    What is left of a file is theirs from whom the rest was taken.

    Args:
        but: traces of the system that do not count, because they are erased.
        but_refused: keys of refused spans that are erased, too.
    """
    owners = {
        owner for one in originals_of(digest) for owner, has in _file_rows(one) if has == (one == digest)
    }
    if owners - {system.pk}:
        return worded("another system posted the same file")
    return find_value_of_others(digest, system, but=but, but_refused=but_refused)


def find_value_of_others(
    digest: str, system: System, *, but: Collection[UUID], but_refused: Sequence[int]
) -> Worded | None:
    """Say who has the bytes of a file or request as a large value; None: nobody. Arguments as `find_other_owner`."""
    if not may_be_values([digest]):
        return None
    user = find_user_of_value(digest, but=(system.pk, list(but)), but_refused=but_refused)
    if user is None:
        return None
    return worded("the same bytes are a value, %(shared)s", shared=say_shared_with(system, *user))


def say_shared_with(system: System, system_id: int | None, trace_id: str) -> Worded:
    """Say with whom something is shared: which trace of the system, while those of others are nobody's business."""
    if system_id == system.pk:
        if not trace_id:
            return worded("shared with a trace that cannot be named")
        return worded("shared with trace %(trace)s", trace=trace_id)
    return worded("shared with a trace of another system")


def name_trace(system: System, trace_id: UUID, *, but: UUID) -> Worded:
    """Return what another trace is called before people of a system: by its id only if it is one of theirs.

    Args:
        but: the trace that is erased; another one of that id is another system's.
    """
    own: dict[str, Any] = {"system": system, "trace_id": trace_id}
    known = Trace.objects.filter(**own).exists() or Span.objects.filter(**own).exists()
    if trace_id != but and (known or refused_of(system, trace_id).exists()):
        return worded("trace %(trace)s", trace=trace_id.hex)
    return worded("a trace of another system")


def find_still_had(digests: Collection[str]) -> set[str]:
    """Return those of some removed digests whose bytes somebody has still, or again, as a file or a request.

    Whether a trace has them as a large value, `find_user_of_value` says.
    """
    if not digests:
        return set()
    pointed_to = {
        str(digest)
        for rows, path, _time, _system in _files()
        for digest in rows.filter(**{f"{path}__in": digests}).values_list(path, flat=True)
    }
    files = {digest for digest in pointed_to if any(has for _, has in _file_rows(digest))}
    return files | _requests_in({*digests} - files)


def forms_of(original: str) -> list[str]:
    """Return under which digests the bytes of a file or request are now: what is left, and they if they came back.

    Raises:
        BlobStoreAway: as `what_is_left` does.
    """
    left = what_is_left(original)
    return [left] if left == original or not find_still_had([original]) else [left, original]


def period_before(signal: str, now: datetime) -> datetime | None:
    """Return the time before which a signal's content may go; None: never."""
    days = settings.RETENTION_DAYS[signal]
    return now - timedelta(days=days) if days else None


def why_kept(digest: str, system: System) -> Worded | None:
    """Say why a blob stays though it holds the subject's: somebody vouches for it, or it was given away.

    What another system calls it is not said.
    """
    versions = ArtefactVersion.objects.filter(blob=digest).exclude(blob__media_type=PROBE_INPUTS_MEDIA_TYPE)
    if (version := versions.filter(artefact__system=system).select_related("artefact").first()) is not None:
        return worded(
            "registered as %(artefact)s v%(number)s", artefact=version.artefact, number=version.number
        )
    binders = Binder.objects.filter(archive=digest)
    if (binder := binders.filter(system=system).first()) is not None:
        return worded("exported as %(file)s", file=binder.file_name)
    if versions.exists():
        return worded("registered by another system")
    return worded("exported by another system") if binders.exists() else None


def _files() -> Iterator[tuple[Any, str, str, str]]:
    """Yield the rows that have files, each with the names of its digest, of our time, and of its system."""
    for model, path in _pointers():
        if model is not BlobRemoval:
            columns = {field.name for field in model._meta.get_fields()}
            time = "received_at" if "received_at" in columns else "created_at"
            yield model._default_manager.all(), path, time, str(model.SYSTEM_PATH)  # type: ignore[attr-defined]  # each of these has one
    refused = Reject.objects.filter(source=RejectSource.EVAL_FILE)
    yield refused, "item_digest", "created_at", "system"


def _file_rows(digest: str) -> Iterator[tuple[int | None, bool]]:
    """Yield the system of each row that got the bytes as a file, and whether it has them still."""
    taken = _erased_at(digest)
    for rows, path, time, system in _files():
        for at, owner in rows.filter(**{path: digest}).values_list(time, system):
            yield owner, not any(by == owner and erased_at >= at for erased_at, by in taken)


def _requests_in(digests: Iterable[str]) -> set[str]:
    """Return those that are the body of a request that nothing took, and that retention is not to take yet."""
    young = is_held()
    for signal in settings.RETENTION_DAYS:
        before = period_before(signal, clock.now())
        young |= Q(signal=signal) if before is None else Q(signal=signal, received_at__gte=before)
    batches = IngestBatch.objects.filter(young, body_digest__in=list(digests))
    ends = dict(
        BlobRemoval.objects.filter(pk__in=batches.values("body_digest"), disposal__isnull=False).values_list(
            "pk", "disposal__period_to"
        )
    )
    found = set()
    for digest, at in batches.values_list("body_digest", "received_at"):
        by_retention = digest in ends and at < ends[digest]
        if not by_retention and all(erased_at < at for erased_at, _ in _erased_at(digest)):
            found.add(digest)
    return found


def _erased_at(digest: str) -> list[tuple[datetime, int]]:
    """Return when, and in which systems, erasures took the bytes: each time, where they came back."""
    removals = BlobRemoval.objects.filter(pk=digest, erasure__isnull=False)
    again = ErasureCertificate.objects.filter(document__blobs__contains=[{"digest": digest}])
    return [
        *removals.values_list("created_at", "erasure__system"),
        *again.values_list("created_at", "erasure__system"),
    ]


def _pointers() -> Iterator[tuple[type[Model], str]]:
    """Yield each foreign key to a blob, but for that of its own removal."""
    for relation in Blob._meta.related_objects:
        if relation.field is not BlobRemoval._meta.get_field("blob"):
            yield relation.related_model, relation.field.name
