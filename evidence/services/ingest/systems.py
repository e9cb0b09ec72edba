"""Which system an item belongs to, and whether the token may write there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson

from evidence.access import Principal
from evidence.models import System
from evidence.otlp.errors import RejectCode
from evidence.otlp.groups import dump_rejected
from evidence.otlp.limits import Limits
from evidence.otlp.records import EvaluationRecord, RejectRecord, SpanRecord
from evidence.services.registry import systems_of_services

_UNNAMED: Final = "unknown_service"  # OpenTelemetry's word, alone or before the name of the program
_JSON_FIELDS = ("attributes", "events", "links", "resource", "scope")


@dataclass(frozen=True, slots=True)
class WritableSystems:
    """The systems a token writes to, by key."""

    by_key: Mapping[str, System]
    # Services with the systems they are part of, once this request has asked.
    _services: list[Mapping[str, Collection[int]]] = field(default_factory=list)

    @classmethod
    def of(cls, principal: Principal) -> WritableSystems:
        """Return the systems of a principal."""
        return cls(_find_systems(principal.system_ids))

    @property
    def only(self) -> System | None:
        """The system, where the token writes to one only."""
        return next(iter(self.by_key.values())) if len(self.by_key) == 1 else None

    def named(self, key: str) -> System | None:
        """Return the system that a resource means: by its key, by a service that is part of it, or as the only one.

        A resource without a name, or with the one that SDKs put where none is set, means the token's only system.
        """
        system = self.by_key.get(key)
        if system is not None:
            return system
        if not key or key.startswith(_UNNAMED):
            return self.only
        meant = self._with_service(key)
        return meant[0] if len(meant) == 1 else None

    def _with_service(self, name: str) -> list[System]:
        """Return the systems of which a service is part. All services are asked for at once, whatever is sent."""
        by_id = {system.pk: system for system in self.by_key.values()}
        if not self._services:
            self._services.append(systems_of_services(by_id))
        return [by_id[pk] for pk in sorted(self._services[0].get(name, ()))]

    def of_reject(self, reject: RejectRecord) -> System | None:
        """Return the system whose people may see a refusal: the one named, else the token's only one."""
        return self.named(reject.system_key) or self.only

    def traces_of(self, rejects: Iterable[RejectRecord]) -> frozenset[tuple[int, str]]:
        """Return the traces that refused items are of, with their systems: with all, where that cannot be told."""
        found: set[tuple[int, str]] = set()
        for reject in rejects:
            if reject.trace_id:
                system = self.of_reject(reject)
                systems = [system] if system is not None else self.by_key.values()
                found.update((one.pk, reject.trace_id) for one in systems)
        return frozenset(found)

    def spoken_of(self, claimed: Iterable[int], rejects: Iterable[RejectRecord]) -> list[System]:
        """Return the systems whose items a request held.

        Where that of a refused item cannot be told, or there was no item, it may speak of any: then these are all.

        Args:
            claimed: ids of the systems of what was taken.
        """
        refused = {self.of_reject(reject) for reject in rejects}
        held = set(claimed) | {system.pk for system in refused if system is not None}
        unknown = None in refused or not held
        return [system for system in self.by_key.values() if unknown or system.pk in held]

    def claim_spans(
        self, spans: Iterable[SpanRecord], limits: Limits
    ) -> tuple[list[tuple[int, SpanRecord]], list[RejectRecord]]:
        """Return the spans with the ids of their systems, and refusals of those that may not be written."""
        claimed: list[tuple[int, SpanRecord]] = []
        refused: list[RejectRecord] = []
        meant: dict[str, System | None] = {}
        for span in spans:
            key = span.system_key
            if key not in meant:
                meant[key] = self.named(key)
            system = meant[key]
            if system is None:
                refused.append(refuse_span(span, *self._explain(span.system_key), limits))
            else:
                claimed.append((system.pk, span))
        return claimed, refused

    def claim_evaluations(
        self, events: Iterable[EvaluationRecord], limits: Limits
    ) -> tuple[list[tuple[System, EvaluationRecord]], list[RejectRecord]]:
        """Return the events with their systems, and refusals of those that may not be written."""
        claimed: list[tuple[System, EvaluationRecord]] = []
        refused: list[RejectRecord] = []
        for event in events:
            system = self.named(event.system_key)
            if system is None:
                refused.append(_refuse_event(event, *self._explain(event.system_key), limits))
            else:
                claimed.append((system, event))
        return claimed, refused

    def _explain(self, key: str) -> tuple[RejectCode, str]:
        """Return why a system cannot be written to. Whether it exists is not for every token to know."""
        if not key or key.startswith(_UNNAMED):
            return (
                RejectCode.MISSING_SYSTEM,
                "the resource names no system, and the token writes to several: set service.name or tracebinder.system",
            )
        shown = key[:100]
        if self._with_service(key):
            return (
                RejectCode.SYSTEM_NOT_PERMITTED,
                f"service {shown!r} is part of several systems the token writes to: set tracebinder.system",
            )
        return (
            RejectCode.SYSTEM_NOT_PERMITTED,
            f"the token may not write to system {shown!r}, or there is none, and an operator declares no such service",
        )


@lru_cache(maxsize=256)
def _find_systems(system_ids: frozenset[int]) -> Mapping[str, System]:
    """Return systems by key. Their rows are append-only, so what was read once stays true."""
    return {system.key: system for system in System.objects.filter(pk__in=system_ids)}


def refuse_span(span: SpanRecord, code: RejectCode, detail: str, limits: Limits) -> RejectRecord:
    """Return the refusal of a span that could be read."""
    names = SpanRecord._fields  # noqa: SLF001  # a NamedTuple's public attribute
    fields: dict[str, Any] = dict(zip(names, span, strict=True))
    for name in _JSON_FIELDS:
        fields[name] = orjson.loads(fields[name])
    return RejectRecord(
        position=span.position,
        code=code,
        detail=detail,
        system_key=span.system_key,
        trace_id=span.trace_id,
        span_id=span.span_id,
        item_digest=span.digest,
        item=dump_rejected(fields, limits),
    )


def _refuse_event(event: EvaluationRecord, code: RejectCode, detail: str, limits: Limits) -> RejectRecord:
    fields = {
        "name": event.name,
        "observed_ns": event.observed_ns,
        "attributes": orjson.loads(event.attributes),
    }
    return RejectRecord(
        position=event.position,
        code=code,
        detail=detail,
        system_key=event.system_key,
        trace_id=event.trace_id,
        span_id=event.span_id,
        item_digest=event.digest,
        item=dump_rejected(fields, limits),
    )
