"""How reviewers judged gold answers, each by themselves: the share that is right, where there are enough to say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from evidence.actors import actor_of_user
from evidence.models import GoldAnswer, GoldJudgement, System
from evidence.selectors.gold import current_gold
from evidence.statistics.intervals import Estimate
from evidence.statistics.ratings import FEWEST_UNITS
from evidence.statistics.shares import estimate_share
from evidence.statistics.units import Unit, tally


@dataclass(frozen=True, slots=True)
class GoldResult:
    """How one reviewer judged gold answers of a system."""

    reviewer: str  # actor
    n: int  # judged, of those that are gold now
    n_units: int  # independent ones: answers of one conversation are one
    share: Estimate | None  # that is right; None: fewer than `FEWEST_UNITS` units


@dataclass(frozen=True, slots=True)
class JudgedGold:
    """What a reviewer said of a gold answer, beside what is right of it."""

    judgement: GoldJudgement
    gold: GoldAnswer | None  # None: it is gold no more, and counts nowhere

    @property
    def is_right(self) -> bool:
        """Whether what they decided is among what is right."""
        return self.gold is not None and self.judgement.decision in self.gold.right


def results_in(system: System, judgements: QuerySet[GoldJudgement]) -> list[GoldResult]:
    """Return how each reviewer judged the gold answers of a system, by what is right of them now; by name of the actor.

    Args:
        judgements: those that whoever asks may read.
    """
    said: dict[User, list[tuple[Hashable, bool]]] = {}
    unit = Coalesce(F("task__trace__facts__conversation"), F("task__trace__trace_id"))
    rows = judgements.filter(task__system=system).annotate(unit=unit).select_related("reviewer__pseudonym")
    for each in judged_gold(rows.order_by("pk")):
        if each.gold is not None:
            told = (vars(each.judgement)["unit"], each.is_right)
            said.setdefault(each.judgement.reviewer, []).append(told)
    found = [_result(actor_of_user(reviewer), told) for reviewer, told in said.items()]
    return sorted(found, key=lambda result: result.reviewer)


def judged_gold(judgements: QuerySet[Any]) -> list[JudgedGold]:
    """Return judgements, each with what is right of its answer by now."""
    rows = list(judgements.select_related("task__system", "task__trace").defer("task__trace__exchanges"))
    gold = current_gold().filter(task__in={row.task_id for row in rows})
    by_task = {each.task_id: each for each in gold}
    return [JudgedGold(row, by_task.get(row.task_id)) for row in rows]


def _result(reviewer: str, said: Sequence[tuple[Hashable, bool]]) -> GoldResult:
    sizes = Counter(unit for unit, _ in said)
    right = Counter(unit for unit, is_right in said if is_right)
    units = tally(Unit(n, float(right[unit])) for unit, n in sizes.items())
    share = estimate_share(units) if len(sizes) >= FEWEST_UNITS else None
    return GoldResult(reviewer, len(said), len(sizes), share)
