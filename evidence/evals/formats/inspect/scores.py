"""The value of one score of Inspect: letters, yes and no, numbers, lists and objects of them. NaN means unscored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from evidence.evals.contracts import SampleScore, ScoreStatus

# inspect_ai's `value_to_float`. Of a text that it does not know it makes 0; here it is unscored.
_WORDS: Final = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_ANSWERS: Final = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_MOST_PARTS: Final = 100  # metrics that one value gives


def read_scores(name: str, value: object, explanation: str) -> Iterator[SampleScore]:
    """Yield the metrics of one score: one, or one for each part of a list or an object."""
    parts: Mapping[str, object]
    if isinstance(value, dict):
        parts = value
    elif isinstance(value, list):
        parts = {str(index): each for index, each in enumerate(value)}
    else:
        yield _score(name, value, explanation)
        return
    for key, part in list(parts.items())[:_MOST_PARTS]:
        yield _score(f"{name}/{key}", part, explanation)


def _score(name: str, value: object, explanation: str) -> SampleScore:
    number = read_value(value)
    if number is not None:
        return SampleScore(name, ScoreStatus.SCORED, number, explanation)
    told = "" if value is None or isinstance(value, float) else f"the value {str(value)[:100]!r} is no number"
    return SampleScore(name, ScoreStatus.UNSCORED, None, " ".join(filter(None, (told, explanation))))


def read_value(value: object) -> float | None:
    """Return the number that a value stands for; None where it stands for none."""
    if isinstance(value, str):
        if value in _WORDS:
            return _WORDS[value]
        if value.lower() in _ANSWERS:
            return _ANSWERS[value.lower()]
    elif not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
