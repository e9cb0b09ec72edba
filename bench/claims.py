"""Precision and recall of the claim extractor on labelled text: `python -m bench.claims`.

Whole answers (`bench.labelled_answers`) come in a development set and rounds, each written when the rules had been
changed for the one before. Single sentences are older and labelled more narrowly: `seen` ones lay open while
`claim-extract/1` was written, `held_out` ones did not. Segmentation is measured on answers made by joining the
sentences of a language, eight at a time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.agreement import Agreement
from bench.labelled_answers import SETS, measure_answers, read_answers
from evidence.citations.claims import EXTRACTOR_VERSION, extract_claims, find_marks
from evidence.citations.segmentation import split_sentences

LABELLED: Final = Path("tests/evidence/data/labelled_claims.jsonl")
_JOINED: Final = 8  # sentences an answer


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """A sentence with what a person says of it: material or not, and the citation marks it carries."""

    language: str
    text: str
    material: bool
    marks: tuple[str, ...]
    split: str  # "seen" or "held_out"


def read_labelled(path: Path = LABELLED) -> list[LabelledSentence]:
    """Return the labelled sentences in the order of the file (JSON Lines, UTF-8)."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [LabelledSentence(**{**row, "marks": tuple(row["marks"])}) for row in rows]


def measure_material(sentences: Iterable[LabelledSentence]) -> Agreement:
    """Compare the extractor's `material` with the person's, sentence by sentence."""
    pairs = [(any(claim.material for claim in extract_claims(one.text)), one.material) for one in sentences]
    return Agreement(pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True)))


def measure_marks(sentences: Iterable[LabelledSentence]) -> Agreement:
    """Compare the citation marks found with the labelled ones, as multisets in order."""
    hits = extra = missed = 0
    for one in sentences:
        found = [mark.ref for mark in find_marks(one.text)]
        same = sum(ref in one.marks for ref in found)
        hits, extra, missed = hits + same, extra + len(found) - same, missed + len(one.marks) - same
    return Agreement(hits, extra, missed)


def measure_segmentation(sentences: Sequence[LabelledSentence]) -> Agreement:
    """Compare sentence ranges in joined answers; sentences of one language are expected."""
    glue = "" if sentences and sentences[0].language == "zh" else " "
    hits = extra = missed = 0
    for first in range(0, len(sentences), _JOINED):
        texts = [one.text for one in sentences[first : first + _JOINED]]
        answer, wanted = glue.join(texts), set()
        position = 0
        for text in texts:
            wanted.add((position, position + len(text)))
            position += len(text) + len(glue)
        found = set(split_sentences(answer))
        hits, extra, missed = (
            hits + len(found & wanted),
            extra + len(found - wanted),
            missed + len(wanted - found),
        )
    return Agreement(hits, extra, missed)


def build_report(sentences: Sequence[LabelledSentence]) -> list[str]:
    """Return the table as Markdown lines."""
    lines = [
        f"Extractor `{EXTRACTOR_VERSION}`, {len(sentences)} labelled sentences.",
        "",
        "| what | set | n | precision | recall |",
        "|---|---|---|---|---|",
    ]
    for language in ("en", "zh"):
        for split in ("seen", "held_out"):
            chosen = [one for one in sentences if (one.language, one.split) == (language, split)]
            lines += [
                _row("material", f"{language}, {split}", len(chosen), measure_material(chosen)),
                _row("citation marks", f"{language}, {split}", len(chosen), measure_marks(chosen)),
                _row("sentence ranges", f"{language}, {split}", len(chosen), measure_segmentation(chosen)),
            ]
        for name in SETS:
            answers = [one for one in read_answers(name) if one.language == language]
            counted = sum(piece.material is not None for one in answers for piece in one.pieces)
            lines.append(_row("material", f"{language}, answers, {name}", counted, measure_answers(answers)))
    return lines


def _row(what: str, chosen: str, n: int, agreement: Agreement) -> str:
    shares = ("-" if share is None else f"{share:.3f}" for share in (agreement.precision, agreement.recall))
    return f"| {what} | {chosen} | {n} | {' | '.join(shares)} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(build_report(read_labelled())) + "\n")
