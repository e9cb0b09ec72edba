"""Evidence items. Those that counter come first, all of them, and no option leaves any out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.db.models import Prefetch, QuerySet

from evidence.binder.files import BinderFile, json_lines_file
from evidence.finding_summary import SUMMARY_FIELDS
from evidence.models import Evidence, EvidenceLink, Layer, Role
from evidence.selectors.binder.scope import BinderScope, moment, plain, read_by_keyset, version_reference


def counter_evidence(scope: BinderScope) -> BinderFile:
    """Return every item of the system that counters, whatever release or period it is of."""
    items = _items(scope).filter(role=Role.COUNTER)
    return json_lines_file(
        "evidence/counter.jsonl",
        lambda: _rows(scope, items),
        title="Counter evidence / 反面证据",
        schema="evidence-item",
        population="counter-evidence",
    )


def other_evidence(scope: BinderScope) -> BinderFile:
    """Return every other item of the system."""
    items = _items(scope).exclude(role=Role.COUNTER)
    return json_lines_file(
        "evidence/items.jsonl",
        lambda: _rows(scope, items),
        title="Evidence items / 证据条目",
        schema="evidence-item",
        population="evidence-items",
    )


def _items(scope: BinderScope) -> QuerySet[Evidence]:
    links = Prefetch(
        "links", EvidenceLink.objects.select_related("version__artefact").order_by("slot", "version_id")
    )
    return Evidence.objects.filter(scope.as_of.knew("received_at"), system=scope.system).prefetch_related(
        links
    )


def _rows(scope: BinderScope, items: QuerySet[Evidence]) -> Iterator[dict[str, object]]:
    return (_item(scope, item) for item in read_by_keyset(items))


def _item(scope: BinderScope, item: Evidence) -> dict[str, object]:
    return {
        "id": str(item.pk),
        "layer": item.layer,
        "role": item.role,
        "kind": item.kind,
        "title": item.title,
        "source": item.source,
        "owner": item.owner,
        "reviewEveryDays": item.review_every_days,
        "observedFrom": moment(item.observed_from),
        "observedTo": moment(item.observed_to),
        "collectedAt": moment(item.collected_at),
        "receivedAt": moment(item.received_at),
        "validUntil": moment(item.valid_until),
        "expired": item.valid_until is not None and item.valid_until <= scope.as_of.at,
        "digest": item.digest,
        "links": [version_reference(link.version, slot=link.slot) for link in item.links.all()],
        "summary": plain(_summary(item)),
    }


def _summary(item: Evidence) -> Mapping[str, object]:
    """Return the summary; of a mechanistic item, only what people may read who may not see internals."""
    said: Mapping[str, object] = item.summary
    if item.layer != Layer.MECHANISTIC:
        return said
    return {key: value for key, value in said.items() if key in SUMMARY_FIELDS}
