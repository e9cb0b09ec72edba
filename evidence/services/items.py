"""Putting evidence forward: the one place where an item is stored, with what it was measured on and what it opens."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from evidence import clock
from evidence.models import Evidence, EvidenceLink, Layer, Release, Role
from evidence.services import audit
from evidence.services.defeaters import open_defeater


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDraft:
    """What is put forward; the columns of `Evidence` say what each is."""

    source: str
    digest: str
    layer: Layer
    role: Role
    kind: str
    title: str
    owner: str
    review_every_days: int
    observed_from: datetime
    observed_to: datetime
    collected_at: datetime
    summary: Mapping[str, object] = field(default_factory=dict)


@transaction.atomic
def put_forward(*, draft: ItemDraft, release: Release, slots: Collection[str], actor: str) -> Evidence:
    """Store an item for a release, linked to what it pins in `slots`; one that counters opens a doubt.

    An item that is on record is answered with.
    """
    told = {name: getattr(draft, name) for name in ItemDraft.__slots__}
    once = {"system": release.system, "source": told.pop("source"), "digest": told.pop("digest")}
    item, created = Evidence.objects.get_or_create(**once, defaults={**told, "received_at": clock.now()})
    if created:
        pins = release.pins.filter(slot__in=slots)
        EvidenceLink.objects.bulk_create(
            EvidenceLink(evidence=item, slot=pin.slot, version_id=pin.version_id) for pin in pins
        )
        audit.record(
            verb="evidence.attached", actor=actor, obj=item, system=release.system, digest=item.digest
        )
        if item.role == Role.COUNTER:
            open_defeater(evidence=item, release=release, actor=actor)
    return item
