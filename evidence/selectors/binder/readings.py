"""How the system says that its traces are read: each version that a trace in scope was read by, and who approved it."""

from __future__ import annotations

from collections.abc import Iterator

from evidence.binder.files import BinderFile, json_file
from evidence.models import ArtefactVersion, ReadingState, TraceVersion
from evidence.selectors.binder.scope import BinderScope, moment, plain, version_reference
from evidence.selectors.binder.trace_scope import traces_in_scope
from evidence.selectors.proposals import replaced_digest, transitions_of
from evidence.selectors.readings import DOCUMENT, READING_SLOT


def reading_files(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield one file a version; none where the traces were read as those of any system."""
    used = TraceVersion.objects.filter(slot=READING_SLOT, trace__in=traces_in_scope(scope).values("pk"))
    versions = ArtefactVersion.objects.filter(pk__in=used.values("version"))
    for version in versions.select_related("artefact").order_by("number"):
        yield json_file(
            f"readings/{version.number}.json",
            _reading(version),
            title="How traces are read / 轨迹的读法",
            schema="reading",
        )


def _reading(version: ArtefactVersion) -> dict[str, object]:
    moves = transitions_of(version)
    approved = next((move for move in moves if move.to_state == ReadingState.APPROVED), None)
    return {
        **version_reference(version, slot=READING_SLOT),
        "document": plain(version.metadata[DOCUMENT]),
        "replaces": replaced_digest(version),
        "createdAt": moment(version.created_at),
        "createdBy": version.created_by,
        "proposals": [
            {"by": move.by, "at": moment(move.at)} for move in moves if move.to_state == ReadingState.PROPOSED
        ],
        "approvedBy": approved.by if approved else None,
        "approvedAt": moment(approved.at if approved else None),
    }
