"""What lists of traces, claims and spans can be narrowed by."""

from __future__ import annotations

from typing import cast

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict
from rest_framework.request import Request

from evidence.access import known_reviews, principal_of, visible_to
from evidence.api.filtering import (
    AmountFilter,
    FilterSet,
    MomentFilter,
    NumberFilter,
    RepeatedFilter,
    TruthFilter,
)
from evidence.api.trace_ids import TraceIdFilter
from evidence.api.traces.words import WordsFilter, period_asked_for, systems_asked_for
from evidence.models import (
    ArtefactVersion,
    Citation,
    Claim,
    Review,
    Span,
    Trace,
)
from evidence.selectors import spans, trace_words, traces
from evidence.selectors.traces import ReviewState


class TraceFilter(FilterSet):
    """Narrow a list of traces."""

    system = django_filters.CharFilter("system__key")
    trace_id = TraceIdFilter()
    user = django_filters.CharFilter(
        "user_ids", method="by_given_id", help_text="A user's id, whole, as the application sent it."
    )
    session = django_filters.CharFilter(
        "session_ids", method="by_given_id", help_text="A session's, likewise."
    )
    conversation = django_filters.CharFilter(
        "conversation_ids", method="by_given_id", help_text="A conversation's, likewise."
    )
    words = WordsFilter(
        method="left_to_pages",
        help_text=(
            'Words that its questions and answers hold, all of them and in any form, and "phrases" as they are '
            "written. Of languages without spaces, at least two characters."
        ),
    )
    input_tokens_min = NumberFilter("input_tokens", "gte", help_text="Over all its model calls, as sent.")
    input_tokens_max = NumberFilter("input_tokens", "lte")
    output_tokens_min = NumberFilter("output_tokens", "gte", help_text="Likewise.")
    output_tokens_max = NumberFilter("output_tokens", "lte")
    cost_min = AmountFilter("cost", "gte", help_text="As sent, in the trace's own `currency`.")
    cost_max = AmountFilter("cost", "lte")
    currency = django_filters.CharFilter(help_text="Of the cost, as sent: ISO 4217.")
    release = django_filters.CharFilter("release__name")
    since = MomentFilter("started_at", "gte")
    until = MomentFilter("started_at", "lt")
    verdict = django_filters.ChoiceFilter(choices=Citation.Verdict.choices(), method="by_verdict")
    version = django_filters.CharFilter(
        method="by_version", help_text="Digest of any version the trace used."
    )
    document = django_filters.CharFilter(
        method="by_document", help_text="Digest of a document the answer cited."
    )
    retrieved_document = django_filters.CharFilter(
        method="by_retrieved_document", help_text="Digest of a document the trace cited or retrieved."
    )
    flag = django_filters.CharFilter(method="by_flag", help_text="Code of a flag the assembler set.")
    reviewed = TruthFilter(method="by_reviewed")
    review = django_filters.ChoiceFilter(
        choices=ReviewState.choices,
        method="by_review",
        help_text="Whether people have been asked, and are done.",
    )
    decision = django_filters.ChoiceFilter(
        choices=Review.Decision.choices,
        method="by_decision",
        help_text="What a reviewer decided, as far as you may read it.",
    )
    attribute = RepeatedFilter(
        method="by_attribute",
        help_text="key=value of a span's attribute; needs `since` and `until`. May be repeated.",
    )

    class Meta:
        model = Trace
        fields = ["status", "risk_tier", "language", "environment"]

    def filter_queryset(self, queryset: QuerySet[Trace]) -> QuerySet[Trace]:
        """Narrow, beginning where the rows of the period are."""
        found: QuerySet[Trace] = super().filter_queryset(queryset)
        request = cast("Request", self.request)
        period = period_asked_for(request)
        return trace_words.within(found, systems_asked_for(request), period) if period.is_bounded else found

    def left_to_pages(self, queryset: QuerySet[Trace], name: str, value: object) -> QuerySet[Trace]:
        """Leave the rows as they are: a page is found by its words when it is asked for."""
        del name, value
        return queryset

    def by_given_id(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces of which one of the ids in a column is this, by index, over any period."""
        return queryset.filter(**{f"{name}__contains": [value]})

    def by_verdict(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces with a citation of this verdict."""
        del name
        return queryset.filter(Exists(Citation.objects.filter(claim__trace=OuterRef("pk"), verdict=value)))

    def by_version(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces that used a version of this digest, as model, prompt, index, policy or tool."""
        del name
        principal = principal_of(cast("Request", self.request))
        return traces.used_version(
            queryset, visible_to(ArtefactVersion.objects.filter(digest=value), principal)
        )

    def by_document(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces whose answer cited a document of this digest."""
        del name
        return traces.relied_on_document(queryset, value)

    def by_retrieved_document(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces that retrieved a document of this digest, cited or not."""
        del name
        return traces.relied_on_document(queryset, value, cited_only=False)

    def by_flag(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces with this flag."""
        del name
        return queryset.filter(flags__contains=[{"code": value}])

    def by_reviewed(self, queryset: QuerySet[Trace], name: str, value: bool) -> QuerySet[Trace]:  # noqa: FBT001  # django-filter's call
        """Traces that a person has, or has not, reviewed."""
        del name
        known = known_reviews(principal_of(cast("Request", self.request)))
        reviewed = Exists(known.filter(task__trace=OuterRef("pk")))
        return queryset.filter(reviewed if value else ~reviewed)

    def by_review(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces by what has become of their review."""
        del name
        user = principal_of(cast("Request", self.request)).user
        return traces.in_review_state(queryset, ReviewState(value), user)

    def by_decision(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces that a reviewer decided on in this way; a filter tells no more than the list of reviews."""
        del name
        readable = visible_to(Review.objects.all(), principal_of(cast("Request", self.request)))
        return queryset.filter(Exists(readable.filter(task__trace=OuterRef("pk"), decision=value)))

    def by_attribute(self, queryset: QuerySet[Trace], name: str, value: str) -> QuerySet[Trace]:
        """Traces with a span of these attributes that began in the window asked for.

        A trace id may be that of another system's trace, too, whose spans are not those of this one.
        """
        del value
        window = spans.spans_between(self.form.cleaned_data["since"], self.form.cleaned_data["until"])
        found = spans.with_attributes(window, _values_of(self, name))
        own = found.filter(system=OuterRef("system"), trace_id=OuterRef("trace_id"))
        return queryset.filter(Exists(own))


class SpanFilter(FilterSet):
    """Narrow a list of spans. Outside one trace, `since` and `until` are needed."""

    system = django_filters.CharFilter("system__key")
    since = MomentFilter("started_at", "gte")
    until = MomentFilter("started_at", "lt")
    attribute = RepeatedFilter(method="by_attribute", help_text="key=value. May be repeated.")

    class Meta:
        model = Span
        fields = ["name", "span_id", "kind", "status_code"]

    def by_attribute(self, queryset: QuerySet[Span], name: str, value: str) -> QuerySet[Span]:
        """Spans with these attributes."""
        del value
        return spans.with_attributes(queryset, _values_of(self, name))


class SpanSearchFilter(SpanFilter):
    """Narrow the spans of a window of time."""

    since = MomentFilter("started_at", "gte", required=True)
    until = MomentFilter("started_at", "lt", required=True)

    def filter_queryset(self, queryset: QuerySet[Span]) -> QuerySet[Span]:
        """Refuse a window that is too long."""
        spans.spans_between(self.form.cleaned_data["since"], self.form.cleaned_data["until"])
        found: QuerySet[Span] = super().filter_queryset(queryset)
        return found


class ClaimFilter(FilterSet):
    """Narrow a list of claims."""

    system = django_filters.CharFilter("trace__system__key")
    release = django_filters.CharFilter("trace__release__name")
    since = MomentFilter("trace__started_at", "gte")
    until = MomentFilter("trace__started_at", "lt")
    trace = TraceIdFilter("trace__trace_id")
    verdict = django_filters.ChoiceFilter(choices=Citation.Verdict.choices(), method="by_verdict")

    class Meta:
        model = Claim
        fields = ["material", "origin"]

    def by_verdict(self, queryset: QuerySet[Claim], name: str, value: str) -> QuerySet[Claim]:
        """Claims with a citation of this verdict."""
        del name
        return queryset.filter(Exists(Citation.objects.filter(claim=OuterRef("pk"), verdict=value)))


def _values_of(filters: django_filters.FilterSet, name: str) -> list[str]:
    """Return every value of a parameter that may be repeated."""
    return cast("QueryDict", filters.data).getlist(name)
