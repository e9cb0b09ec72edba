"""Attribute samples of a finite population: how many to look at, and what the exceptions among them bound.

Exceptions among answers drawn without replacement are hypergeometric. All is computed in whole numbers, so that two
machines never differ about a sample's size, and a bound is the bound and not nearly so.
"""

from __future__ import annotations

import math
from fractions import Fraction


def smallest_sample(population: int, *, tolerable: Fraction, confidence: Fraction, expected: int = 0) -> int:
    """Return how many to draw so that no more than the expected exceptions show that the rate is tolerable.

    It is the smallest n at which so few exceptions would be found with a chance of at most 1 - confidence, were there
    just more in the population than is tolerable. All of it where no smaller sample can show that.

    Args:
        tolerable: rate, in (0, 1).
        confidence: of the one bound, in (0, 1).
        expected: exceptions that may be found.
    """
    too_many = math.floor(tolerable * population) + 1
    if expected >= too_many:
        return population
    risk = 1 - confidence
    below, enough = expected, 1 + 2 * expected
    while enough < population and not _is_unlikely(population, too_many, enough, expected, risk):
        below, enough = enough, 2 * enough
    enough = min(enough, population)
    while enough - below > 1:
        middle = (below + enough) // 2
        if _is_unlikely(population, too_many, middle, expected, risk):
            enough = middle
        else:
            below = middle
    return enough


def is_enough(
    population: int, sample: int, *, tolerable: Fraction, confidence: Fraction, expected: int = 0
) -> bool:
    """Whether no more than the expected exceptions in such a sample show that the rate is tolerable.

    Args:
        tolerable, confidence, expected: as `smallest_sample` has them.
    """
    too_many = math.floor(tolerable * population) + 1
    return expected < min(sample, too_many) and _is_unlikely(
        population, too_many, sample, expected, 1 - confidence
    )


def upper_bound(population: int, sample: int, exceptions: int, *, confidence: Fraction) -> int:
    """Return how many exceptions the population has at most, one-sided: exact, by inverting the hypergeometric.

    Raises:
        ValueError: there are more exceptions than answers drawn, or more drawn than there are.
    """
    if not 0 <= exceptions <= sample <= population:
        raise ValueError(f"{exceptions} exceptions in a sample of {sample} out of {population}")
    possible, too_many = exceptions, population - (sample - exceptions) + 1
    while too_many - possible > 1:
        middle = (possible + too_many) // 2
        if _is_unlikely(population, middle, sample, exceptions, 1 - confidence):
            too_many = middle
        else:
            possible = middle
    return possible


def _is_unlikely(population: int, bad: int, sample: int, found: int, risk: Fraction) -> bool:
    """Whether so few exceptions, or fewer, are found with a chance of at most `risk` where there are `bad` of them."""
    good = population - bad
    fewest = max(0, sample - good)
    if found < fewest:
        return True
    ways = math.comb(bad, fewest) * math.comb(good, sample - fewest)
    total = ways
    for i in range(fewest, min(found, bad, sample)):
        ways = ways * (bad - i) * (sample - i) // ((i + 1) * (good - sample + i + 1))
        total += ways
    return total * risk.denominator <= risk.numerator * math.comb(population, sample)
