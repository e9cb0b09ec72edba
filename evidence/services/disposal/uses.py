"""What else the bytes of a digest are kept as: a value of one is somebody's file, or a request, of the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from evidence.models import ArtefactVersion, Binder, Blob, BlobRemoval, EvalRun, IngestBatch, Reject, System
from evidence.vocabulary import PROBE_INPUTS_MEDIA_TYPE, RejectSource


def find_other_use(digest: str) -> str:
    """Say as what a blob is kept, beside being a large value of spans; empty: as nothing else.

    Asks every model that points to blobs, so that a new one needs no word here.
    """
    if IngestBatch.objects.filter(body_digest=digest).exists():
        return "the body of a request"
    if Reject.objects.filter(source=RejectSource.EVAL_FILE, item_digest=digest).exists():
        return "a refused file"
    for model, path in _pointers():
        if model._default_manager.filter(**{path: digest}).exists():
            return f"kept for {model._meta.label}"
    return ""


def find_other_owner(digest: str, system: System) -> str:
    """Say whose file it is as well, where another system posted the same bytes; empty: nobody's."""
    runs = EvalRun.objects.filter(raw=digest).exclude(system=system)
    refused = Reject.objects.filter(source=RejectSource.EVAL_FILE, item_digest=digest).exclude(system=system)
    return "another system posted the same file" if runs.exists() or refused.exists() else ""


def why_kept(digest: str) -> str:
    """Say why a blob stays though it holds the subject's: somebody vouches for it, or it was given away."""
    versions = ArtefactVersion.objects.filter(blob=digest).exclude(blob__media_type=PROBE_INPUTS_MEDIA_TYPE)
    if (version := versions.select_related("artefact").first()) is not None:
        return f"registered as {version.artefact} v{version.number}"
    if (binder := Binder.objects.filter(archive=digest).first()) is not None:
        return f"exported as {binder.file_name}"
    return ""


def _pointers() -> Iterator[tuple[type[Model], str]]:
    """Yield each foreign key to a blob, but for that of its own removal."""
    for relation in Blob._meta.related_objects:
        if relation.field is not BlobRemoval._meta.get_field("blob"):
            yield relation.related_model, relation.field.name
