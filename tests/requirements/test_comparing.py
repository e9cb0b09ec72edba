"""What two wordings of a requirement differ in, as a file would have it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from requirements.comparing import changes_between
from requirements.drafts import CriterionDraft, RequirementDraft
from tests.requirements.test_editorial import CRITERION as FIRST
from tests.requirements.test_editorial import changed

SECOND = replace(FIRST, key="second", max_age_days=None)


def told(before: RequirementDraft, after: RequirementDraft) -> dict[str, tuple[str, str]]:
    return {change.path: (change.was, change.now) for change in changes_between(before, after)}


def with_criteria(*criteria: CriterionDraft) -> RequirementDraft:
    return changed(criteria=criteria)


def test_a_criterion_that_comes_or_goes_is_told_by_its_fields_and_not_by_an_order() -> None:
    came = told(with_criteria(FIRST), with_criteria(FIRST, SECOND))
    assert came["criteria.second.check"] == ("–", FIRST.check)
    assert "criteria" not in came
    assert "criteria.second.max_age_days" not in came, "nothing is there before, and nothing after"
    went = told(with_criteria(FIRST, SECOND), with_criteria(FIRST))
    assert went["criteria.second.check"] == (FIRST.check, "–")
    assert "criteria" not in went


def test_another_order_is_told_also_where_a_criterion_came() -> None:
    third = replace(FIRST, key="third")
    assert "criteria" in told(with_criteria(FIRST, SECOND), with_criteria(SECOND, FIRST, third))
    assert told(with_criteria(FIRST, SECOND), with_criteria(SECOND, FIRST)) == {
        "criteria": (f'["{FIRST.key}", "second"]', f'["second", "{FIRST.key}"]')
    }


@pytest.mark.parametrize(
    ("field", "was", "now", "said"),
    [
        ("slices", (), ({"language": "en"},), ("[]", '[{"language": "en"}]')),
        ("max_age_days", 90, None, ("90", "–")),
        ("parameters", {"strict": 1}, {"strict": True}, ("1", "true")),
    ],
)
def test_a_value_is_told_as_a_file_has_it(field: str, was: Any, now: Any, said: tuple[str, str]) -> None:
    found = told(with_criteria(replace(FIRST, **{field: was})), with_criteria(replace(FIRST, **{field: now})))
    assert list(found.values()) == [said]
