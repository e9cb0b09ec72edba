"""What plans of erasures that are drawn up together ask of blobs, each asked about once.

It holds for one drawing up, as `at_once` does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final, TypeVar, cast

from evidence.models import ArtefactVersion, Binder, BlobRemoval, IngestBatch, System
from evidence.services.blobs import originals_of, read_blob
from evidence.services.disposal.uses import forms_of, why_kept
from evidence.services.moved_values import may_be_values
from evidence.worded import Worded

_BYTES_HELD: Final = 8 * 1024 * 1024  # of blobs, which several traces may be in; or of one that is larger
_T = TypeVar("_T")


class BlobsRead:
    """What was asked once for a drawing up: of each blob, and of what depends on no trace."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._known = set[str]()
        self._removals = dict[str, BlobRemoval | None]()
        self._remainders = set[str]()
        self._pointed_to = set[str]()
        self._values = set[str]()
        self._batches = defaultdict[str, list[IngestBatch]](list)
        self._answers = dict[Hashable, Any]()
        self._held = dict[str, bytes]()

    def once(self, question: Hashable, ask: Callable[[], _T]) -> _T:
        """Return the answer to a question that depends on no trace."""
        if question not in self._answers:
            self._answers[question] = ask()
        return cast("_T", self._answers[question])

    def know_removals(self, digests: Iterable[str]) -> None:
        """Ask of all of these at once whether anything of them was removed: of most, nothing else is ever asked."""
        new = {*digests} - self._removals.keys()
        if new:
            self._removals |= {**dict.fromkeys(new), **BlobRemoval.objects.in_bulk(new)}

    def know(self, digests: Iterable[str]) -> None:
        """Ask everything about all of these at once."""
        new = {*digests} - self._known
        if not new:
            return
        self._known |= new
        self.know_removals(new)
        self._remainders |= {*_those(BlobRemoval.objects.filter(remainder__in=new), "remainder_id")}
        self._pointed_to |= {*_those(ArtefactVersion.objects.filter(blob__in=new), "blob_id")}
        self._pointed_to |= {*_those(Binder.objects.filter(archive__in=new), "archive_id")}
        self._values |= may_be_values(new)
        for batch in IngestBatch.objects.filter(body_digest__in=new).order_by("pk"):
            self._batches[str(batch.body_digest)].append(batch)

    def forms(self, original: str) -> list[str]:
        """Return under which digests the bytes of a file or request are now, as `forms_of` does."""
        removal = self.removal(original)
        if removal is None or removal.remainder_id is None:
            return [original]
        return self.once(("forms", original), lambda: forms_of(original))

    def why_kept(self, digest: str) -> Worded | None:
        """Say why a blob stays, as `uses.why_kept` does."""
        self.know([digest])
        if digest not in self._pointed_to:
            return None
        return self.once(("kept", digest), lambda: why_kept(digest, self._system))

    def may_be_value(self, digest: str) -> bool:
        """Whether the same bytes may be somebody's large value."""
        self.know([digest])
        return digest in self._values

    def removal(self, digest: str) -> BlobRemoval | None:
        """Return the removal of a blob, where there was one."""
        self.know_removals([digest])
        return self._removals[digest]

    def batches(self, digest: str) -> Sequence[IngestBatch]:
        """Return the requests whose body this is, or is what is left of."""
        self.know([digest])
        if digest not in self._remainders:
            return self._batches[digest]
        rows = IngestBatch.objects.filter(body_digest__in=originals_of(digest)).order_by("pk")
        return self.once(("batches", digest), lambda: list(rows))

    def read(self, digest: str) -> bytes:
        """Return the bytes of a blob; those that were fetched last are held.

        Raises:
            BlobErased, BlobMissing, DigestMismatch: as `read_blob` does.
        """
        if digest in self._held:
            return self._held[digest]
        data = read_blob(digest)
        for oldest in list(self._held):
            if sum(map(len, self._held.values())) + len(data) <= _BYTES_HELD:
                break
            del self._held[oldest]
            self._answers.pop(("items", oldest), None)
        self._held[digest] = data
        return data

    def holds(self, digest: str) -> bool:
        """Whether the bytes of a blob are held, so that what is made of them may be, too."""
        return digest in self._held


def _those(rows: Any, column: str) -> Iterable[str]:
    return cast("Iterable[str]", rows.values_list(column, flat=True))
