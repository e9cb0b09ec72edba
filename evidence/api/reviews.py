"""Reviews by API: what the admin's form does, for those who work from elsewhere."""

from __future__ import annotations

from typing import Any, Final

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of, visible_to
from evidence.actors import actor_of_prefix, actor_of_user
from evidence.api.filtering import ByTokenFilter, FilterSet
from evidence.api.inputs import Input
from evidence.api.reading import ScopedList
from evidence.api.trace_ids import TraceIdField
from evidence.models import ClaimJudgement, GoldJudgement, ReasonCode, Review, Scope
from evidence.problems import Problem
from evidence.selectors.claim_judgements import with_claim_judgements
from evidence.selectors.review_tasks import with_revision
from evidence.selectors.revisions import find_revision
from evidence.services.gold_judgements import as_review, record_judgement

SENT_BY: Final = (
    "The token that its author made for themselves and sent it by; null: they had signed in. By a token the record "
    "says who answers for a judgement, and not that they read the answer."
)


class ClaimJudgementIn(Input):
    """What a reviewer says of one claim."""

    claim = serializers.IntegerField(min_value=0, max_value=2**31 - 1, help_text="The claim's ordinal.")
    judgement = serializers.ChoiceField(choices=ClaimJudgement.Judgement.choices)


class ClaimJudgementOut(serializers.ModelSerializer[ClaimJudgement]):
    """What a reviewer said of one claim."""

    claim = serializers.IntegerField(source="claim.ordinal", help_text="The claim's ordinal.")

    class Meta:
        model = ClaimJudgement
        fields = ["claim", "judgement"]


class ReviewIn(Input):
    """A judgement of a trace's current revision; whoever names the one they read is told where it has been replaced."""

    system = serializers.CharField()
    trace_id = TraceIdField()
    revision = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    decision = serializers.ChoiceField(choices=Review.Decision.choices)
    reason_code = serializers.ChoiceField(
        choices=ReasonCode.choices, required=False, default="", allow_blank=True
    )
    reason = serializers.CharField(
        max_length=30, required=False, default="", allow_blank=True,
        help_text="Of the system's own list (/api/v1/review-reasons); reason_code may be left out then.",
    )  # fmt: skip
    rationale = serializers.CharField(required=False, default="", allow_blank=True)
    corrected_answer = serializers.CharField(required=False, default="", allow_blank=True)
    claims = ClaimJudgementIn.listed(
        limit="TRACE_MAX_CLAIMS", required=False, default=list, help_text="Each claim once."
    )

    def validate_claims(self, claims: list[dict[str, Any]]) -> dict[int, str]:
        """Refuse a claim that is named twice."""
        judged = {told["claim"]: told["judgement"] for told in claims}
        if len(judged) < len(claims):
            raise serializers.ValidationError("A claim is judged once: one is named twice.")
        return judged


class ReviewOut(serializers.ModelSerializer[Review]):
    """A stored review."""

    trace_id = TraceIdField(source="task.trace.trace_id")
    revision = serializers.IntegerField(source="task.trace.revision")
    is_for_earlier_revision = serializers.BooleanField(
        help_text="Whether the answer has a later revision, of which this says nothing."
    )
    reviewer = serializers.SerializerMethodField(help_text="The actor; /api/v1/people says who that is.")
    by_token = serializers.SerializerMethodField(help_text=SENT_BY)
    claims = ClaimJudgementOut(source="claim_judgements", many=True, read_only=True)

    class Meta:
        model = Review
        fields = [
            "id", "trace_id", "revision", "is_for_earlier_revision", "reviewer", "by_token", "decision",
            "reason_code", "reason", "rationale", "corrected_answer", "claims", "machine_verdict", "created_at",
        ]  # fmt: skip

    def get_reviewer(self, review: Review) -> str:
        """Return who judged."""
        return actor_of_user(review.reviewer)

    def get_by_token(self, review: Review) -> str | None:
        """Return the token by which it came."""
        return actor_of_prefix(review.token_prefix)


class ReviewFilter(FilterSet):
    """Narrow a list of reviews; `by_token=false` are those of people who had signed in."""

    system = django_filters.CharFilter("task__system__key")
    release = django_filters.CharFilter("task__trace__release__name")
    by_token = ByTokenFilter("token_prefix")

    class Meta:
        model = Review
        fields = ["decision"]


class Reviews(ScopedList[Review]):
    """List reviews; record one, signed in or by a token that a reviewer made for themselves.

    A token that somebody else issued judges nothing, whatever its scopes: whoever issued it read it. A reviewer is not
    shown what colleagues said of an answer that waits for them.
    """

    scopes = {"GET": Scope.READ, "POST": Scope.REVIEW}
    queryset = with_claim_judgements(
        with_revision(Review.objects.select_related("task__trace", "reviewer__pseudonym"))
    )
    serializer_class = ReviewOut
    filterset_class = ReviewFilter

    @extend_schema(request=ReviewIn, responses={201: ReviewOut, 403: Problem, 409: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Record a review of the revision that was read, by default the newest."""
        data = ReviewIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = dict(data.validated_data), principal_of(request)
        system, trace_id = find_system(principal, values.pop("system")), values.pop("trace_id")
        trace = find_revision(system, trace_id, values.pop("revision", None))
        judged = record_judgement(principal=principal, trace=trace, **values)
        if isinstance(judged, GoldJudgement):
            return Response(ReviewOut(as_review(judged)).data, status=201)
        own = visible_to(Review.objects.filter(pk=judged.pk), principal)
        return Response(ReviewOut(with_revision(own).get()).data, status=201)
