"""Sets of texts in two sides: templates with a place in each, and what stands there on either side.

They are data, versioned with the code that reads them: a change of a text raises its file's `version` and the probe's
`code_version`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from interpret.errors import BadSpecification

PLACE: Final = "{}"  # in a template: where the words of a side stand


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSet(ABC):
    """One question of a copilot, and texts in two sides.

    Attributes:
        texts: what the templates are, in words: "English notes to a credit copilot".
        ending: the question, at the end of each text.
        label: stands before the words of each side.
        sides: their names.
        words: of the first side and of the second, each once.
    """

    name: str
    version: str  # of its files
    copilot: str
    language: str  # BCP 47
    texts: str
    ending: str
    templates: tuple[str, ...]
    label: str
    sides: tuple[str, str]
    words: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    @abstractmethod
    def openings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the answers of either kind begin with: the log-odds are of the first kind over the second."""

    @property
    def matched(self) -> bool:
        """Whether a word stands beside the one of its own place in the other side, and no other."""
        return False

    def write(self, template: int, word: str, context: str = "") -> str:
        """Return a template with a word in its place, what follows it, and the question."""
        return self.templates[template].replace(PLACE, self.label + word) + context + self.ending


def check_set(made: PairSet) -> None:
    """Refuse a set that is broken.

    Raises:
        BadSpecification: a template has no place or two, or stands there twice, a side has no words or shares one with
            the other, or words that belong together are not two and two.
    """
    for template in made.templates:
        if template.count(PLACE) != 1:
            raise BadSpecification(f"{made.name}: a template has one {PLACE}, not as in {template!r}")
    if len(set(made.templates)) != len(made.templates):
        raise BadSpecification(f"{made.name}: a template stands there twice")
    for side, words in zip(made.sides, made.words, strict=True):
        if not words:
            raise BadSpecification(
                f"{made.name}: there are no {side}: with one side there is nothing to tell apart"
            )
    both = [*made.words[0], *made.words[1]]
    if twice := sorted({word for word in both if both.count(word) > 1}):
        raise BadSpecification(
            f"{made.name}: {', '.join(twice)} stands there twice, so that sides or splits share it"
        )
    if made.matched and len(made.words[0]) != len(made.words[1]):
        raise BadSpecification(
            f"{made.name}: {len(made.words[0])} {made.sides[0]} and {len(made.words[1])} {made.sides[1]}: they"
            " belong together two and two"
        )
