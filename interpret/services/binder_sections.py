"""What `interpret` puts into a binder: findings put forward as evidence, in words and intervals, never internals.

A binder is read by people who may not see features, activations or detectors. So it is made of what a finding
said when it was put forward (`evidence.Evidence.summary`), and of no table of `interpret`; which findings hold for the
release is asked where pages ask it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from django.db.models import Prefetch

from evidence.binder.files import BinderFile, json_file
from evidence.models import Evidence, EvidenceLink, Layer
from evidence.selectors.binder.scope import (
    BinderScope,
    VersionReference,
    moment,
    plain,
    read_by_keyset,
    version_reference,
)
from interpret.contracts import ComparisonKind
from interpret.selectors.findings import items_for


class ComparisonDocument(TypedDict):
    """What the statistic is held against: its name, what it is, and its interval over `n` units."""

    name: str
    what: str
    value: float | None
    low: float | None
    high: float | None
    n: object


class FindingDocument(TypedDict):
    """A finding's file, as its JSON is; `evidence/binder/schemas/finding.json` says the same."""

    id: str
    role: str
    title: str
    statistic: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    confidence: float | None
    n: object
    comparisons: list[ComparisonDocument]
    status: str
    claim: str
    doesNotShow: str
    languages: object
    modelDigest: object
    probeVersion: object
    stale: bool
    observedFrom: str
    observedTo: str
    validUntil: str | None
    digest: str
    measuredOn: list[VersionReference]


def interpretability_sections(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield one file a finding of the system that was put forward by `as_of`; of other versions, as stale."""
    links = Prefetch(
        "links", EvidenceLink.objects.select_related("version__artefact").order_by("slot", "version_id")
    )
    items = Evidence.objects.filter(
        scope.as_of.knew("received_at"), system=scope.system, layer=Layer.MECHANISTIC
    ).prefetch_related(links)
    held = set(items_for(scope.release).values_list("pk", flat=True))
    for item in read_by_keyset(items):
        yield json_file(
            f"interpretability/{item.pk}.json",
            _finding(scope, item, holds=item.pk in held),
            title=f"Finding: {item.title} / 可解释性发现",
            schema="finding",
        )


def _finding(scope: BinderScope, item: Evidence, *, holds: bool) -> FindingDocument:
    said = _said(item)
    links = list(item.links.all())
    expired = item.valid_until is not None and item.valid_until <= scope.as_of.at
    return {
        "id": str(item.pk),
        "role": item.role,
        "title": item.title,
        "statistic": str(said.get("statistic", "")),
        "unit": str(said.get("unit", "")),
        "value": _number(said.get("value")),
        "low": _number(said.get("low")),
        "high": _number(said.get("high")),
        "confidence": _number(said.get("confidence")),
        "n": said.get("n"),
        "comparisons": [
            _comparison(kind, measured)
            for kind in ComparisonKind
            if isinstance(measured := said.get(kind.value), Mapping)
        ],
        "status": str(said.get("status", "")),
        "claim": str(said.get("claim", "")),
        "doesNotShow": str(said.get("does_not_show", "")),
        "languages": plain(said.get("languages", [])),
        "modelDigest": said.get("model_digest"),
        "probeVersion": said.get("probe_version"),
        "stale": expired or not holds,
        "observedFrom": moment(item.observed_from),
        "observedTo": moment(item.observed_to),
        "validUntil": moment(item.valid_until),
        "digest": item.digest,
        "measuredOn": [version_reference(link.version, slot=link.slot) for link in links],
    }


def _said(item: Evidence) -> Mapping[str, object]:
    """Return the summary, a `FindingSummary` where we wrote it; what else may lie in the column is not trusted."""
    return item.summary if isinstance(item.summary, dict) else {}


def _comparison(kind: ComparisonKind, measured: Mapping[str, object]) -> ComparisonDocument:
    return {
        "name": kind.value,
        "what": str(measured.get("what", "")),
        "value": _number(measured.get("value")),
        "low": _number(measured.get("low")),
        "high": _number(measured.get("high")),
        "n": measured.get("n"),
    }


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
