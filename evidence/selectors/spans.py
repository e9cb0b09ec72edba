"""Searching spans by attribute, within a window of time.

An index over every attribute (GIN) would be paid for by ingest, span by span. A window is read instead: a BRIN index
on the start, a few pages for each hundred megabytes, leads to the pages of the window, and their rows are compared.
The cost is that of the window, not of what is stored. Measured on spans with a dozen attributes: the BRIN index adds
nothing to inserting them that stands out from the noise, a GIN index (jsonb_path_ops) a quarter to a half.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from evidence.errors import InvalidInput
from evidence.models import Span
from evidence.worded import worded


def spans_between(since: datetime | None, until: datetime | None) -> QuerySet[Span]:
    """Return the spans that began in [since, until).

    Raises:
        InvalidInput: no window, or one longer than `SPAN_SEARCH_MAX_HOURS`.
    """
    longest = timedelta(hours=settings.SPAN_SEARCH_MAX_HOURS)
    if since is None or until is None or until <= since or until - since > longest:
        raise InvalidInput(
            worded(
                "Searching spans needs `since` and `until`, at most %(most)s hours apart; or ask for "
                "the spans of one trace.",
                most=settings.SPAN_SEARCH_MAX_HOURS,
            )
        )
    return Span.objects.filter(started_at__gte=since, started_at__lt=until)


def with_attributes(spans: QuerySet[Span], wanted: Sequence[str]) -> QuerySet[Span]:
    """Narrow to spans with each of these attributes, as `key=value`; a value that reads as JSON matches as that, too.

    Raises:
        InvalidInput: one of them is no `key=value`.
    """
    for text in wanted:
        key, sign, value = text.partition("=")
        if not key or not sign:
            raise InvalidInput(worded("`attribute` is key=value, not %(given)s.", given=repr(text[:100])))
        matches = Q(attributes__contains={key: value})
        for other in _as_json(value):
            matches |= Q(attributes__contains={key: other})
        spans = spans.filter(matches)
    return spans


def _as_json(value: str) -> list[Any]:
    """Return what else a value may stand for: a number or a truth value."""
    try:
        read = json.loads(value)
    except ValueError:
        return []
    return [read] if isinstance(read, int | float) and math.isfinite(read) else []
