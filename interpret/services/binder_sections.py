"""What `interpret` puts into a binder: findings put forward as evidence, in words and intervals, never internals.

A binder is read by people who may not see features, activations or detectors. So it is made of what a finding
said when it was put forward (`evidence.Evidence.summary`), and of no table of `interpret`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from django.db.models import Prefetch

from evidence.binder.files import BinderFile, json_file
from evidence.models import Evidence, EvidenceLink, Layer, ReleasePin
from evidence.selectors.binder.scope import BinderScope, moment, plain, read_by_keyset, version_reference

_COMPARED: Final = ("baseline", "null", "control")


def interpretability_sections(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield one file a finding of the system that was put forward by `as_of`; of other versions, as stale."""
    links = Prefetch(
        "links", EvidenceLink.objects.select_related("version__artefact").order_by("slot", "version_id")
    )
    items = Evidence.objects.filter(
        system=scope.system, layer=Layer.MECHANISTIC, received_at__lte=scope.as_of
    ).prefetch_related(links)
    pinned = set(ReleasePin.objects.filter(release=scope.release).values_list("version_id", flat=True))
    for item in read_by_keyset(items):
        yield json_file(
            f"interpretability/{item.pk}.json",
            _finding(scope, item, pinned),
            title=f"Finding: {item.title} / 可解释性发现",
            schema="finding",
        )


def _finding(scope: BinderScope, item: Evidence, pinned: set[int]) -> dict[str, object]:
    said = item.summary if isinstance(item.summary, dict) else {}
    links = list(item.links.all())
    expired = item.valid_until is not None and item.valid_until <= scope.as_of
    return {
        "id": str(item.pk),
        "role": item.role,
        "title": item.title,
        "statistic": str(said.get("statistic", "")),
        "unit": str(said.get("unit", "")),
        **{name: _number(said.get(name)) for name in ("value", "low", "high", "confidence")},
        "n": said.get("n"),
        "comparisons": [
            {"name": name, **_comparison(said[name])}
            for name in _COMPARED
            if isinstance(said.get(name), Mapping)
        ],
        "status": str(said.get("status", "")),
        "claim": str(said.get("claim", "")),
        "doesNotShow": str(said.get("does_not_show", "")),
        "languages": plain(said.get("languages", [])),
        "modelDigest": said.get("model_digest"),
        "probeVersion": said.get("probe_version"),
        "stale": expired or not links or any(link.version_id not in pinned for link in links),
        "observedFrom": moment(item.observed_from),
        "observedTo": moment(item.observed_to),
        "validUntil": moment(item.valid_until),
        "digest": item.digest,
        "measuredOn": [version_reference(link.version, slot=link.slot) for link in links],
    }


def _comparison(measured: Mapping[str, object]) -> dict[str, object]:
    numbers = {name: _number(measured.get(name)) for name in ("value", "low", "high")}
    return {"what": str(measured.get("what", "")), "n": measured.get("n"), **numbers}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
