"""A requirement's status, worked out again: what is more favourable than its numbers is refused."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Final

from tracebinder.verify.bag import Bag
from tracebinder.verify.errors import BinderFailedError, BinderMalformedError, VerifyError
from tracebinder.verify.strict_json import JsonObject, objects_at, text_at

# The bound that must hold, and how: at least -> the lower bound of the interval, at most -> the upper one.
_COMPARISONS: Final[dict[str, tuple[str, Callable[[float, float], bool]]]] = {
    "at_least": ("low", operator.ge),
    "at_most": ("high", operator.le),
}
_INTERPRETABILITY: Final = "interpretability/"


def check_requirement(
    requirement: JsonObject, bag: Bag, as_of: datetime, *, member: str
) -> list[VerifyError]:
    """Return what does not follow: a criterion from its numbers, or the status from its criteria.

    Raises:
        BinderMalformedError: the document lacks what a requirement must have.
    """
    problems: list[VerifyError] = []
    criteria = objects_at(requirement, "criteria", member=member)
    for criterion in criteria:
        try:
            _check_references(criterion, bag, member=member)
            _check_criterion(criterion, member=member)
        except VerifyError as exc:
            problems.append(exc)
    expected = expected_status(requirement, as_of, member=member)
    status = text_at(requirement, "status", member=member)
    if status != expected:
        problems.append(
            BinderFailedError(f"its status is {status}, but follows as {expected}", member=member)
        )
    return problems


def expected_status(requirement: JsonObject, as_of: datetime, *, member: str) -> str:
    """Return the status that follows from the verdicts and from the waivers in force at `as_of`."""
    criteria = objects_at(requirement, "criteria", member=member)
    verdicts = [text_at(criterion, "verdict", member=member) for criterion in criteria]
    if verdicts and set(verdicts) == {"met"}:
        return "satisfied"
    if any(
        _in_force(waiver, as_of, member=member)
        for waiver in objects_at(requirement, "waivers", member=member)
    ):
        return "waived"
    if "not_met" in verdicts:
        return "notSatisfied"
    if set(verdicts) <= {"not_assessed"}:
        return "notAssessed"
    return "partial"


def _in_force(waiver: JsonObject, as_of: datetime, *, member: str) -> bool:
    expires = text_at(waiver, "expiresAt", member=member)
    try:
        return datetime.fromisoformat(expires) > as_of
    except (ValueError, TypeError) as exc:
        raise BinderMalformedError(f"not a time with a zone: {expires[:40]!r}", member=member) from exc


def _check_references(criterion: JsonObject, bag: Bag, *, member: str) -> None:
    references = criterion.get("evidence", [])
    if not isinstance(references, list):
        raise BinderMalformedError("'evidence' must be a list of paths", member=member)
    for reference in references:
        if f"data/{reference}" not in bag.digests:
            raise BinderFailedError(f"refers to {reference!r}, which is not in the binder", member=member)
    only_inside = references and all(str(reference).startswith(_INTERPRETABILITY) for reference in references)
    if criterion.get("verdict") == "met" and only_inside:
        raise BinderFailedError("a criterion is met by interpretability findings alone", member=member)


def _check_criterion(criterion: JsonObject, *, member: str) -> None:
    """Check that a criterion said to be met is, on the unfavourable bound of its interval."""
    if text_at(criterion, "verdict", member=member) != "met":
        return
    key = text_at(criterion, "key", member=member)
    comparison = _COMPARISONS.get(text_at(criterion, "comparator", member=member))
    if comparison is None:
        raise BinderFailedError(f"criterion {key!r} has an unknown comparator", member=member)
    bound_name, holds = comparison
    threshold = _number(criterion, "threshold")
    bound = _number(criterion, bound_name)
    bound = _number(criterion, "value") if bound is None else bound
    n, needed = _number(criterion, "n"), _number(criterion, "minN") or 0.0
    if bound is None or threshold is None or n is None or n < needed or not holds(bound, threshold):
        raise BinderFailedError(
            f"criterion {key!r} is said to be met, but its numbers do not say so", member=member
        )


def _number(value: JsonObject, key: str) -> float | None:
    found = value.get(key)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
