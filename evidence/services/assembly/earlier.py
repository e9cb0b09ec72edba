"""The revision of a trace that the next one replaces, and what of it the next one changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from evidence.erased import ERASED_TEXT
from evidence.models import Retrieval, Trace, TraceVersion
from evidence.selectors.readings import READING_SLOT
from evidence.semconv.draft import Flag, TraceDraft
from evidence.services.assembly.arrivals import SPANS_REFUSED
from evidence.services.assembly.reading import TraceKey
from evidence.services.assembly.rows import LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class EarlierRevision:
    """The last revision of a trace so far."""

    pk: int
    revision: int  # 1, 2, 3 …
    digest: str
    question: str
    answer: str
    exchanges: list[dict[str, Any]] | None  # None: before traces told them
    flags: list[dict[str, str]]
    reading: int | None  # number of the version of the system's reading that it was read by

    @property
    def is_erased(self) -> bool:
        """Whether nobody can say any more what it said."""
        return ERASED_TEXT in (self.question, self.answer)

    def differs_from(self, draft: TraceDraft) -> bool:
        """Whether the draft has other spans, or was refused more of them."""
        told = [flag["detail"] for flag in self.flags if flag["code"] == SPANS_REFUSED]
        refused = [flag.detail for flag in draft.flags if flag.code == SPANS_REFUSED]
        return (self.digest, told) != (draft.trace_digest, refused)

    def said(self, field: str) -> list[str]:
        """Return the question, or the answer, of each of its turns."""
        if self.exchanges is None:
            return [getattr(self, field)]
        return [turn[field]["text"] for turn in self.exchanges]


def find_earlier_revisions(keys: Collection[TraceKey]) -> dict[TraceKey, EarlierRevision]:
    """Return the last revision of each trace that has one, in one query."""
    last = (
        Trace.objects.filter(
            system__in={system_id for system_id, _ in keys}, trace_id__in={trace_id for _, trace_id in keys}
        )
        .order_by("system_id", "trace_id", "-revision")
        .distinct("system_id", "trace_id")
    )
    used = TraceVersion.objects.filter(trace=OuterRef("pk"), slot=READING_SLOT)
    last = last.annotate(reading=Subquery(used.values("version__number")[:1]))
    columns = ("pk", "revision", "digest", "question", "answer", "exchanges", "flags", "reading")
    found = {
        (system_id, trace_id): EarlierRevision(*told)
        for system_id, trace_id, *told in last.values_list("system_id", "trace_id", *columns)
    }
    return {key: one for key, one in found.items() if key in keys}


def find_changes(
    drafts: Mapping[TraceKey, TraceDraft],
    earlier: Mapping[TraceKey, EarlierRevision],
    readings: Mapping[int, int | None],
) -> dict[TraceKey, list[Flag]]:
    """Return a flag for each of question, answer and documents that the next revision says otherwise; one query.

    What people said of the earlier revision was said of something else. Nothing is said of one that was erased. That
    another version of the system's reading was read by is a flag, too: it may be all that has changed.

    Args:
        readings: by which version each system's traces are read now, by the system's key.
    """
    replaced = {key: one for key, one in earlier.items() if key in drafts and not one.is_erased}
    documents = _documents_of([one.pk for one in replaced.values()])
    return {
        key: [
            Flag(f"{what}_changed", f"revision {one.revision} had {before}")
            for what, before, changed in (
                ("question", "another question", one.said("question") != _said(drafts[key], "question", one)),
                ("answer", "another answer", one.said("answer") != _said(drafts[key], "answer", one)),
                ("documents", "other documents", documents[one.pk] != _retrieved(drafts[key])),
            )
            if changed
        ]
        + _of_reading(one, readings[key[0]])
        for key, one in replaced.items()
    }


def _of_reading(earlier: EarlierRevision, number: int | None) -> list[Flag]:
    if earlier.reading == number:
        return []
    before, now = (
        f"version {one} of the system's reading" if one else "no reading of the system"
        for one in (earlier.reading, number)
    )
    return [Flag("reading_changed", f"revision {earlier.revision} was read by {before}, this one by {now}")]


def _said(draft: TraceDraft, field: str, earlier: EarlierRevision) -> list[str]:
    """Return what an earlier revision is compared with: of one from before turns were told, the last turn alone."""
    if earlier.exchanges is None:
        return [getattr(draft, field)]
    return [getattr(turn, field).text for turn in draft.exchanges]


def _documents_of(traces: Iterable[int]) -> dict[int, set[str]]:
    """Return the documents of sealed traces, by key: their ids, or their texts where they have none."""
    found: dict[int, set[str]] = defaultdict(set)
    keys = list(traces)
    if keys:
        rows = Retrieval.objects.filter(trace__in=keys)
        for trace, document_ref, text in rows.values_list("trace_id", "document_ref", "text"):
            found[trace].add(document_ref or text or "")
    return found


def _retrieved(draft: TraceDraft) -> set[str]:
    return {one.document_ref or one.text[:LONGEST_TEXT] for one in draft.retrievals}
