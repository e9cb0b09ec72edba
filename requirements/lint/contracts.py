"""What the linter finds, and how it says it. Free of Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

# The rules on the words of a statement, in the order in which their findings are told.
NOT_TESTABLE: Final = "not_testable"
VAGUE: Final = "vague"
NO_NUMBER: Final = "no_number"
WEAK_MODAL: Final = "weak_modal"
NO_OBLIGATION: Final = "no_obligation"
SEVERAL: Final = "several"
PLACEHOLDER: Final = "placeholder"
WORDING_RULES: Final = (
    NOT_TESTABLE,
    VAGUE,
    NO_NUMBER,
    WEAK_MODAL,
    NO_OBLIGATION,
    SEVERAL,
    PLACEHOLDER,
)


class LintWarning(NamedTuple):
    """One doubt about a requirement, why, and what would settle it.

    Of one `code` at one `where` there is one warning in each language: an approver ticks them as `code@where`.
    """

    code: str  # stable
    where: str  # "statement.en", "criteria.claims-cited"
    message: str
    suggestion: str
    language: str = ""  # in which it is told: that of the text, or of one of the statements
    start: int | None = None  # characters of the statement, from 0; None: it is about no words
    end: int | None = None  # after the last character

    def as_dict(self) -> dict[str, object]:
        """Return the warning as it is stored and shown."""
        return self._asdict()


class Span(NamedTuple):
    """A stretch of a text, in characters from 0."""

    start: int
    end: int


@dataclass(slots=True)
class Findings:
    """What the rules of a pack found in one text, by rule: the stretches that gave rise to it."""

    spans: dict[str, list[Span]] = field(default_factory=dict)
    families: dict[str, Span] = field(default_factory=dict)  # of NOT_TESTABLE: which qualities were meant

    def add(self, rule: str, start: int, end: int) -> None:
        """Record a stretch under a rule."""
        self.spans.setdefault(rule, []).append(Span(start, end))


class Pack(Protocol):
    """The rules of one language."""

    def find(self, text: str) -> Findings:
        """Return what is doubtful about the words of a text. Linear in its length."""
        ...

    def tell(self, rule: str, words: str, count: int) -> tuple[str, str]:
        """Return why a rule was raised, and a rewrite, in the language of the pack."""
        ...

    def tell_families(self, families: Mapping[str, str]) -> tuple[str, str]:
        """Return why qualities cannot be tested, and the split of each family; `families` gives the words used."""
        ...
