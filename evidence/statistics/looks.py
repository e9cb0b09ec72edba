"""How sure a look has to be of itself, when there are others at the same question.

Whoever runs a suite again until it passes will see it pass: five runs at 5 % each make up to 23 %. So the looks at a
question are counted, and share the alpha that was promised for all of them.

The planned number of runs is said beforehand, and each gets an equal part of alpha (Bonferroni). This holds however
the runs depend on each other; re-runs of one suite share their items, and nobody knows how alike two runs are. Spending
functions (Lan and DeMets) and Pocock's constants need that known. A run beyond the plan is insufficient by rule, until
somebody approves a further plan, with an alpha of its own that then is said beside. An interval that holds at all looks
together (`sequences`, of production traces) needs no plan, and none of its looks is counted here.

A question is a criterion's content and the pinned digests of what it is asked about. Names are no part of it: renaming
a release does not make its looks undone. The same evidence again is the same look: asked twice, it answers twice the
same and costs nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evidence.digests import digest_of, parse_digest


class LookState(enum.StrEnum):
    """What a look is, among those at its question."""

    PLANNED = "planned"
    REPEATED = "repeated"  # the same evidence as an earlier look
    BEYOND_PLAN = "beyond_plan"  # insufficient by rule until a further plan is approved


@dataclass(frozen=True, slots=True)
class LookPlan:
    """How many looks somebody approved beforehand, and what they share."""

    looks: int  # at least 1
    alpha: float  # chance of a false pass in all of them together, in (0, 0.5)

    def __post_init__(self) -> None:
        if self.looks < 1:
            raise ValueError(f"a plan is of one look or more, not {self.looks}")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha must lie between 0 and 0.5, not {self.alpha}")

    @property
    def share(self) -> float:
        """Alpha of each look's bound on one side."""
        return self.alpha / self.looks


@dataclass(frozen=True, slots=True)
class Look:
    """One decision, as far as counting goes."""

    question: str  # of `question_digest`
    evidence: str  # of `evidence_digest`


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a look may spend."""

    state: LookState
    number: int  # 1 for the first look at the question; a repeated one has the number of the look it repeats
    planned: int  # looks of all plans so far
    alpha: float | None  # of this look's bound on one side; None beyond the plan
    spent: float  # alpha of all looks up to this number together


def question_digest(criterion: Mapping[str, object], pins: Collection[str]) -> str:
    """Return what tells looks at one question from looks at another.

    Args:
        criterion: what is asked, as data: metric, threshold, direction, slice. Not its key, nor the plan.
        pins: digests of what it is asked about: model, prompt, index, policy, tools, dataset, evaluator. In any order.

    Raises:
        DigestError: the criterion is not JSON, or a pin is no digest.
        ValueError: no pins: all releases would share one count.
    """
    if not pins:
        raise ValueError("a question without pinned digests is about nothing in particular")
    return digest_of({"criterion": dict(criterion), "pins": sorted({parse_digest(pin) for pin in pins})})


def evidence_digest(runs: Collection[str]) -> str:
    """Return what tells one look's evidence from another's, from the digests of the runs it used, in any order.

    Raises:
        DigestError: an entry is no digest.
    """
    return digest_of(sorted({parse_digest(run) for run in runs}))


def allow_look(plans: Sequence[LookPlan], earlier: Sequence[Look], look: Look) -> Allowance:
    """Return what a look may spend.

    Args:
        plans: those approved for the question, in their order; the first is the criterion's own. The looks of the
            second begin where those of the first end.
        earlier: looks before this one, in their order; those at other questions are passed over.

    Raises:
        ValueError: no plan.
    """
    if not plans:
        raise ValueError("looks are counted against a plan, and there is none")
    seen = list(dict.fromkeys(each.evidence for each in earlier if each.question == look.question))
    repeated = look.evidence in seen
    number = seen.index(look.evidence) + 1 if repeated else len(seen) + 1
    shares = [plan.share for plan in plans for _ in range(plan.looks)]
    if number > len(shares):
        return Allowance(LookState.BEYOND_PLAN, number, len(shares), None, sum(plan.alpha for plan in plans))
    state = LookState.REPEATED if repeated else LookState.PLANNED
    return Allowance(state, number, len(shares), shares[number - 1], sum(shares[:number]))
