"""What reviewers said of each claim, beside their reviews."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from evidence.models import ClaimJudgement, Review


def with_claim_judgements(reviews: QuerySet[Review]) -> QuerySet[Review]:
    """Load with each review what it says of claims, in the order of the answer; whoever sees the one sees the other."""
    in_order = ClaimJudgement.objects.select_related("claim").order_by("claim__ordinal")
    return reviews.prefetch_related(Prefetch("claim_judgements", in_order))
