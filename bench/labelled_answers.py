"""Whole answers labelled sentence by sentence, and how well the extractor agrees with the labels.

The form of the files is told at the head of each; what counts as material, in `docs/reference/citations.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.agreement import Agreement
from evidence.citations.claims import ExtractedClaim, extract_claims

FOLDER: Final = Path("tests/evidence/data")
SETS: Final = ("development", *(f"round_{number}" for number in range(1, 10)))
TRAINING: Final = "training"
"""Sentences by themselves: `bench.train_opinion` learns from them, nothing is measured on them."""
_LABELS: Final[dict[str, bool | None]] = {"+": True, "-": False, "~": None}


@dataclass(frozen=True, slots=True)
class LabelledPiece:
    """A sentence, heading, row or item at `[start, end)` of its answer; None where either label is right."""

    start: int
    end: int
    material: bool | None


@dataclass(frozen=True, slots=True)
class LabelledAnswer:
    """An answer as an application would give it, with its pieces in their order."""

    language: str  # "en" or "zh"
    domain: str
    text: str
    pieces: tuple[LabelledPiece, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A piece on which the extractor and the person differ; `material` is the person's label."""

    answer: LabelledAnswer
    text: str
    material: bool


def read_answers(name: str) -> list[LabelledAnswer]:
    """Return the answers of one of `SETS`, or of `TRAINING`, in the order of its file.

    Raises:
        ValueError: a line begins with none of the signs.
    """
    lines = (FOLDER / f"labelled_answers_{name}.txt").read_text(encoding="utf-8").splitlines()
    blocks: list[list[str]] = []
    for line in lines:
        if line.startswith("@ "):
            blocks.append([line])
        elif line and not line.startswith("#"):
            blocks[-1].append(line)
    return [_read_answer(block) for block in blocks]


def measure_answers(answers: Iterable[LabelledAnswer]) -> Agreement:
    """Compare piece by piece; a material claim that reaches beyond its piece counts for neither of the two."""
    pairs = [pair for answer in answers for _, *pair in _judge(answer)]
    return Agreement(pairs.count([True, True]), pairs.count([True, False]), pairs.count([False, True]))


def find_disagreements(answers: Iterable[LabelledAnswer]) -> Iterator[Disagreement]:
    """Yield the pieces on which the extractor and the person differ."""
    for answer in answers:
        for piece, found, wanted in _judge(answer):
            if found != wanted:
                yield Disagreement(answer, answer.text[piece.start : piece.end], wanted)


def _judge(answer: LabelledAnswer) -> Iterator[tuple[LabelledPiece, bool, bool]]:
    """Yield each counted piece, whether the extractor found a material claim in it, and whether it should have."""
    claims = [claim for claim in extract_claims(answer.text) if claim.material]
    for piece in answer.pieces:
        if piece.material is not None:
            yield piece, any(_lies_in(claim, piece) for claim in claims), piece.material


def _lies_in(claim: ExtractedClaim, piece: LabelledPiece) -> bool:
    return piece.start <= claim.start and claim.end <= piece.end


def _read_answer(block: list[str]) -> LabelledAnswer:
    _, language, domain = block[0].split()
    text = ""
    pieces: list[LabelledPiece] = []
    for line in block[1:]:
        sign, follows, words = line[0], line[1:2] == "&", line[2:].removeprefix(" ")
        glue = (" " if language == "en" else "") if follows else "\n"
        text += glue if text else ""
        if sign != ".":
            if sign not in _LABELS:
                raise ValueError(f"a line begins with one of {' '.join(_LABELS)} or a full stop: {line!r}")
            pieces.append(LabelledPiece(len(text), len(text) + len(words), _LABELS[sign]))
            text += words
    return LabelledAnswer(language, domain, text, tuple(pieces))
