"""The Merkle tree over the audit events. Tiles and checkpoints are public by design: anybody may audit the log."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import link
from evidence.admin.frame.visibility import visible
from evidence.models import (
    AuditEvent,
    Checkpoint,
    CheckpointTimestamp,
    Cosignature,
    Leaf,
    OpenBinding,
    Tile,
)


@admin.register(Leaf)
class LeafAdmin(ReadOnlyModelAdmin):
    # Not the number within the stream: one that is missing would tell that an entry of one's own system is hidden.
    list_display = ["seq", "stream", "event_link", "hash_hex"]
    list_select_related = ["event"]
    list_defer = ["event__entry"]
    search_fields = ["=seq"]
    ordering = ["-seq"]
    fields = ["seq", "stream", "event", "hash_hex"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the leaves of events the person may see."""
        return Leaf.objects.filter(event__in=visible(AuditEvent.objects.all(), request))

    @admin.display(description="Event")
    def event_link(self, leaf: Leaf) -> str:
        return link(leaf.event, leaf.event.verb)

    @admin.display(description="Leaf hash")
    def hash_hex(self, leaf: Leaf) -> str:
        return bytes(leaf.leaf_hash).hex()


@admin.register(Tile)
class TileAdmin(ReadOnlyModelAdmin):
    list_display = ["__str__", "level", "index", "width"]
    list_defer = ["hashes"]
    ordering = ["-id"]
    fields = ["level", "index", "width"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all tiles: they hold hashes alone and are served to everybody at /log/tile/."""
        del request
        return Tile.objects.all()


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyModelAdmin):
    list_units = {"size": gettext_lazy("leaves")}
    list_display = ["size", "root_hex", "created_at"]
    ordering = ["-size"]
    fields = ["size", "root_hex", "note", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all checkpoints: the newest is served to everybody at /log/checkpoint."""
        del request
        return Checkpoint.objects.all()

    @admin.display(description="Root")
    def root_hex(self, checkpoint: Checkpoint) -> str:
        return bytes(checkpoint.root).hex()


@admin.register(OpenBinding)
class OpenBindingAdmin(ReadOnlyModelAdmin):
    list_display = ["xact_id"]
    ordering = ["-xact_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all: each stands inside one transaction, and nobody sees any."""
        del request
        return OpenBinding.objects.all()


@admin.register(Cosignature)
class CosignatureAdmin(ReadOnlyModelAdmin):
    list_display = ["checkpoint", "vkey", "cosigned_at", "received_at"]
    list_select_related = ["checkpoint"]
    ordering = ["-id"]
    fields = ["checkpoint", "vkey", "line", "cosigned_at", "received_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all cosignatures: they are served to everybody at /log/checkpoint."""
        del request
        return Cosignature.objects.all()


@admin.register(CheckpointTimestamp)
class CheckpointTimestampAdmin(ReadOnlyModelAdmin):
    list_display = ["checkpoint", "authority", "stamped_at", "received_at"]
    list_select_related = ["checkpoint"]
    list_defer = ["response"]
    ordering = ["-id"]
    fields = ["checkpoint", "authority", "stamped_at", "received_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all time-stamps: they are of checkpoints, which everybody may see."""
        del request
        return CheckpointTimestamp.objects.all()
