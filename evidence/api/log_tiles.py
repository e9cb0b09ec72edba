"""The audit log over HTTP as C2SP tlog-tiles, for anybody's tools.

Checkpoints and hash tiles are open: they show how many events there are and nothing of what is in them, and a
witness needs no account. Entries name systems, people and objects, so a bundle is shown to those who may see
every entry in it.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from evidence import acts
from evidence.access import principal_of
from evidence.api.scoped_view import ApiView, ScopedView
from evidence.errors import NotFound
from evidence.log.errors import MalformedPath
from evidence.log.tiles import Bundle, Tile, parse_path
from evidence.models import Scope
from evidence.selectors import log_proofs as log
from evidence.services.log import read_head_to_publish

CHECKPOINT_CACHE: Final = "public, max-age=2"  # seconds; the next one may be there
TILE_CACHE: Final = "public, max-age=31536000, immutable"  # seconds; a tile never changes
BUNDLE_CACHE: Final = "private, max-age=31536000, immutable"
_BINARY: Final = {(200, "application/octet-stream"): OpenApiTypes.BINARY}


class CheckpointView(ApiView):
    """The latest signed checkpoint."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="log_checkpoint", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:
        """Return the note, with the cosignatures of witnesses.

        A log that was not signed yet answers 404; one that lost what was published, 503.
        """
        del request
        note = read_head_to_publish()
        return _bytes(note.encode(), "text/plain; charset=utf-8", CHECKPOINT_CACHE)


class TileView(ApiView):
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
        acts.check_can_read_log_bundle(principal_of(request), bundle)
        return _bytes(log.read_bundle(bundle), "application/octet-stream", BUNDLE_CACHE)


def _parse(text: str, kind: type[Tile | Bundle]) -> Any:
    try:
        named = parse_path(text)
    except MalformedPath as exc:
        raise NotFound(f"{exc}; docs/reference/log.md says how tiles are named.") from exc
    if not isinstance(named, kind):
        raise NotFound(f"{text} is another kind of resource.")
    return named


def _bytes(data: bytes, content_type: str, cache: str) -> HttpResponse:
    return HttpResponse(data, content_type=content_type, headers={"Cache-Control": cache})


urlpatterns = [  # under /log/, which is the log's URL prefix in tlog-tiles' sense
    path("checkpoint", CheckpointView.as_view(), name="log-checkpoint"),
    path("tile/entries/<path:rest>", BundleView.as_view(), name="log-entries"),
    path("tile/<str:level>/<path:rest>", TileView.as_view(), name="log-tile"),
]
