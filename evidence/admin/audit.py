"""Audit events. Their erasable payloads are registered for completeness and shown to no role."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import short_digest
from evidence.admin.frame.filters import recent, related
from evidence.models import AuditEvent, AuditPayload


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyModelAdmin):
    list_display = ["verb", "actor", "object_type", "object_id", "system", "digest_start", "occurred_at"]
    list_filter = [related("system"), recent("object_type")]
    list_select_related = ["system"]
    list_defer = ["entry"]
    search_fields = ["=actor", "=verb", "=object_digest"]
    ordering = ["-id"]
    fields = [
        "event_uuid", "verb", "actor", "object_type", "object_id", "object_digest", "payload_commitment", "as_hashed",
        "system", "occurred_at",
    ]  # fmt: skip
    chain = [
        ChainLink("Its place in the log", "evidence.leaf", "event__id__exact"),
        ChainLink("Events of the same object", "evidence.auditevent", "object_id__exact", "object_id"),
    ]

    @admin.display(description="Digest")
    def digest_start(self, event: AuditEvent) -> str:
        return short_digest(event.object_digest)

    @admin.display(description="Entry, as hashed into the log")
    def as_hashed(self, event: AuditEvent) -> str:
        return bytes(event.entry).decode("utf-8")


@admin.register(AuditPayload)
class AuditPayloadAdmin(ReadOnlyModelAdmin):
    list_display = ["event", "size"]
    list_select_related = ["event"]
    list_defer = ["salt"]
    ordering = ["-event_id"]
    kept_columns = ["payload", "salt"]
    fields = ["event", "size"]

    @admin.display(description="Size")
    def size(self, payload: AuditPayload) -> str:
        return gettext("%(n)s bytes") % {"n": len(payload.payload)}
