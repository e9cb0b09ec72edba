"""The audit log over HTTP: C2SP tlog-tiles for anybody's tools, and ready-made proofs for who has a token.

Checkpoints and hash tiles are open: they show how many events there are and nothing of what is in them, and a
witness needs no account. Entries name systems, people and objects, so a bundle is shown to those who may see
every system in it.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evidence.access import Principal, principal_of
from evidence.api.scoped_view import ScopedView
from evidence.digests import sha256_hex
from evidence.errors import AccessDenied, NotFound
from evidence.log.errors import MalformedPath
from evidence.log.tiles import Bundle, Tile, parse_path
from evidence.models import AuditEvent, Scope, System
from evidence.selectors import log
from evidence.services.log import GLOBAL_STREAM

CHECKPOINT_CACHE: Final = "public, max-age=2"  # seconds; the next one may be there
TILE_CACHE: Final = "public, max-age=31536000, immutable"  # seconds; a tile never changes
BUNDLE_CACHE: Final = "private, max-age=31536000, immutable"
_BINARY: Final = {(200, "application/octet-stream"): OpenApiTypes.BINARY}


class EventStateOut(serializers.Serializer[Any]):
    """How far an event is on its way into the signed log."""

    event = serializers.UUIDField()
    entry_digest = serializers.CharField(help_text="SHA-256 of the logged bytes.")
    state = serializers.ChoiceField(choices=["pending", "sequenced", "checkpointed"])
    index = serializers.IntegerField(allow_null=True, help_text="Of the leaf, from 0.")


class InclusionProofOut(serializers.Serializer[Any]):
    """An event's place in a signed tree. Verify `entry` against `tlog_proof` with a key from elsewhere."""

    event = serializers.UUIDField()
    entry = serializers.CharField(help_text="The logged bytes, RFC 8785 JSON in UTF-8.")
    index = serializers.IntegerField(help_text="Of the leaf, from 0.")
    leaf_hash = serializers.CharField(help_text="SHA-256(0x00 ‖ entry), hexadecimal.")
    hashes = serializers.ListField(
        child=serializers.CharField(), help_text="From the leaf's sibling upwards."
    )
    size = serializers.IntegerField(help_text="Leaves of the signed tree.")
    root_hash = serializers.CharField(help_text="Of the signed tree, hexadecimal.")
    checkpoint = serializers.CharField(help_text="C2SP signed note.")
    tlog_proof = serializers.CharField(help_text="C2SP tlog-proof: all of this as one text.")


class InclusionIn(serializers.Serializer[Any]):
    """Which signed tree the proof leads to."""

    size = serializers.IntegerField(
        min_value=0, required=False, help_text="As signed; the latest by default."
    )


class ConsistencyIn(serializers.Serializer[Any]):
    """Two sizes at which checkpoints were signed."""

    old = serializers.IntegerField(min_value=0)
    new = serializers.IntegerField(min_value=0)


class ConsistencyProofOut(serializers.Serializer[Any]):
    """That one signed tree is a prefix of another (RFC 9162 section 2.1.4)."""

    old = serializers.IntegerField()
    new = serializers.IntegerField()
    old_root = serializers.CharField(help_text="Hexadecimal.")
    new_root = serializers.CharField(help_text="Hexadecimal.")
    hashes = serializers.ListField(child=serializers.CharField())


class CheckpointView(APIView):
    """The latest signed checkpoint."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="log_checkpoint", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:
        """Return the note. A log that was not signed yet answers 404."""
        del request
        note = log.latest_checkpoint().note
        return _bytes(note.encode(), "text/plain; charset=utf-8", CHECKPOINT_CACHE)


class TileView(APIView):
    """Hash tiles of the signed tree."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="log_tile", responses=_BINARY)
    def get(self, request: Request, level: str, rest: str) -> HttpResponse:
        """Return `tile/<level>/<rest>`: up to 256 hashes of 32 bytes."""
        del request
        tile = _parse(f"tile/{level}/{rest}", Tile)
        return _bytes(log.read_tile(tile), "application/octet-stream", TILE_CACHE)


class BundleView(ScopedView):
    """Bundles of the signed log's entries."""

    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="log_entries", responses=_BINARY)
    def get(self, request: Request, rest: str) -> HttpResponse:
        """Return `tile/entries/<rest>`: up to 256 entries, each behind its length as a uint16."""
        bundle = _parse(f"tile/entries/{rest}", Bundle)
        _require_streams(principal_of(request), log.read_bundle_streams(bundle))
        return _bytes(log.read_bundle(bundle), "application/octet-stream", BUNDLE_CACHE)


class EventStateView(ScopedView):
    """How far an event is on its way into the signed log."""

    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="log_event_state", responses=EventStateOut)
    def get(self, request: Request, event_uuid: UUID) -> Response:
        """Return pending, sequenced or checkpointed."""
        event = _find_event(principal_of(request), event_uuid)
        state, index = log.read_event_state(event)
        digest = sha256_hex(bytes(event.entry))
        body = {"event": event.event_uuid, "entry_digest": digest, "state": state, "index": index}
        return Response(EventStateOut(body).data)


class InclusionProofView(ScopedView):
    """The proof that an event is in the signed log."""

    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="log_inclusion_proof",
        responses=InclusionProofOut,
        parameters=[InclusionIn],
    )
    def get(self, request: Request, event_uuid: UUID) -> Response:
        """Return the proof in the latest signed tree, or in that of `size`."""
        event = _find_event(principal_of(request), event_uuid)
        asked = InclusionIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        body = _inclusion_body(event, asked.validated_data.get("size"))
        return Response(InclusionProofOut(body).data)


class ConsistencyProofView(ScopedView):
    """The proof that nothing was changed between two checkpoints."""

    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="log_consistency_proof", parameters=[ConsistencyIn], responses=ConsistencyProofOut
    )
    def get(self, request: Request) -> Response:
        """Return the proof from the tree of `old` leaves to that of `new`, both of them signed."""
        asked = ConsistencyIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        old, new = asked.validated_data["old"], asked.validated_data["new"]
        hashes = log.prove_checkpoints_consistent(old_size=old, new_size=new)
        body = {
            "old": old,
            "new": new,
            "old_root": bytes(log.get_checkpoint(size=old).root).hex(),
            "new_root": bytes(log.get_checkpoint(size=new).root).hex(),
            "hashes": [value.hex() for value in hashes],
        }
        return Response(ConsistencyProofOut(body).data)


def _inclusion_body(event: AuditEvent, size: int | None) -> dict[str, Any]:
    proof = log.prove_event_inclusion(event, size=size)
    return {
        "event": event.event_uuid,
        "entry": bytes(event.entry).decode(),
        "index": proof.index,
        "leaf_hash": proof.leaf_hash.hex(),
        "hashes": [value.hex() for value in proof.hashes],
        "size": proof.checkpoint.size,
        "root_hash": bytes(proof.checkpoint.root).hex(),
        "checkpoint": proof.checkpoint.note,
        "tlog_proof": proof.to_text(),
    }


def _parse(text: str, kind: type[Tile | Bundle]) -> Any:
    try:
        named = parse_path(text)
    except MalformedPath as exc:
        raise NotFound(f"{exc}; docs/reference/log.md says how tiles are named.") from exc
    if not isinstance(named, kind):
        raise NotFound(f"{text} is another kind of resource.")
    return named


def _find_event(principal: Principal, event_uuid: UUID) -> AuditEvent:
    """Return an event of the principal's systems; one of no system only to those who may export binders."""
    visible = Q(system_id__in=principal.system_ids)
    if principal.may(Scope.BINDER):
        visible |= Q(system__isnull=True)
    event = AuditEvent.objects.filter(visible, event_uuid=event_uuid).first()
    if event is None:
        raise NotFound(f"There is no event {event_uuid} among those you may see.")
    return event


def _require_streams(principal: Principal, streams: set[str]) -> None:
    mine = set(System.objects.filter(pk__in=principal.system_ids).values_list("key", flat=True))
    if principal.may(Scope.BINDER):
        mine.add(GLOBAL_STREAM)
    if streams - mine:
        raise AccessDenied(
            "This bundle also holds entries of systems that are not yours. The hash tiles are open, and "
            "/api/v1/log/events/<event>/proof gives the entries of your systems one by one."
        )


def _bytes(data: bytes, content_type: str, cache: str) -> HttpResponse:
    return HttpResponse(data, content_type=content_type, headers={"Cache-Control": cache})


log_urlpatterns = [  # under /log/, which is the log's URL prefix in tlog-tiles' sense
    path("checkpoint", CheckpointView.as_view(), name="log-checkpoint"),
    path("tile/entries/<path:rest>", BundleView.as_view(), name="log-entries"),
    path("tile/<str:level>/<path:rest>", TileView.as_view(), name="log-tile"),
]
urlpatterns = [  # under /api/v1/
    path("log/events/<uuid:event_uuid>", EventStateView.as_view(), name="log-event-state"),
    path("log/events/<uuid:event_uuid>/proof", InclusionProofView.as_view(), name="log-inclusion-proof"),
    path("log/consistency", ConsistencyProofView.as_view(), name="log-consistency-proof"),
]
