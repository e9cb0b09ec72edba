"""A verdict on a citation says why, and the passage it shows stands in the document it names. Step 6."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tracebinder.verify.bag import Bag
from tracebinder.verify.container import Container
from tracebinder.verify.errors import BinderFailed, BinderUnverifiable
from tracebinder.verify.lines import objects_in
from tracebinder.verify.spans import Redactions, read_redactions
from tracebinder.verify.strict_json import JsonObject, text_at, whole_at

CITATIONS: Final = "data/citations/citations.jsonl"
SOURCES: Final = "data/citations/sources.jsonl"

_LONGEST_PASSAGE: Final = 10_000  # code points of one that stand in a binder
_ERASED_TEXT: Final = "[erased]"
_NOT_FOUND: Final = (
    "quote_too_short", "number_differs", "negation_differs", "word_differs", "cuts_a_word", "alignment_too_low",
    "too_short_to_align", "too_long_to_align", "nothing_aligns",
)  # fmt: skip
_VERDICT_OF: Final = {
    **dict.fromkeys(_NOT_FOUND, "not_found"),
    "same_words": "verbatim",
    "same_once_normalised": "normalised",
    "aligned": "fuzzy",
    "in_another_document": "misattributed",
    "document_unknown": "unresolvable",
}

Places = dict[tuple[int, int], str]
"""Passages of a document, by where they begin and end."""


@dataclass(slots=True)
class ReasonsChecked:
    """How many verdicts say why, and how many were given before they did."""

    told: int = 0
    silent: int = 0
    passages: defaultdict[str, Places] = field(default_factory=lambda: defaultdict(dict), repr=False)

    def __str__(self) -> str:
        silent = f", {self.silent} from before they were kept" if self.silent else ""
        return f"{self.told} verdicts with their reason{silent}"


def check_reasons(container: Container, bag: Bag, *, must_tell: bool) -> ReasonsChecked:
    """Check why each citation has its verdict, and each passage against the text of its document.

    Args:
        must_tell: each citation has a reason in this version of the format, be it that it was checked before.

    Raises:
        BinderFailed: a reason is missing or of another verdict, or a passage is not in its document.
        BinderMalformed: one of the files is not in the form of the format.
        BinderUnverifiable: a reason is one of a newer checker's.
    """
    found = ReasonsChecked()
    if not must_tell:
        return found
    if CITATIONS not in bag.digests:
        raise BinderFailed("is left out, and belongs to every binder of this version", member=CITATIONS)
    redactions = read_redactions(container, bag)
    for citation in objects_in(container, CITATIONS):
        _check_citation(citation, redactions, found)
    for source in objects_in(container, SOURCES) if SOURCES in bag.digests else ():
        digest = text_at(source, "digest", member=SOURCES)
        _check_passages(text_at(source, "text", member=SOURCES), digest, found.passages.pop(digest, {}))
    if found.passages:
        raise BinderFailed(f"lacks the document {min(found.passages)} of a passage", member=SOURCES)
    return found


def _check_citation(citation: JsonObject, redactions: Redactions, found: ReasonsChecked) -> None:
    name = text_at(citation, "id", member=CITATIONS)
    if "reason" not in citation:
        raise BinderFailed(f"citation {name} does not say why it has its verdict", member=CITATIONS)
    if citation["reason"] is None:
        found.silent += 1
        return
    reason = text_at(citation, "reason", member=CITATIONS)
    if reason not in _VERDICT_OF:
        raise BinderUnverifiable(
            f"citation {name} has the reason {reason!r}, of a newer checker", member=CITATIONS
        )
    if citation.get("verdict") != _VERDICT_OF[reason]:
        raise BinderFailed(
            f"citation {name} has another verdict than its reason is one for", member=CITATIONS
        )
    found.told += 1
    if citation.get("nearestText") is not None:
        _note_passage(citation, name, redactions, found)


def _note_passage(citation: JsonObject, name: str, redactions: Redactions, found: ReasonsChecked) -> None:
    start, end = (whole_at(citation, key, member=CITATIONS) for key in ("nearestStart", "nearestEnd"))
    passage = text_at(citation, "nearestText", member=CITATIONS)
    if passage == _ERASED_TEXT and redactions.may_be_erased(citation.get("traceId")):
        return
    noted = found.passages[text_at(citation, "documentDigest", member=CITATIONS)]
    if noted.setdefault((start, end), passage) != passage:
        raise BinderFailed(
            f"citation {name} has another passage than one of the same place", member=CITATIONS
        )


def _check_passages(text: str, digest: str, passages: Mapping[tuple[int, int], str]) -> None:
    if passages and hashlib.sha256(text.encode()).hexdigest() != digest:
        raise BinderFailed(f"the document {digest} is not what was digested", member=SOURCES)
    for (start, end), passage in passages.items():
        if not passage or text[start : min(end, start + _LONGEST_PASSAGE)] != passage:
            raise BinderFailed(
                f"a passage at {start} to {end} does not stand in the document {digest}", member=CITATIONS
            )
