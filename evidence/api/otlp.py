"""OTLP/HTTP: `POST /v1/traces` and `POST /v1/logs`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import principal_of
from evidence.api.authentication import BrowserAuthentication, ExporterAuthentication, TokenAuthentication
from evidence.api.scoped_view import ScopedView
from evidence.database_errors import gave_way, looks_like_an_upgrade, passes, state_of
from evidence.errors import BlobStoreAway
from evidence.models import Scope
from evidence.otlp.body import JSON, PROTOBUF
from evidence.otlp.errors import BodyTooLarge, UndecodableBody
from evidence.services import ingest
from evidence.services.ingest import IngestUnavailable

logger = logging.getLogger(__name__)

_PIECE: Final = 64 * 1024  # bytes read at a time
# SQLSTATE: a column that an upgrade has just added wants a value, and this server is older than it.
_UNKNOWN_COLUMN: Final = "23502"
_MOST_DRAINED: Final = 256 * 1024 * 1024  # bytes, of a body that is not read into memory
_DRAINED: Final = 4  # times the limit: a body larger than that is cut off


class OtlpView(ScopedView):
    """What both signals share: the body is taken as bytes, the reply speaks its encoding, errors are problems."""

    scopes: ClassVar[dict[str, Scope | tuple[Scope, ...]]] = {"POST": Scope.INGEST}
    authentication_classes = [TokenAuthentication, ExporterAuthentication, BrowserAuthentication]
    renderer_classes = [JSONRenderer]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002  # DRF's signature
        """Ignore `Accept`: OTLP answers in the encoding of the request."""
        del force
        return super().perform_content_negotiation(request, force=True)

    def handle_exception(self, exc: Exception) -> Response:
        """Ask the sender to come back when there is nowhere to store; SDKs retry a 503 and give up on a 500."""
        if passes(exc) or _may_be_an_upgrade(exc):
            part = _part_away(exc)
            logger.error("an export was turned away, the %s: %s", part, exc)
            away = IngestUnavailable(f"The {part}; nothing was acknowledged. Send this again.")
            away.__cause__ = exc
            return super().handle_exception(away)
        return super().handle_exception(exc)


class TraceExport(OtlpView):
    """Take the spans of one export request."""

    @extend_schema(
        operation_id="otlp_traces",
        request={PROTOBUF: OpenApiTypes.BINARY, JSON: OpenApiTypes.OBJECT},
        responses={(200, PROTOBUF): OpenApiTypes.BINARY, (200, JSON): OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> HttpResponse:
        """Answer 200 once everything is durable; `partialSuccess` names what was refused."""
        receipt = ingest.ingest_traces(**_read_posted(request))
        return HttpResponse(receipt.reply, content_type=receipt.content_type)


class LogExport(OtlpView):
    """Take the GenAI events of one logs export request."""

    @extend_schema(
        operation_id="otlp_logs",
        request={PROTOBUF: OpenApiTypes.BINARY, JSON: OpenApiTypes.OBJECT},
        responses={(200, PROTOBUF): OpenApiTypes.BINARY, (200, JSON): OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> HttpResponse:
        """Answer 200 once everything is durable; `partialSuccess` names what was refused."""
        receipt = ingest.ingest_logs(**_read_posted(request))
        return HttpResponse(receipt.reply, content_type=receipt.content_type)


def _may_be_an_upgrade(exc: Exception) -> bool:
    """Whether it looks like one. It may be a fault of ours, but a 500 would lose what the sender holds."""
    return looks_like_an_upgrade(exc) or state_of(exc) == _UNKNOWN_COLUMN


def _part_away(exc: Exception) -> str:
    if isinstance(exc, BlobStoreAway):
        return "blob store cannot be written"
    if _may_be_an_upgrade(exc):
        return "database is not at the version of this server"
    return "database gave way to another transaction" if gave_way(exc) else "database cannot be reached"


def _read_posted(request: Request) -> dict[str, Any]:
    """Return the arguments of the ingest services."""
    return {
        "body": read_posted_body(request._request, limit=ingest.read_limits().body_bytes),  # noqa: SLF001  # DRF would parse it
        "content_type": request.META.get("CONTENT_TYPE", ""),
        "content_encoding": request.META.get("HTTP_CONTENT_ENCODING", ""),
        "principal": principal_of(request),
    }


def _drain(request: HttpRequest, n_bytes: int) -> None:
    """Read and forget, so that a sender who writes all before it reads sees the 413 and no broken connection."""
    stream = request.META["wsgi.input"]
    while n_bytes > 0 and (piece := stream.read(min(n_bytes, _PIECE))):
        n_bytes -= len(piece)


def read_posted_body(request: HttpRequest, *, limit: int) -> bytes:
    """Return the bytes of a request, sent with a length or in chunks.

    Django reads as many bytes as `Content-Length` says, so a chunked request, which has none, would look empty and
    its spans would be lost with a 200. Such a body is read from the server's own stream.

    Args:
        limit: bytes.

    Raises:
        BodyTooLarge: more than `limit`.
        UndecodableBody: the length is no number, or fewer bytes came than it says.
    """
    stated = request.META.get("CONTENT_LENGTH") or ""
    if stated:
        if not stated.isdecimal():
            raise UndecodableBody("Content-Length is not a number")
        if int(stated) > limit:
            _drain(request, min(int(stated), limit * _DRAINED))
            raise BodyTooLarge(f"the body has {stated} bytes, the limit is {limit}: send smaller batches")
        body = request.body
        if len(body) != int(stated):
            raise UndecodableBody(
                f"{len(body)} bytes came, Content-Length says {stated}: the request was cut short"
            )
        return body
    if "chunked" not in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return request.body
    body = bytes(request.META["wsgi.input"].read(limit + 1))
    if len(body) > limit:
        raise BodyTooLarge(f"the body has more than {limit} bytes: send smaller batches")
    return body


def read_posted_pieces(request: HttpRequest, *, limit: int) -> Iterator[bytes]:
    """Yield the bytes of a request a piece at a time, for bodies too large for memory; as `read_posted_body`.

    Raises:
        BodyTooLarge: more than `limit`; pieces may have been given before that.
        UndecodableBody: the length is no number, or fewer bytes came than it says.
    """
    stated = request.META.get("CONTENT_LENGTH") or ""
    if stated and not stated.isdecimal():
        raise UndecodableBody("Content-Length is not a number")
    if stated and int(stated) > limit:
        _drain(request, min(int(stated), _MOST_DRAINED))
        raise BodyTooLarge(f"the body has {stated} bytes, the limit is {limit}: leave samples or details out")
    is_chunked = not stated and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    stream = request.META["wsgi.input"] if is_chunked else request
    count = 0
    while piece := stream.read(_PIECE):
        count += len(piece)
        if count > limit:
            raise BodyTooLarge(f"the body has more than {limit} bytes: leave samples or details out")
        yield bytes(piece)
    if stated and count != int(stated):
        raise UndecodableBody(f"{count} bytes came, Content-Length says {stated}: the request was cut short")
