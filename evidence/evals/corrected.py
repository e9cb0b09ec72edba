"""A metric that a judge gave, corrected by what people say of some of the same answers. Free of Django.

Which answers people label must depend neither on the judge's scores nor on what they would say, so it is drawn: the
answers of a run stand in an order that nobody chose, and labels count up to the first answer that has none. Whoever
picks answers instead of taking them in that order is not heard, rather than believed.

What has no score counts against either end, as everywhere: for the lower bound such an answer is one on which judge
and people say the worst, for the upper one the best. An answer of which a person cannot tell is taken likewise for what
people would have said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from evidence.statistics import Estimate
from evidence.statistics.judged import FEWEST_LABELS, Agreement, Judged, agreement_of, correct_judge
from evidence.statistics.numerics import nearest, outward

LOWEST, HIGHEST = 0.0, 1.0  # of the scores that can be corrected
_NOT_NAMED: Final = "answer that is missing "  # of one nobody knows the id of


@dataclass(frozen=True, slots=True)
class Answer:
    """One sample under a metric that a judge gave."""

    sample_id: str
    unit: str  # answers of one unit depend on each other
    judge: float | None  # None: it has no score
    labels: tuple[float | None, ...] = ()  # the newest of each person; None: they cannot tell

    @property
    def human(self) -> float | None:
        """The mean of what people say; None where nobody could tell."""
        said = [label for label in self.labels if label is not None]
        return math.fsum(said) / len(said) if said else None

    @property
    def is_paired(self) -> bool:
        """Whether both said something."""
        return self.judge is not None and self.human is not None


@dataclass(frozen=True, slots=True)
class Labelled:
    """The answers of a run in the order in which they are drawn, as far as people labelled them, and the rest."""

    counting: tuple[Answer, ...]  # each labelled, or without a score
    rest: tuple[Answer, ...]

    @property
    def pairs(self) -> list[Answer]:
        """The answers of which people and judge both say something."""
        return [answer for answer in self.counting if answer.is_paired]

    @property
    def n_units(self) -> int:
        """Independent units among the pairs."""
        return len({answer.unit for answer in self.pairs})

    @property
    def has_gaps(self) -> bool:
        """Whether an answer has no score, or nobody could tell of one that counts."""
        unscored = any(answer.judge is None for answer in (*self.counting, *self.rest))
        return unscored or any(answer.human is None for answer in self.counting)

    @property
    def n_out_of_order(self) -> int:
        """Labelled answers that do not count: one that is drawn before them has no label."""
        return sum(bool(answer.labels) for answer in self.rest)


def drawn_order(seed: str, sample_ids: Iterable[str]) -> list[str]:
    """Return ids in an order that is the same for everybody and that neither scores nor contents have a part in.

    Args:
        seed: what nobody chose once scores were known: `seed_of`.
    """
    return sorted(sample_ids, key=lambda sample_id: sha256(f"{seed}\n{sample_id}".encode()).digest())


def draw(seed: str, answers: Sequence[Answer], *, alone_missing: int = 0) -> list[Answer]:
    """Return the answers of a run in the order in which they are drawn.

    Args:
        alone_missing: missing answers of which nobody knows the id; they are drawn among the others.
    """
    lost = [f"{_NOT_NAMED}{k}" for k in range(alone_missing)]
    by_id = {name: Answer(name, name, None) for name in lost} | {each.sample_id: each for each in answers}
    return [by_id[name] for name in drawn_order(seed, by_id)]


def take_labels(drawn: Sequence[Answer], said: Mapping[str, Mapping[str, float | None]]) -> Labelled:
    """Return what people's labels make of answers, up to the first that has a score and no label.

    Args:
        said: the newest label of each person by answer.
    """
    counting: list[Answer] = []
    for answer in drawn:
        if answer.judge is not None and answer.sample_id not in said:
            break
        counting.append(_with_labels(answer, said))
    return Labelled(tuple(counting), tuple(_with_labels(each, said) for each in drawn[len(counting) :]))


def _with_labels(answer: Answer, said: Mapping[str, Mapping[str, float | None]]) -> Answer:
    labels = said.get(answer.sample_id)
    return replace(answer, labels=tuple(labels.values())) if labels else answer


def estimate_corrected(labelled: Labelled, confidence: float) -> Estimate | None:
    """Return what people would say of all answers; None where fewer than `FEWEST_LABELS` units are labelled.

    Its `n` is that of the scores; its units are those that people labelled.
    """
    if labelled.n_units < FEWEST_LABELS:
        return None
    fills = (None, LOWEST, HIGHEST) if labelled.has_gaps else (None,)
    found = [
        correct_judge(list(_items(labelled, fill)), confidence, lowest=LOWEST, highest=HIGHEST).estimate
        for fill in fills
    ]
    seen, worst, best = found if labelled.has_gaps else found * 3
    if seen is None or worst is None or best is None:  # not with as many labels
        return None
    value = nearest(seen.value)
    low, high = outward(
        min(worst.low or LOWEST, value), max(HIGHEST if best.high is None else best.high, value)
    )
    answers = (*labelled.counting, *labelled.rest)
    return replace(
        seen,
        value=value,
        n=sum(answer.judge is not None for answer in answers),
        n_units=labelled.n_units,
        n_effective=labelled.n_units,
        stderr=nearest(seen.stderr or 0.0),
        low=low,
        high=high,
        worst=nearest(worst.value),
        best=nearest(best.value),
    )


def agreement_with(labelled: Labelled, confidence: float) -> Agreement | None:
    """Return how judge and people agree on what both said something of; None where there is nothing."""
    pairs = [(answer.human or 0.0, answer.judge or 0.0) for answer in labelled.pairs]
    return agreement_of(pairs, confidence, clusters=[answer.unit for answer in labelled.pairs])


def _items(labelled: Labelled, fill: float | None) -> Iterator[Judged]:
    """Yield answers for the correction.

    Args:
        fill: what is taken for what is missing; None: it is left out.
    """
    for answer in labelled.counting:
        judge = fill if answer.judge is None else answer.judge
        human = fill if answer.judge is None or answer.human is None else answer.human
        if judge is not None and human is not None:
            yield Judged(judge, human, answer.unit)
    for answer in labelled.rest:
        judge = fill if answer.judge is None else answer.judge
        if judge is not None:
            yield Judged(judge, None, answer.unit)
