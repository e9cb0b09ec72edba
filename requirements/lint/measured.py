"""How often the rules on words are right: precision and recall on labelled statements."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from requirements.lint.contracts import (
    NO_NUMBER,
    NO_OBLIGATION,
    NOT_TESTABLE,
    PLACEHOLDER,
    SEVERAL,
    VAGUE,
    WEAK_MODAL,
)
from requirements.lint.statements import lint_statement

LABELS: Final = (VAGUE, NO_NUMBER, WEAK_MODAL, SEVERAL, NO_OBLIGATION)
# Under which label a finding counts: two rules say more of what a reader calls vague.
_LABEL_OF: Final = {NOT_TESTABLE: VAGUE, PLACEHOLDER: VAGUE}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A statement, and what people find doubtful about it."""

    id: str
    language: str
    text: str
    labels: frozenset[str]
    batch: int  # in which sitting it was written; 0: by others


@dataclass(slots=True)
class Tally:
    """How often a rule was right on the statements of a language."""

    hits: int = 0
    false: int = 0  # raised where people find nothing
    missed: int = 0

    @property
    def raised(self) -> int:
        """How often the rule was raised."""
        return self.hits + self.false

    @property
    def labelled(self) -> int:
        """How often people found it."""
        return self.hits + self.missed

    @property
    def precision(self) -> float:
        """Share of what was raised that people find too; 1 where nothing was raised."""
        return self.hits / self.raised if self.raised else 1.0

    @property
    def recall(self) -> float:
        """Share of what people find that was raised; 1 where they find nothing."""
        return self.hits / self.labelled if self.labelled else 1.0


def read_labelled(path: Path) -> list[Labelled]:
    """Read labelled statements: one JSON object a line, with `id`, `lang`, `text`, `labels`."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Labelled(row["id"], row["lang"], row["text"], frozenset(row["labels"]), row.get("batch", 0))
        for row in rows
    ]


def found_in(statement: Labelled) -> frozenset[str]:
    """Return the labels that the linter gives a statement."""
    codes = (warning.code for warning in lint_statement(statement.text, statement.language))
    return frozenset(_LABEL_OF.get(code, code) for code in codes)


def tally(statements: Iterable[Labelled]) -> Mapping[tuple[str, str], Tally]:
    """Return for each language (`en`, `zh`) and label how often the rules were right."""
    counted = {(language, label): Tally() for language in ("en", "zh") for label in LABELS}
    for statement in statements:
        found = found_in(statement)
        for label in LABELS:
            of = counted[statement.language[:2], label]
            of.hits += label in found and label in statement.labels
            of.false += label in found and label not in statement.labels
            of.missed += label not in found and label in statement.labels
    return counted
