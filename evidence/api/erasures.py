"""Erasures and their certificates: what went, what stayed and why; nothing of what anybody said."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import principal_of, visible_to
from evidence.api.filtering import FilterSet
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.api.trace_ids import TraceIdField, TraceIdFilter
from evidence.errors import NotFound
from evidence.models import Erasure, ErasureCertificate, Scope
from evidence.services.disposal.certificates import read_certificate


class ErasureOut(serializers.ModelSerializer[Erasure]):
    """That a trace was erased: by whom, when, why."""

    system = serializers.CharField(source="system.key")
    trace_id = TraceIdField()

    class Meta:
        model = Erasure
        fields = ["id", "system", "trace_id", "reason", "erased_by", "n_spans", "erased_at"]


class ErasureFilter(FilterSet):
    """Narrow a list of erasures."""

    trace_id = TraceIdFilter()

    class Meta:
        model = Erasure
        fields: ClassVar[list[str]] = []


class ErasureList(ScopedList[Erasure]):
    """Erasures, newest first."""

    scopes = {"GET": (Scope.READ, Scope.ERASURES)}
    queryset = Erasure.objects.select_related("system")
    serializer_class = ErasureOut
    filterset_class = ErasureFilter


class CheckpointOut(serializers.Serializer[Any]):
    """A signed head of the log."""

    size = serializers.IntegerField(help_text="Leaves of the signed tree.")
    root_hash = serializers.CharField(help_text="Hexadecimal.")


class CertificateOut(serializers.Serializer[Any]):
    """A certificate, and where the log holds its digest."""

    certificate = serializers.DictField(help_text="Its RFC 8785 bytes have the digest.")
    digest = serializers.CharField(help_text="SHA-256; the object digest of the event.")
    event = serializers.UUIDField(help_text="Of the log; /api/v1/log/events/{event}/proof proves it.")
    leaf = serializers.IntegerField(allow_null=True, help_text="Of the event, from 0; null until sequenced.")
    checkpoint = CheckpointOut(
        allow_null=True, help_text="The first that covers the event; null until signed."
    )


class CertificateDetail(ScopedView):
    """The certificate of one erasure."""

    scopes = {"GET": (Scope.READ, Scope.ERASURES)}

    @extend_schema(responses=CertificateOut)
    def get(self, request: Request, pk: int) -> Response:
        """Return the certificate.

        Raises:
            NotFound: there is none, or it is of no system of the caller's.
        """
        seen = visible_to(ErasureCertificate.objects.all(), principal_of(request))
        certificate = seen.filter(erasure=pk).first()
        if certificate is None:
            raise NotFound("There is no such certificate. Erasures from before there were any have none.")
        return Response(CertificateOut(read_certificate(certificate)).data)
