"""Claims of an answer that declared none: its sentences, their citation marks, material or not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from evidence.citations.materiality import find_kinds, is_question
from evidence.citations.segmentation import MARK, Passage, split_passages

EXTRACTOR_VERSION: Final = "claim-extract/3"
"""Changes with any change of a pattern; precision and recall: `docs/reference/citations.md`."""

_QUOTED: Final = re.compile(
    r"“([^“”]{4,2000})”|\"([^\"]{4,2000})\"|「([^「」]{4,2000})」|『([^『』]{4,2000})』"
)
_BEFORE_STOP: Final = re.compile(r"[ \t](?<![ \t].)[ \t]*+(?=[.,;:!?。，；：！？])")
_STOP_AFTER_SPACE: Final = re.compile(r"[.,;:!?。，；：！？](?<=[ \t].)")
_NOT_A_MARK: Final = re.compile(r"^[ xX✓]?$|^(?:sic|\.{3}|…)$")


@dataclass(frozen=True, slots=True)
class CitationMark:
    """One reference as written: `1`, `POL-3 §2`. Offsets are those of its bracket, in code points."""

    ref: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ExtractedClaim:
    """One sentence of the answer.

    `answer[start:end]` is the sentence with its marks, `text` the same without them. `quotes` are the
    passages the sentence sets in quotation marks.
    """

    text: str
    start: int
    end: int
    kinds: tuple[str, ...]
    marks: tuple[CitationMark, ...]
    quotes: tuple[str, ...]

    @property
    def material(self) -> bool:
        """Whether the sentence is of a material kind, or cites: what the answer sources, it states as fact."""
        return bool(self.kinds or self.marks)


def extract_claims(answer: str) -> tuple[ExtractedClaim, ...]:
    """Return the claims of an answer in their order; questions, and words in brackets alone, are no claims."""
    claims = (_read_claim(answer, passage) for passage in split_passages(answer))
    return tuple(claim for claim in claims if not is_question(claim.text) and _is_claim(claim))


def _is_claim(claim: ExtractedClaim) -> bool:
    """Return whether there is a text to cite, or a mark with a number: `【初步分析】` alone is a heading."""
    return bool(claim.text) or any(char.isdigit() for mark in claim.marks for char in mark.ref)


def _read_claim(answer: str, passage: Passage) -> ExtractedClaim:
    start, end = passage.start, passage.end
    sentence = answer[start:end]
    text = remove_marks(sentence)
    return ExtractedClaim(
        text=text,
        start=start,
        end=end,
        kinds=find_kinds(text, passage.line),
        marks=find_marks(sentence, offset=start),
        quotes=tuple(next(filter(None, found.groups())) for found in _QUOTED.finditer(text)),
    )


def find_marks(text: str, *, offset: int = 0) -> tuple[CitationMark, ...]:
    """Return the citation marks of `text`; `[2, 4]` is two. `offset` is added to every position."""
    return tuple(
        CitationMark(ref, offset + match.start(), offset + match.end())
        for match in MARK.finditer(text)
        for ref in re.split(r"\s*[,，;；、]\s*", (match["square"] or match["lens"]).strip())
        if not _NOT_A_MARK.match(ref)
    )


def remove_marks(text: str) -> str:
    """Return `text` without its citation marks and the spaces they leave before punctuation."""
    bare = MARK.sub("", text)
    if _STOP_AFTER_SPACE.search(bare):  # found in a tenth of the time that it takes to ask behind each space
        bare = _BEFORE_STOP.sub("", bare)
    return (re.sub(r"[ \t][ \t]+", " ", bare) if "  " in bare or "\t" in bare else bare).strip()
