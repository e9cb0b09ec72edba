"""A requirement's status, worked out again: what is more favourable than its numbers is refused."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Final

from tracebinder.verify.bag import Bag
from tracebinder.verify.errors import BinderFailed, BinderMalformed, VerifyError
from tracebinder.verify.strict_json import (
    JsonObject,
    objects_at,
    same_json,
    text_at,
    texts_at,
    time_at,
)

# The bound that must hold, and how: at least -> the lower bound of the interval, at most -> the upper one.
_COMPARISONS: Final[dict[str, tuple[str, Callable[[float, float], bool]]]] = {
    "at_least": ("low", operator.ge),
    "at_most": ("high", operator.le),
}
_INTERPRETABILITY: Final = "interpretability/"
_DAY: Final = 86_400  # seconds
_FIRST_INEXACT: Final = 2**53  # integers from here on are not the same number to every reader


def check_requirement(
    requirement: JsonObject, bag: Bag, as_of: datetime, *, member: str
) -> list[VerifyError]:
    """Return what does not follow: a criterion from its numbers, or the status from its criteria.

    Raises:
        BinderMalformed: the document lacks what a requirement must have.
    """
    problems: list[VerifyError] = []
    criteria = objects_at(requirement, "criteria", member=member)
    for criterion in criteria:
        try:
            _check_references(criterion, bag, member=member)
            _check_missing(criterion, member=member)
            _check_criterion(criterion, as_of, member=member)
        except VerifyError as exc:
            problems.append(exc)
    expected = expected_status(requirement, as_of, member=member)
    status = text_at(requirement, "status", member=member)
    if status != expected:
        problems.append(BinderFailed(f"its status is {status}, but follows as {expected}", member=member))
    return problems


def expected_status(requirement: JsonObject, as_of: datetime, *, member: str) -> str:
    """Return the status that follows from the verdicts and from the waivers in force at `as_of`."""
    criteria = objects_at(requirement, "criteria", member=member)
    verdicts = {text_at(x, "key", member=member): text_at(x, "verdict", member=member) for x in criteria}
    if len(verdicts) != len(criteria):
        raise BinderMalformed("two criteria have the same key", member=member)
    unmet = {key for key, verdict in verdicts.items() if verdict != "met"}
    if text_at(requirement, "state", member=member) != "approved":
        return "notAssessed"
    if verdicts and not unmet:
        return "satisfied"
    waivers = objects_at(requirement, "waivers", member=member)
    waived = {
        text_at(waiver, "criterion", member=member)
        for waiver in waivers
        if time_at(waiver, "expiresAt", member=member) > as_of
    }
    if unmet and unmet <= waived:
        return "waived"
    if "not_met" in verdicts.values():
        return "notSatisfied"
    return "notAssessed" if set(verdicts.values()) <= {"not_assessed"} else "partial"


def _check_references(criterion: JsonObject, bag: Bag, *, member: str) -> None:
    references = texts_at(criterion, "evidence", member=member) if "evidence" in criterion else []
    for reference in references:
        if f"data/{reference}" not in bag.digests:
            raise BinderFailed(f"refers to {reference!r}, which is not in the binder", member=member)
    only_inside = references and all(path.startswith(_INTERPRETABILITY) for path in references)
    if criterion.get("verdict") == "met" and only_inside:
        raise BinderFailed("a criterion is met by interpretability findings alone", member=member)


def _check_missing(criterion: JsonObject, *, member: str) -> None:
    """Check that as many are said to be missing, of the whole and of each slice, as the inputs of the verdict name."""
    inputs = criterion.get("inputs")
    parts = inputs.get("measured") if isinstance(inputs, dict) else None
    if not isinstance(parts, list):
        return
    slices = objects_at(criterion, "sliceResults", member=member) if "sliceResults" in criterion else []
    for told, part in zip((criterion, *slices), parts, strict=False):
        if not same_json(told.get("missing", 0), _count_missing(part)):
            key = text_at(criterion, "key", member=member)
            raise BinderFailed(
                f"criterion {key!r} says another number missing than its inputs do", member=member
            )


def _count_missing(part: object) -> int:
    """Return how many the inputs of a measurement name as missing: traces set aside, or samples without a value."""
    for name in ("recent", "inputs"):
        part = part.get(name) if isinstance(part, dict) else None
    named = [part.get(name) for name in ("set_aside", "missing")] if isinstance(part, dict) else []
    return sum(n for counts in named if isinstance(counts, dict) for n in counts.values() if type(n) is int)


def _check_criterion(criterion: JsonObject, as_of: datetime, *, member: str) -> None:
    """Check that a criterion said to be met is: as a whole, in every slice it names, and recently enough."""
    if text_at(criterion, "verdict", member=member) != "met":
        return
    key = text_at(criterion, "key", member=member)
    if text_at(criterion, "comparator", member=member) not in _COMPARISONS:
        raise BinderFailed(f"criterion {key!r} has an unknown comparator", member=member)
    for measured in (criterion, *_slice_results(criterion, member=member)):
        if not _reaches(measured, criterion):
            raise BinderFailed(f"criterion {key!r} is said to be met, against its numbers", member=member)
    age = _number(criterion, "maxAgeDays")
    if age is None:
        return
    if (as_of - time_at(criterion, "observedTo", member=member)).total_seconds() > age * _DAY:
        raise BinderFailed(
            f"criterion {key!r} is said to be met, but was measured too long ago", member=member
        )


def _slice_results(criterion: JsonObject, *, member: str) -> list[JsonObject]:
    """Return the measurement of each slice that the criterion names."""
    wanted, results = (
        objects_at(criterion, name, member=member) if name in criterion else []
        for name in ("slices", "sliceResults")
    )
    if not same_json([result.get("where") for result in results], wanted):
        raise BinderFailed("a slice that the criterion names was not measured", member=member)
    return results


def _reaches(measured: JsonObject, criterion: JsonObject) -> bool:
    """Say whether there were enough observations, and their unfavourable bound reaches the threshold."""
    bound_name, holds = _COMPARISONS[str(criterion["comparator"])]
    threshold, needed = _number(criterion, "threshold"), _number(criterion, "minN")
    bound, n = _number(measured, bound_name), _number(measured, "n")
    missing = _number(measured, "missing") if "missing" in measured else 0
    if bound is None or threshold is None or n is None or needed is None or missing is None or missing < 0:
        return False
    return n - missing >= max(needed, 1) and holds(bound, threshold)


def _number(value: JsonObject, key: str) -> float | None:
    """Return a number that every reader takes for the same; None for what is none."""
    found = value.get(key)
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    return float(found) if isinstance(found, float) or abs(found) < _FIRST_INEXACT else None
