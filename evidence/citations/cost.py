"""What checking the citations of one trace may cost, told by counting characters and never by a clock.

So the same trace is judged alike by a fast machine and a busy one, today and when somebody tries again. The rates are
what one quiet 2-core machine took at worst, in nanoseconds: near enough to say a limit in seconds.
"""

from __future__ import annotations

from typing import Final

ALIGNMENT: Final = (
    0.02  # a character of the quote x quote x document; long quotes that are not there come close to it
)
NORMALISING: Final = (
    3_500  # a character, once for each document and trace, whether or not it is kept from before
)
SEARCHING: Final = 1  # a character of a document, twice: as written and normalised
CANDIDATE: Final = 10_000  # a document that is looked through, whatever its length
COMPARING: Final = 4_000  # a character of a quote and of a text, word by word; in Chinese each is a word
READING: Final = 3_000  # a character of an answer or claim, to tell claims and what is material


class CheckTooCostly(Exception):
    """The checks of one trace would take longer than is allowed for all of them."""


class CheckBudget:
    """What is left for the checks of one trace."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._left = seconds * 1e9  # nanoseconds
        self._normalised: set[tuple[str, str]] = set()

    def charge(self, nanoseconds: float) -> None:
        """Take off what a step is about to cost.

        Raises:
            CheckTooCostly: that is more than is left. What was checked before says nothing of the whole.
        """
        self._left -= nanoseconds
        if self._left < 0:
            raise CheckTooCostly(f"checking it takes more than the {self._seconds:g} s allowed for one trace")

    def charge_reading(self, characters: int) -> None:
        """Take off the reading of a text, as `charge` does."""
        self.charge(READING * characters)

    def charge_search(self, *, document: tuple[str, str], characters: int) -> None:
        """Take off the search through a document, named by its id and digest, for what stands there exactly."""
        self.charge(CANDIDATE + 2 * SEARCHING * characters)
        if document not in self._normalised:
            self._normalised.add(document)
            self.charge(NORMALISING * characters)

    def charge_alignment(self, *, quote: int, document: int) -> None:
        """Take off the search for the passage most like a quote; both in characters."""
        self.charge(ALIGNMENT * quote * quote * document)

    def charge_comparison(self, *, quote: int, text: int) -> None:
        """Take off the comparison of a quote with a text word by word; both in characters."""
        self.charge(COMPARING * (quote + text))
