"""How large and how long what an author writes may be: asked at entry, whatever the door. Free of Django.

Each number ends below what a date, a PostgreSQL column or a sum of hours can hold, so that what was stored can be
counted with. Versions from before may hold more: whoever counts with them takes `hours_of`, and of days
`requirements.freshness.oldest_allowed`; a threshold beyond them is judged by nothing (`fault_in_threshold`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

MOST_DAYS: Final = 36_500  # a hundred years: of an age, or between two reviews
MOST_HOURS: Final = 87_600  # ten years: within which something is done
MOST_N: Final = 1_000_000_000  # observations that a criterion may ask for
LARGEST_THRESHOLD: Final = (
    1e15  # on either side of 0, in whatever unit: larger is not told apart by a double's digits
)
MOST_STATEMENT: Final = 5_000  # characters of a statement in one language
MOST_RATIONALE: Final = 20_000  # characters
MOST_TEXT: Final = 200  # characters of a name: an owner, an identifier of another tool
MOST_KEY: Final = 100  # characters
MOST_UNIT: Final = 32  # characters
MOST_WORD: Final = 500  # characters of a text in the parameters of a check, and of a slice's value


def fault_in_threshold(threshold: float, unit: str) -> str | None:
    """Say what is wrong with a stored threshold, None where nothing is: one of before may be beyond all bounds."""
    if unit == "share" and not 0 <= threshold <= 1:
        return f"threshold: a share lies between 0 and 1, and {threshold:g} does not"
    if not abs(threshold) <= LARGEST_THRESHOLD:  # nor is what is no number
        return f"threshold: {threshold:g} is beyond {LARGEST_THRESHOLD:g} on either side of 0"
    return None


def hours_of(hours: float) -> timedelta:
    """Return a time of so many hours: none where it is below 0, `MOST_HOURS` where it is longer."""
    return timedelta(hours=min(max(hours, 0.0), MOST_HOURS))
