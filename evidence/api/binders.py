"""Exporting binders, fetching them with their sidecar, and the server's own words about its keys."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import FileResponse, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.inputs import Input
from evidence.api.scoped_view import ScopedView
from evidence.models import Binder, Scope
from evidence.problems import Problem
from evidence.services import binders, registry
from evidence.services.blobs import blob_store, check_blob
from evidence.services.keys.trust import describe_trust
from evidence.tasks import export_binder


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

    id = serializers.UUIDField(source="binder_uuid")
    state = serializers.SerializerMethodField()
    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name")
    digest = serializers.CharField(source="archive_id", help_text="SHA-256 of the ZIP")
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


class BinderPending(serializers.Serializer[Any]):
    """A binder that a worker will export."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(["pending"])


class BinderCreate(ScopedView):
    """Export a binder. The same scope over the same evidence answers with the first export."""

    scopes = {"POST": Scope.BINDER}

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Prefer", location=OpenApiParameter.HEADER, description="respond-async: a worker does it, 202"
            )
        ],
        request=BinderIn,
        responses={201: BinderOut, 202: BinderPending, 404: Problem, 422: Problem, 503: Problem},
    )
    def post(self, request: Request) -> Response:
        """Export it now, or have a worker do so."""
        data = BinderIn(data=request.data)
        data.is_valid(raise_exception=True)
        principal = principal_of(request)
        system = find_system(principal, data.validated_data["system"])
        release = registry.find_release(system, data.validated_data["release"])
        asked = {**data.validated_data, "system": system, "release": release, "principal": principal}
        if "respond-async" in request.headers.get("Prefer", ""):
            binder_id = binders.queue_binder(**asked, send=export_binder.delay)
            return Response({"id": binder_id, "state": "pending"}, status=202)
        return Response(BinderOut(binders.export_binder(**asked)).data, status=201)


class BinderDetail(ScopedView):
    """What a binder is about, who exported it and when, and the digests it is checked by."""

    scopes = {"GET": Scope.BINDER}

    @extend_schema(responses={200: BinderOut, 404: Problem})
    def get(self, request: Request, binder_id: uuid.UUID) -> Response:
        return Response(BinderOut(_find(request, binder_id)).data)


class BinderDownload(ScopedView):
    """The binder's ZIP, read through and checked against its digest before the first byte is sent."""

    scopes = {"GET": Scope.BINDER}

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY, 404: Problem})
    def get(self, request: Request, binder_id: uuid.UUID) -> FileResponse:
        binder = _find(request, binder_id)
        with blob_store():
            stream = check_blob(binder.archive_id).open("rb")
        return FileResponse(
            stream, as_attachment=True, filename=binder.file_name, content_type="application/zip"
        )


class BinderSidecar(ScopedView):
    """The signature over the ZIP's bytes: keep it beside the ZIP as `<file name>.intoto.jsonl`."""

    scopes = {"GET": Scope.BINDER}

    @extend_schema(responses={(200, "application/vnd.in-toto+json"): OpenApiTypes.STR, 404: Problem})
    def get(self, request: Request, binder_id: uuid.UUID) -> HttpResponse:
        binder = _find(request, binder_id)
        headers = {"Content-Disposition": f'attachment; filename="{binder.file_name}.intoto.jsonl"'}
        return HttpResponse(binder.sidecar, content_type="application/vnd.in-toto+json", headers=headers)


class TrustDetail(ScopedView):
    """This server's keys as a trust file. Compare them over another channel before you rely on it."""

    scopes = {"GET": Scope.BINDER}

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, _: Request) -> Response:
        return Response(describe_trust())


def _find(request: Request, binder_id: uuid.UUID) -> Binder:
    return binders.find_binder(principal=principal_of(request), binder_id=binder_id)
