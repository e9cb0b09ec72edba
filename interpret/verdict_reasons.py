"""Why a verdict is what it is: a code with its values, which a page says in its reader's language.

Free of Django, torch and the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from interpret.contracts import NullKind

NULLS: Final[Mapping[str, str]] = {
    NullKind.DEAD_MODEL: "a dead model",
    NullKind.SHUFFLED_ORDER: "another order",
    NullKind.TEXT_ONLY: "the text alone",
}
WORDS: Final[Mapping[str, str]] = {
    "described": "a number with its interval: nothing is claimed",
    "lacks": "lacks %(missing)s",
    "few_clusters": "%(clusters)s clusters of distinct texts: %(needed)s are needed",
    "no_spread": "no spread to judge by against %(nulls)s",
    "within": "less than %(smallest)s beyond %(nulls)s",
    "may_be_elsewhere": "another part may do the same, so nothing is shown to be absent",
    "not_clear": "the interval does not clear %(smallest)s against %(nulls)s",
    "no_p_value": "it has no p-value",
    "q_above_level": "the corrected q-value is %(q)s, above the level of %(level)s",
    "few_random_sets": "%(sets)s random sets of as many parts: %(needed)s are needed",
    "random_sets_do_as_much": "p = %(p)s over %(sets)s random sets of as many parts",
    "beyond": "more than %(smallest)s beyond %(nulls)s",
    "opposite": "a second seed says the opposite",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    Attributes:
        code: a key of `WORDS`.
        values: what its words name, as text; `nulls` apart.
        nulls: kinds of nulls it is about.
    """

    code: str
    values: Mapping[str, str] = field(default_factory=dict)
    nulls: tuple[str, ...] = ()


def because(code: str, nulls: Iterable[str] = (), **values: object) -> Reason:
    """Return a reason; numbers among the values are told by three digits, whole ones as they are."""
    told = {
        name: f"{value:.3g}" if isinstance(value, float) else str(value) for name, value in values.items()
    }
    return Reason(code, told, tuple(map(str, nulls)))


def in_english(reasons: Sequence[Reason]) -> str:
    """Return the reasons as they are stored beside their codes."""
    return say(reasons, WORDS, NULLS)


def say(reasons: Sequence[Reason], words: Mapping[str, object], nulls: Mapping[str, object]) -> str:
    """Put reasons into the words of some language.

    Raises:
        KeyError: there are no words for one of their codes, or it lacks a value.
    """
    said = []
    for reason in reasons:
        named = ", ".join(str(nulls.get(kind, kind)) for kind in reason.nulls)
        said.append(str(words[reason.code]) % {**reason.values, "nulls": named})
    return "; ".join(said)
