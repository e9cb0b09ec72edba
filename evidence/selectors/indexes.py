"""What changed between two versions of an index, and which answers relied on what changed."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from evidence.errors import NotFound
from evidence.models import (
    ArtefactKind,
    ArtefactVersion,
    SourceDocument,
    System,
    Trace,
    TraceDocument,
    TraceVersion,
)
from evidence.selectors.traces import current_traces
from evidence.worded import worded


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One document that is not the same in both versions. An empty digest: it is not there."""

    document_id: str
    from_digest: str
    to_digest: str


@dataclass(frozen=True, slots=True)
class IndexDiff:
    """Documents by id, each list in the order of ids."""

    added: list[DocumentChange]
    removed: list[DocumentChange]
    changed: list[DocumentChange]
    n_unchanged: int

    @property
    def outdated(self) -> list[str]:
        """Digests that the later version no longer holds under their id."""
        return sorted({change.from_digest for change in (*self.removed, *self.changed)})


def find_index_version(system: System, digest: str) -> ArtefactVersion:
    """Return the version of an index by its digest.

    Raises:
        NotFound: the system has no index version of that digest.
    """
    found = ArtefactVersion.objects.filter(
        artefact__system=system, artefact__kind=ArtefactKind.INDEX, digest=digest
    ).first()
    if found is None:
        raise NotFound(
            worded(
                "%(system_key)s has no index version of digest %(digest)s.",
                system_key=repr(system.key),
                digest=repr(digest[:64]),
            )
        )
    return found


def diff_indexes(earlier: ArtefactVersion, later: ArtefactVersion) -> IndexDiff:
    """Compare two index versions document by document."""
    before, after = _digests_of(earlier), _digests_of(later)
    changes = [
        DocumentChange(key, before.get(key, ""), after.get(key, ""))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    return IndexDiff(
        added=[one for one in changes if not one.from_digest],
        removed=[one for one in changes if not one.to_digest],
        changed=[one for one in changes if one.from_digest and one.to_digest],
        n_unchanged=sum(after.get(key) == digest for key, digest in before.items()),
    )


def traces_relying_on_outdated(earlier: ArtefactVersion, diff: IndexDiff) -> QuerySet[Trace]:
    """Return the current traces that used the earlier version and cited a document that went or changed."""
    cited = TraceDocument.objects.filter(trace=OuterRef("pk"), digest__in=diff.outdated, cited=True)
    used = TraceVersion.objects.filter(trace=OuterRef("pk"), version=earlier)
    return current_traces().filter(Exists(cited), Exists(used), system=earlier.artefact.system_id)


def _digests_of(version: ArtefactVersion) -> dict[str, str]:
    return dict(SourceDocument.objects.filter(index_version=version).values_list("document_id", "digest"))
