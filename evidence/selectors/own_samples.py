"""Answers that somebody draws to look at themselves, from a seed of their own. Nothing of it is stored.

The order is that of a sampling plan's draw (`evals.corrected.drawn_order`), worked out where the answers are: by the
SHA-256 of the seed, a line break and the answer's id. Whoever has seed and ids draws the same again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from django.conf import settings
from django.db.models import BinaryField, Func, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat, Replace

from evidence.errors import InvalidInput
from evidence.models import Trace
from evidence.selectors.revisions import is_superseded
from evidence.statistics.attributes import upper_bound
from evidence.worded import worded

MOST_DRAWN: Final = 200  # answers, as one person looks at in days
LONGEST_SEED: Final = 200  # characters
CONFIDENCE: Final = Fraction(95, 100)  # of the one bound


@dataclass(frozen=True, slots=True)
class OwnSample:
    """What was drawn from how many."""

    population: int  # answers
    drawn: Sequence[Any]  # in the order in which they were drawn, each with its `answer_id`

    @property
    def most_if_none(self) -> int:
        """How many of the population are wrong at most, at `CONFIDENCE`, where none of the sample is."""
        return upper_bound(self.population, len(self.drawn), 0, confidence=CONFIDENCE)


def draw_own_sample(rows: QuerySet[Trace], *, seed: str, n: int) -> OwnSample:
    """Return n answers of these, or all where there are fewer: the newest revision of each.

    Raises:
        InvalidInput: nothing or too much would be drawn, there is no seed, or there are more answers than
            TRACEBINDER_SAMPLING_MAX_ANSWERS.
    """
    if not 1 <= n <= MOST_DRAWN:
        raise InvalidInput(worded("Draw between 1 and %(most)s answers.", most=MOST_DRAWN))
    if not seed or len(seed) > LONGEST_SEED:
        raise InvalidInput(
            worded(
                "A seed has between 1 and %(most)s characters. Choose it before you see any answer.",
                most=LONGEST_SEED,
            )
        )
    current = rows.filter(~is_superseded()).order_by()
    population = current.values("pk")[: settings.SAMPLING_MAX_ANSWERS + 1].count()
    if population > settings.SAMPLING_MAX_ANSWERS:
        raise InvalidInput(
            worded(
                "These days have more than %(most)s answers: draw from fewer days at a time.",
                most=f"{settings.SAMPLING_MAX_ANSWERS:,}",
            )
        )
    return OwnSample(population, list(_in_drawn_order(current, seed)[:n]))


def _in_drawn_order(rows: QuerySet[Trace], seed: str) -> QuerySet[Any]:
    text = TextField()
    digits = Replace(Cast("trace_id", text), Value("-"), Value(""), output_field=text)
    named: QuerySet[Any] = rows.annotate(
        answer_id=Concat(digits, Value("/"), Cast("revision", text), output_field=text)
    )
    told = Concat(Value(f"{seed}\n"), "answer_id", output_field=text)
    octets = Func(told, Value("UTF8"), function="convert_to", output_field=BinaryField())
    place = Func(octets, function="sha256", output_field=BinaryField())
    return named.order_by(place)
