"""What changed between two versions of an index, and which answers relied on what changed."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.inputs import QueryInput
from evidence.api.pagination import KeysetPagination
from evidence.api.scoped_view import ScopedView
from evidence.api.traces.serializers import TraceOut
from evidence.models import Scope
from evidence.problems import Problem
from evidence.selectors.indexes import diff_indexes, find_index_version, traces_relying_on_outdated

MAX_LISTED: Final = 1_000  # documents of each list; the counts are of all


class IndexDiffQuery(QueryInput):
    """Two versions of one index, and which page of the answers."""

    system = serializers.CharField()
    to = serializers.CharField(help_text="Digest of the later version.")
    cursor = serializers.CharField(required=False)
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=KeysetPagination.max_page_size, help_text="Traces on a page."
    )

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is no name a Python class can have."""
        return {
            "from": serializers.CharField(help_text="Digest of the earlier version."),
            **super().get_fields(),
        }


class DocumentChangeOut(serializers.Serializer[Any]):
    """A document that is not the same in both versions; an empty digest says that it is not there."""

    document_id = serializers.CharField()
    from_digest = serializers.CharField(allow_blank=True)
    to_digest = serializers.CharField(allow_blank=True)


class IndexDiffOut(serializers.Serializer[Any]):
    """The difference, and a page of the traces that relied on what went or changed."""

    n_added = serializers.IntegerField()
    n_removed = serializers.IntegerField()
    n_changed = serializers.IntegerField()
    n_unchanged = serializers.IntegerField()
    added = DocumentChangeOut(many=True)
    removed = DocumentChangeOut(many=True)
    changed = DocumentChangeOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = TraceOut(many=True)


class IndexDiffDetail(ScopedView):
    """Compare two versions of an index; list the answers that cited what went or changed, newest first."""

    scopes = {"GET": Scope.READ}
    queries = {"GET": IndexDiffQuery}

    @extend_schema(responses={200: IndexDiffOut, 404: Problem, 422: Problem})
    def get(self, request: Request) -> Response:
        system = find_system(principal_of(request), self.query["system"])
        earlier = find_index_version(system, self.query["from"])
        diff = diff_indexes(earlier, find_index_version(system, self.query["to"]))
        pages = KeysetPagination()
        page = pages.paginate_queryset(traces_relying_on_outdated(earlier, diff), request, view=self)
        lists = {"added": diff.added, "removed": diff.removed, "changed": diff.changed}
        told = {
            **{f"n_{name}": len(changes) for name, changes in lists.items()},
            "n_unchanged": diff.n_unchanged,
            **{name: changes[:MAX_LISTED] for name, changes in lists.items()},
            "next": pages.get_next_link(),
            "previous": pages.get_previous_link(),
            "results": page,
        }
        return Response(IndexDiffOut(told).data)
