"""How stored assessments stand at a time: what each came to, and whether that is recent."""

from __future__ import annotations

from datetime import datetime

from evidence.vocabulary import CriterionVerdict
from requirements.drafts import Comparator
from requirements.freshness import Recency, judge_whatever_its_age, standing_of
from requirements.models import Assessment


def standing(assessment: Assessment, at: datetime) -> Recency:
    """Return verdict and freshness of an assessment at a time, apart. Its inputs are read only where it is stale."""
    criterion, verdict = assessment.criterion, CriterionVerdict(assessment.verdict)
    whatever_its_age = (
        judge_whatever_its_age(
            verdict,
            assessment.inputs.get("measured", []),
            comparator=Comparator(criterion.comparator),
            threshold=criterion.threshold,
            min_n=criterion.min_n,
        )
        if verdict is CriterionVerdict.STALE
        else verdict
    )
    return standing_of(
        verdict,
        whatever_its_age=whatever_its_age,
        observed_to=assessment.observed_to,
        max_age_days=criterion.max_age_days,
        judged_at=assessment.as_of,
        at=at,
    )
