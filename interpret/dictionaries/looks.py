"""How sure a label has to be of itself, by how many were looked at before it. Free of torch: the web asks it.

Who tries label after label on the features of one dictionary finds some that stand out by chance. So each pair of a
feature and a concept is a look, whoever tries it, numbered in the order in which they were tried; what a look may
leave to chance is that of `evidence.statistics.discoveries`: it falls with its number and rises with what the looks
before it found, and no later look changes it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from evidence.statistics import level_of_batch

ALPHA: Final = 0.05  # on average at most this share of what stands out in a dictionary does not
ENDS: Final = 0.975  # of the intervals, which are two-sided at 0.95
Pair = TypeVar("Pair", bound=Hashable)  # what is looked at: a feature and a concept
AMISS: Final = 0.5  # of a word: what an area is unsure of at least, where all of its words agree


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one dictionary.

    Attributes:
        number: which it is, the first is 1.
        level: what it may leave to chance.
        chance: what it does: that a feature worth no more than what it is held against would do as well.
    """

    number: int
    level: float
    chance: float

    @property
    def stands_out(self) -> bool:
        """Whether no more is left to chance than may be."""
        return self.chance <= self.level


def chance_of(area: float, low: float, floor: float, words: int) -> float:
    """Return the chance that a unit whose area is no more than `floor` comes to `area`, in [0, 1].

    Args:
        low: of the two-sided 95 % interval of `area`.
        words: that the interval is over, at least two.
    """
    from scipy.special import stdtrit  # noqa: PLC0415  # as below

    error = (area - low) / float(stdtrit(words - 1, ENDS))
    return float(chances_beyond(area, max(error, least_error(words)), floor, words))


def least_error(words: int) -> float:
    """Return the error that an area has at least: that of one word that tells nothing.

    Where all words agree, that all others would is not known.
    """
    return AMISS / words


def chances_beyond(areas: Any, errors: Any, floor: float, words: int) -> Any:
    """Return the same of an area, or of each in an array, from its standard error, by Student's t over words."""
    from scipy.special import stdtr  # noqa: PLC0415  # when the first chance is asked for: it takes a while

    return stdtr(words - 1, (floor - areas) / errors)


def looks(chances: Iterable[tuple[Pair, float]]) -> dict[Pair, Look]:
    """Return each look, by what was looked at: the same again is no other look.

    Args:
        chances: what was looked at, in order, and what it leaves to chance.
    """
    found: dict[Pair, Look] = {}
    out = 0
    for pair, chance in chances:
        if pair in found:
            continue
        number = len(found) + 1
        look = Look(number, level_of_batch(number, tests=1, found_before=out, alpha=ALPHA), chance)
        found[pair] = look
        out += look.stands_out
    return found
