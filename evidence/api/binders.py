"""Exporting binders, fetching them with their sidecar, and the server's own words about its keys."""

from __future__ import annotations

import uuid
from typing import Final

import django_filters
from django.conf import settings
from django.http import FileResponse, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet, MomentFilter
from evidence.api.inputs import Input, QueryInput
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.models import Binder, BinderRequest, Scope
from evidence.problems import Problem
from evidence.selectors.binder.scope import AskedScope
from evidence.services import binder_requests, binders, registry
from evidence.services.blobs import blob_store, check_blob
from evidence.services.keys.holders import holds_binder_key
from evidence.services.keys.trust import describe_trust
from evidence.tasks import export_binder

REQUEST_STATES: Final = {
    BinderRequest.State.QUEUED: "pending",
    BinderRequest.State.RUNNING: "running",
    BinderRequest.State.DONE: "ready",
    BinderRequest.State.FAILED: "failed",
}


class BinderIn(Input):
    """What a binder is to hold."""

    system = serializers.CharField()
    release = serializers.CharField(max_length=100)
    baseline = serializers.CharField(
        max_length=100, required=False, default="", allow_blank=True, help_text="empty: what is approved"
    )
    period_from = serializers.DateTimeField(help_text="inclusive, of a trace's start")
    period_to = serializers.DateTimeField(help_text="exclusive")
    as_of = serializers.DateTimeField(required=False, allow_null=True, default=None, help_text="default: now")


class BinderOut(serializers.ModelSerializer[Binder]):
    """An exported binder."""

    id = serializers.UUIDField(
        source="binder_uuid",
        help_text="Of its scope: two exports of one scope, as before and after an erasure, share it. `digest` tells "
        "them apart, and `?digest=` names one; without it an address answers with the newest.",
    )
    state = serializers.SerializerMethodField()
    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name")
    digest = serializers.CharField(source="archive_id", help_text="SHA-256 of the ZIP: of this export alone")
    size = serializers.IntegerField(source="archive.size", help_text="bytes")

    class Meta:
        model = Binder
        fields = [
            "id", "state", "system", "release", "baseline", "period_from", "period_to", "as_of", "file_name",
            "digest", "size", "tagmanifest_digest", "created_by", "created_at",
        ]  # fmt: skip

    def get_state(self, _: Binder) -> str:
        """Return `ready`: a binder that has a row is finished."""
        return "ready"


class ProgressOut(serializers.Serializer[BinderRequest]):
    """How far the last attempt is, or came."""

    attempt = serializers.IntegerField(source="attempts")
    files = serializers.IntegerField(source="n_files", help_text="packed so far")
    bytes = serializers.IntegerField(source="n_bytes", help_text="of the ZIP, so far")


class BinderRequestOut(serializers.ModelSerializer[BinderRequest]):
    """A binder that a worker is to export."""

    id = serializers.UUIDField(source="binder_uuid")
    state = serializers.SerializerMethodField()
    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name")
    progress = ProgressOut(source="*")
    error = serializers.CharField(help_text="of the last attempt; empty: none")

    class Meta:
        model = BinderRequest
        fields = [
            "id", "state", "system", "release", "baseline", "period_from", "period_to", "as_of", "progress", "error",
            "requested_by", "queued_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.ChoiceField(sorted(set(REQUEST_STATES.values()))))
    def get_state(self, request: BinderRequest) -> str:
        """Return what the state means to whoever waits."""
        return REQUEST_STATES[BinderRequest.State(request.state)]


class BinderFilter(FilterSet):
    """Narrow a list of binders; `digest` is that of the ZIP that you hold."""

    system = django_filters.CharFilter("system__key")
    release = django_filters.CharFilter("release__name")
    digest = django_filters.CharFilter("archive_id")
    since = MomentFilter("created_at", "gte")
    until = MomentFilter("created_at", "lt")

    class Meta:
        model = Binder
        fields = ["baseline", "created_by"]


class ExportQuery(QueryInput):
    """Which of the exports that share an id."""

    digest = serializers.RegexField(
        r"^[0-9a-f]{64}$", required=False, default="",
        help_text="SHA-256 of the ZIP, as the list says it; unless stated, the newest export",
    )  # fmt: skip


class Binders(ScopedList[Binder]):
    """List the binders that were exported, newest first; export one."""

    scopes = {"GET": Scope.BINDER, "POST": Scope.BINDER}
    queryset = Binder.objects.select_related("system", "release", "archive").defer("sidecar")
    serializer_class = BinderOut
    filterset_class = BinderFilter

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Prefer", location=OpenApiParameter.HEADER, description="respond-async: a worker does it, 202"
            )
        ],
        request=BinderIn,
        responses={201: BinderOut, 202: BinderRequestOut, 404: Problem, 422: Problem, 503: Problem},
    )
    def post(self, request: Request) -> Response:
        """Export a binder. The same scope over the same evidence answers with the first export.

        It is exported now, or by a worker, as always by a process without the signing keys. The request waits for the
        worker for `TRACEBINDER_EXPORT_WAIT` seconds, and says 202 where that was too short.
        """
        data = BinderIn(data=request.data)
        data.is_valid(raise_exception=True)
        principal = principal_of(request)
        system = find_system(principal, data.validated_data["system"])
        release = registry.find_release(system, data.validated_data["release"])
        asked = AskedScope(**{**data.validated_data, "system": system, "release": release})
        waits = "respond-async" not in request.headers.get("Prefer", "")
        if waits and holds_binder_key():
            return Response(
                BinderOut(binders.export_binder(principal=principal, asked=asked)).data, status=201
            )
        queued = binder_requests.queue_binder(principal=principal, asked=asked, send=export_binder.delay)
        made = binder_requests.wait_for_binder(queued, seconds=settings.EXPORT_WAIT) if waits else None
        if made is not None:
            return Response(BinderOut(made).data, status=201)
        return Response(BinderRequestOut(queued).data, status=202)


class BinderDetail(ScopedView):
    """What a binder is about, who exported it and when, and the digests it is checked by.

    While a worker has yet to export it: how far it is, or why it failed, also where there is an older export of the
    scope. Of several exports of one scope it is the newest, unless `digest` names one.
    """

    scopes = {"GET": Scope.BINDER}
    queries = {"GET": ExportQuery}

    @extend_schema(
        responses={
            200: PolymorphicProxySerializer(
                component_name="BinderOrRequest",
                serializers=[BinderOut, BinderRequestOut],
                resource_type_field_name=None,
            ),
            404: Problem,
        }
    )
    def get(self, request: Request, binder_id: uuid.UUID) -> Response:
        if self.query["digest"]:
            return Response(BinderOut(_find(request, binder_id, self.query["digest"])).data)
        found = binder_requests.find_newest(principal=principal_of(request), binder_id=binder_id)
        if isinstance(found, Binder):
            return Response(BinderOut(found).data)
        return Response(BinderRequestOut(found).data)


class BinderDownload(ScopedView):
    """The binder's ZIP, read through and checked against its digest before the first byte is sent."""

    scopes = {"GET": Scope.BINDER}
    queries = {"GET": ExportQuery}

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY, 404: Problem})
    def get(self, request: Request, binder_id: uuid.UUID) -> FileResponse:
        binder = _find(request, binder_id, self.query["digest"])
        with blob_store():
            stream = check_blob(binder.archive_id).open("rb")
        return FileResponse(
            stream, as_attachment=True, filename=binder.file_name, content_type="application/zip"
        )


class BinderSidecar(ScopedView):
    """The signature over the ZIP's bytes: keep it beside the ZIP as `<file name>.intoto.jsonl`."""

    scopes = {"GET": Scope.BINDER}
    queries = {"GET": ExportQuery}

    @extend_schema(responses={(200, "application/vnd.in-toto+json"): OpenApiTypes.STR, 404: Problem})
    def get(self, request: Request, binder_id: uuid.UUID) -> HttpResponse:
        binder = _find(request, binder_id, self.query["digest"])
        headers = {"Content-Disposition": f'attachment; filename="{binder.file_name}.intoto.jsonl"'}
        return HttpResponse(binder.sidecar, content_type="application/vnd.in-toto+json", headers=headers)


class TrustDetail(ScopedView):
    """This server's keys as a trust file. Compare them over another channel before you rely on it."""

    scopes = {"GET": Scope.BINDER}

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, _: Request) -> Response:
        return Response(describe_trust())


def _find(request: Request, binder_id: uuid.UUID, digest: str) -> Binder:
    return binders.find_binder(principal=principal_of(request), binder_id=binder_id, digest=digest)
