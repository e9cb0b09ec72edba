"""Which answers of a period people judge, so that nobody can pick them. Free of Django.

A plan is put on record, the period ends, the answers of it are frozen and logged, and the first checkpoint that covers
that event gives the seed. From plan, list and checkpoint anybody draws the same answers again: `tracebinder redraw`
does so with code of its own (docs/reference/sampling.md is the specification of both).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final

from evidence.digests import canonical_json, digest_of
from evidence.evals.corrected import drawn_order

PLAN_FORMAT: Final = "tracebinder.sampling-plan/1"
POPULATION_FORMAT: Final = "tracebinder.sampling-population/1"
DRAW_FORMAT: Final = "tracebinder.sample-draw/1"
FILE_FORMAT: Final = "tracebinder.sample/1"
_SEED_DOMAIN: Final = "tracebinder.sampling-seed/1"
MOST_STRATA: Final = (
    20  # values that senders choose, languages above all, must not make every answer a stratum
)
OTHERS: Final = "(others)"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a frozen population."""

    id: str  # trace id in 32 hexadecimal characters, "/", revision
    digest: str  # of the trace
    stratum: str  # empty where there are no strata, or the answer says nothing of what they go by


@dataclass(frozen=True, slots=True)
class Drawn:
    """One answer of a sample."""

    id: str
    stratum: str
    of_whole: bool  # among the n drawn from all; otherwise drawn besides, so that its stratum has enough

    def as_list(self) -> list[object]:
        """Return it as the draw's document has it."""
        return [self.id, self.stratum, self.of_whole]


def text_of_rate(rate: Decimal) -> str:
    """Return a rate in the one text that digests know: no exponent, no zeros at the end."""
    return format(rate.normalize(), "f")


def plan_document(
    *,
    system: str,
    period: tuple[datetime, datetime],
    release: str,
    risk_tier: str,
    strata_field: str,
    fewest_of_each: int,
    rates: tuple[Decimal, Decimal],
    expected_exceptions: int,
    made_by: str,
) -> dict[str, object]:
    """Return what a plan says, as it is digested.

    Args:
        release: digest of its manifest; empty: all.
        rates: the tolerable rate, and the confidence of the one bound.
    """
    return {
        "format": PLAN_FORMAT,
        "system": system,
        "period_from": period[0].isoformat(),
        "period_to": period[1].isoformat(),
        "release": release,
        "risk_tier": risk_tier,
        "strata_field": strata_field,
        "fewest_of_each": fewest_of_each,
        "tolerable_rate": text_of_rate(rates[0]),
        "confidence": text_of_rate(rates[1]),
        "expected_exceptions": expected_exceptions,
        "made_by": made_by,
    }


def merge_small(strata: Mapping[str, str]) -> dict[str, str]:
    """Return strata by answer, the smallest as one where there are more than `MOST_STRATA`."""
    sizes = Counter(strata.values())
    if len(sizes) <= MOST_STRATA:
        return dict(strata)
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[: MOST_STRATA - 1]
    return {answer: name if name in largest else OTHERS for answer, name in strata.items()}


def population_bytes(plan_digest: str, answers: Iterable[Answer]) -> bytes:
    """Return the list that is frozen, as it is kept and digested: answers by id."""
    rows = [[answer.id, answer.digest, answer.stratum] for answer in sorted(answers, key=lambda one: one.id)]
    return canonical_json({"format": POPULATION_FORMAT, "plan": plan_digest, "answers": rows})


def describe_strata(answers: Sequence[Answer]) -> list[dict[str, object]]:
    """Return name, size and digest of each stratum, by name."""
    by_name: dict[str, list[list[str]]] = {}
    for answer in sorted(answers, key=lambda one: one.id):
        by_name.setdefault(answer.stratum, []).append([answer.id, answer.digest])
    return [
        {"name": name, "size": len(rows), "digest": digest_of(rows)} for name, rows in sorted(by_name.items())
    ]


def seed_of(*, plan_digest: str, population_digest: str, root: bytes) -> str:
    """Return the seed that a checkpoint's root gives a plan and its population, hexadecimal."""
    told = f"{_SEED_DOMAIN}\n{plan_digest}\n{population_digest}\n{root.hex()}\n"
    return sha256(told.encode()).hexdigest()


def draw(seed: str, strata: Mapping[str, str], *, n: int, fewest_of_each: int) -> list[Drawn]:
    """Return the sample, in the order in which it is drawn.

    The first n of one order of all answers are a simple random sample of all, whatever the strata. Where it holds too
    few of a stratum, the next of that stratum in the same order are drawn besides; those say something of their
    stratum alone.

    Args:
        strata: the stratum of each answer, by id.
        fewest_of_each: of each stratum, or all that it has.
    """
    order = drawn_order(seed, strata)
    whole = set(order[:n])
    held = Counter(strata[answer] for answer in whole)
    sample = []
    for answer in order:
        stratum = strata[answer]
        if answer in whole:
            sample.append(Drawn(answer, stratum, of_whole=True))
        elif held[stratum] < fewest_of_each:
            held[stratum] += 1
            sample.append(Drawn(answer, stratum, of_whole=False))
    return sample


def draw_document(
    *, population_digest: str, size: int, root: bytes, seed: str, n: int, drawn: Iterable[Drawn]
) -> dict[str, object]:
    """Return what a draw says, as it is digested.

    Args:
        size, root: of the checkpoint.
        n: drawn from all.
    """
    return {
        "format": DRAW_FORMAT,
        "population": population_digest,
        "checkpoint": {"size": size, "root": root.hex()},
        "seed": seed,
        "n": n,
        "drawn": [each.as_list() for each in drawn],
    }
