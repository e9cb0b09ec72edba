"""What was recorded once and is no longer there to be packed: erased by request, or gone with its retention period.

Like names, this is as it is while the binder is exported, and not as of its scope: what is gone cannot be packed.
"""

from __future__ import annotations

from typing import Final, TypedDict

from django.db.models import QuerySet

from evidence.binder.files import BinderFile, json_file
from evidence.models import Disposal, Erasure
from evidence.selectors.binder.scope import BinderScope, moment
from evidence.selectors.binder.trace_scope import traces_in_scope
from evidence.selectors.binder.traces import SPANS_PATH

ERASURE: Final = "erasure"
RETENTION: Final = "retention"


class RedactionDocument(TypedDict):
    """What is not in a file, why, and who decided so."""

    path: str
    pointer: str  # of an erasure, the trace; of retention, the month of spans
    reasonCode: str
    approvedBy: str
    at: str


def redactions_file(scope: BinderScope) -> BinderFile:
    """Return the list; it is there when it is empty, too, to say so."""
    return json_file(
        "redactions.json",
        {"redactions": [*map(_erasure, _erasures(scope)), *map(_disposal, _disposals(scope))]},
        title="What was withheld / 未披露内容",
        schema="redactions",
    )


def is_redacted(scope: BinderScope) -> bool:
    """Whether the list holds anything."""
    return _erasures(scope).exists() or _disposals(scope).exists()


def actors_of_redactions(scope: BinderScope) -> set[str]:
    """Return who erased or disposed of what is listed."""
    return {
        *_erasures(scope).values_list("erased_by", flat=True),
        *_disposals(scope).values_list("disposed_by", flat=True),
    }


def _erasures(scope: BinderScope) -> QuerySet[Erasure]:
    in_scope = traces_in_scope(scope).values("trace_id")
    return Erasure.objects.filter(system=scope.system, trace_id__in=in_scope).order_by("pk")


def _disposals(scope: BinderScope) -> QuerySet[Disposal]:
    """Return the months of spans that are gone; a trace of the period may end after it."""
    gone = Disposal.objects.filter(kind=Disposal.Kind.SPANS, period_to__gt=scope.period_from, n_items__gt=0)
    return gone.order_by("pk")


def _erasure(erasure: Erasure) -> RedactionDocument:
    return {
        "path": SPANS_PATH,
        "pointer": erasure.trace_id.hex,
        "reasonCode": ERASURE,
        "approvedBy": erasure.erased_by,
        "at": moment(erasure.erased_at),
    }


def _disposal(disposal: Disposal) -> RedactionDocument:
    return {
        "path": SPANS_PATH,
        "pointer": disposal.subject,
        "reasonCode": RETENTION,
        "approvedBy": disposal.disposed_by,
        "at": moment(disposal.disposed_at),
    }
