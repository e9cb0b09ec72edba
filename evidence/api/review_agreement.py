"""How the reviewers of a system agree, for whoever may read their reviews."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, known_reviews, principal_of, visible_to
from evidence.api.inputs import QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.models import ClaimJudgement, ReasonCode, Review, Scope
from evidence.problems import Problem
from evidence.selectors.review_agreement import NoNumber, agreement_of_reviewers
from evidence.vocabulary import choices_of


class ReviewAgreementQuery(QueryInput):
    """Whose reviews, and of which time."""

    system = serializers.CharField()
    period_from = serializers.DateTimeField(help_text="inclusive, of when a review was recorded")
    period_to = serializers.DateTimeField(help_text="exclusive")


class AgreementEstimateOut(serializers.Serializer[Any]):
    """A number with its interval: each bound is wrong with a chance of half of what `confidence` leaves."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    confidence = serializers.FloatField(help_text="Of both bounds together.")
    method = serializers.CharField()


class AgreementFigureOut(serializers.Serializer[Any]):
    """How people agree on one question."""

    n = serializers.IntegerField(help_text="Answers, or claims, that two or more people judged.")
    n_units = serializers.IntegerField(
        help_text="Independent ones among them: answers of one conversation are one."
    )
    share = AgreementEstimateOut(allow_null=True, help_text="Of pairs of judgements that are the same.")
    alpha = AgreementEstimateOut(
        allow_null=True, help_text="Krippendorff's, nominal: 1 is perfect, 0 is chance."
    )
    why = serializers.ChoiceField(
        choices=choices_of(NoNumber), allow_null=True, help_text="Why there is no alpha."
    )


class ReviewerPairOut(serializers.Serializer[Any]):
    """How two people agree on decisions."""

    people = serializers.ListField(
        child=serializers.CharField(), min_length=2, max_length=2,
        help_text="Actors; /api/v1/people says who they are.",
    )  # fmt: skip
    decisions = AgreementFigureOut()


class AgreedReasonOut(serializers.Serializer[Any]):
    """How people agree on whether a reason applies, against all else that they said."""

    reason_code = serializers.ChoiceField(choices=ReasonCode.choices)
    n_named = serializers.IntegerField(help_text="Judgements that name it.")
    named = AgreementFigureOut()


class CountedReviewsOut(serializers.Serializer[Any]):
    """What the figures are made of, and what they are not."""

    reviews = serializers.IntegerField()
    answers = serializers.IntegerField()
    judged_by_one = serializers.IntegerField(help_text="Answers of which nothing can be said.")
    second_awaited = serializers.IntegerField(help_text="Of those: two people were asked for.")
    earlier_revisions = serializers.IntegerField(
        help_text="Reviews of answers that a later revision replaced; not counted."
    )
    kept_from_reader = serializers.IntegerField(
        help_text="Answers that wait for whoever asks, and that colleagues judged; not counted."
    )


class ReviewAgreementOut(serializers.Serializer[Any]):
    """How the reviewers of a system agree over a period."""

    counted = CountedReviewsOut()
    decisions = AgreementFigureOut()
    pairs = ReviewerPairOut(many=True)
    reasons = AgreedReasonOut(many=True)
    claims = AgreementFigureOut()


class ReviewAgreementDetail(ScopedView):
    """Tell how reviewers agree. To a reviewer it counts nothing of an answer that waits for them."""

    scopes = {"GET": Scope.READ}
    queries = {"GET": ReviewAgreementQuery}

    @extend_schema(responses={200: ReviewAgreementOut, 404: Problem, 422: Problem})
    def get(self, request: Request) -> Response:
        principal = principal_of(request)
        found = agreement_of_reviewers(
            visible_to(Review.objects.all(), principal),
            visible_to(ClaimJudgement.objects.all(), principal),
            find_system(principal, self.query["system"]),
            self.query["period_from"],
            self.query["period_to"],
            known=known_reviews(principal),
        )
        return Response(ReviewAgreementOut(found).data)
