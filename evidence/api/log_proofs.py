"""The audit log for whoever has a token: its entries, how far an event is, and ready-made proofs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import Principal, principal_of, visible_events
from evidence.api.inputs import QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.digests import sha256_hex
from evidence.errors import NotFound
from evidence.log.tiles import TILE_WIDTH
from evidence.models import AuditEvent, Checkpoint, Scope
from evidence.selectors import log_proofs as log


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


class InclusionQuery(QueryInput):
    """Which signed tree the proof leads to."""

    size = serializers.IntegerField(
        min_value=0, required=False, help_text="As signed; the latest by default."
    )


class ConsistencyQuery(QueryInput):
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


class EntriesQuery(QueryInput):
    """Which leaves of the signed log."""

    begin = serializers.IntegerField(min_value=0, default=0, help_text="Index of the first.")
    count = serializers.IntegerField(
        min_value=1, max_value=TILE_WIDTH, default=TILE_WIDTH, help_text="How many, at most."
    )


class EntryOut(serializers.Serializer[Any]):
    """A leaf, with the bytes that were hashed into it where they are yours to read."""

    index = serializers.IntegerField(help_text="Of the leaf, from 0.")
    leaf_hash = serializers.CharField(help_text="SHA-256(0x00 ‖ entry), hexadecimal.")
    entry = serializers.CharField(allow_null=True, help_text="RFC 8785 JSON in UTF-8; null: withheld.")


class EntriesOut(serializers.Serializer[Any]):
    """Consecutive leaves of a signed tree. All leaf hashes lead to its root, whatever is withheld."""

    size = serializers.IntegerField(help_text="Leaves of the signed tree.")
    checkpoint = serializers.CharField(help_text="C2SP signed note.")
    entries = EntryOut(many=True)


class EntriesView(ScopedView):
    """Entries of the signed log, those that one may not read by their hash alone."""

    scopes = {"GET": Scope.READ}
    queries = {"GET": EntriesQuery}

    @extend_schema(operation_id="log_disclosed_entries", responses=EntriesOut)
    def get(self, request: Request) -> Response:
        """Return up to 256 leaves. Entries of other systems and of what is hidden are withheld, and not told apart."""
        head, begin = log.latest_checkpoint(), self.query["begin"]
        shown = log.read_disclosed_entries(
            begin, begin + self.query["count"], size=head.size, visible=visible_events(principal_of(request))
        )
        return Response(EntriesOut(_entries_body(head, shown)).data)


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
    queries = {"GET": InclusionQuery}

    @extend_schema(
        operation_id="log_inclusion_proof",
        responses=InclusionProofOut,
    )
    def get(self, request: Request, event_uuid: UUID) -> Response:
        """Return the proof in the latest signed tree, or in that of `size`."""
        event = _find_event(principal_of(request), event_uuid)
        body = _inclusion_body(event, self.query.get("size"))
        return Response(InclusionProofOut(body).data)


class ConsistencyProofView(ScopedView):
    """The proof that nothing was changed between two checkpoints."""

    scopes = {"GET": Scope.READ}
    queries = {"GET": ConsistencyQuery}

    @extend_schema(operation_id="log_consistency_proof", responses=ConsistencyProofOut)
    def get(self, _: Request) -> Response:
        """Return the proof from the tree of `old` leaves to that of `new`, both of them signed."""
        old, new = self.query["old"], self.query["new"]
        hashes = log.prove_checkpoints_consistent(old_size=old, new_size=new)
        body = {
            "old": old,
            "new": new,
            "old_root": bytes(log.get_checkpoint(size=old).root).hex(),
            "new_root": bytes(log.get_checkpoint(size=new).root).hex(),
            "hashes": [value.hex() for value in hashes],
        }
        return Response(ConsistencyProofOut(body).data)


def _entries_body(head: Checkpoint, shown: Sequence[log.DisclosedEntry]) -> dict[str, Any]:
    entries = [
        {
            "index": each.index,
            "leaf_hash": each.leaf_hash.hex(),
            "entry": None if each.entry is None else each.entry.decode(),
        }
        for each in shown
    ]
    return {"size": head.size, "checkpoint": head.note, "entries": entries}


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
        "checkpoint": log.cosigned_note(proof.checkpoint),
        "tlog_proof": proof.to_text(),
    }


def _find_event(principal: Principal, event_uuid: UUID) -> AuditEvent:
    event = visible_events(principal).filter(event_uuid=event_uuid).first()
    if event is None:
        raise NotFound(f"There is no event {event_uuid} among those you may see.")
    return event
