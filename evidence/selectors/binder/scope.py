"""What a binder is about, and how its rows are read: in one order, a page at a time, nothing newer than `as_of`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Final, TypedDict, TypeVar, overload

from django.db import models

from evidence import clock
from evidence.binder.statement import iso_utc
from evidence.clock import AsOf
from evidence.digests import digest_of, large_number_as_text
from evidence.models import ArtefactVersion, Binder, BinderRequest, Release, System

PAGE: Final = 200  # rows held in memory at a time, with what belongs to them

_M = TypeVar("_M", bound=models.Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedScope:
    """What somebody asks to have packed."""

    system: System
    release: Release
    period_from: datetime  # inclusive, of a trace's start
    period_to: datetime  # exclusive
    baseline: str = ""  # name of a requirements baseline; empty: the requirements approved at `as_of`
    as_of: datetime | None = None  # nothing recorded later is packed; None: now

    def as_of_then(self, as_of: AsOf) -> BinderScope:
        """Return the scope that this is, as of what had been committed by then."""
        begin, end = self.period_from.astimezone(UTC), self.period_to.astimezone(UTC)
        return BinderScope(self.system, self.release, self.baseline, begin, end, as_of)


@dataclass(frozen=True, slots=True)
class BinderScope:
    """Which evidence a binder holds: a release of a system, its traces of a period, as known at one instant."""

    system: System
    release: Release
    baseline: str  # name of a requirements baseline; empty: the versions approved at `as_of`
    period_from: datetime  # inclusive, of a trace's start
    period_to: datetime  # exclusive
    as_of: AsOf  # nothing that was not on record then is in the binder

    @property
    def digest(self) -> str:
        """SHA-256 over the scope: the same scope has the same one on every server."""
        return digest_of(
            {
                "system": self.system.key,
                "release": self.release.digest,
                "release_name": self.release.name,
                "baseline": self.baseline,
                "period_from": iso_utc(self.period_from.astimezone(UTC)),
                "period_to": iso_utc(self.period_to.astimezone(UTC)),
                "as_of": iso_utc(self.as_of.at.astimezone(UTC)),
            }
        )


def scope_of(binder: Binder | BinderRequest) -> BinderScope:
    """Return what a binder is about, exported or asked for."""
    return BinderScope(
        binder.system,
        binder.release,
        binder.baseline,
        binder.period_from,
        binder.period_to,
        clock.as_of(binder.as_of),
    )


def read_by_keyset(queryset: models.QuerySet[_M], *, size: int = PAGE) -> Iterator[_M]:
    """Yield rows by primary key, `size` at a time, with the queryset's prefetches made for each page."""
    for page in read_pages(queryset, size=size):
        yield from page


def read_pages(queryset: models.QuerySet[_M], *, size: int = PAGE) -> Iterator[list[_M]]:
    """Yield pages of rows by primary key."""
    ordered = queryset.order_by("pk")
    page = list(ordered[:size])
    while page:
        yield page
        page = list(ordered.filter(pk__gt=page[-1].pk)[:size])


def plain(value: object) -> object:
    """Return a stored value as JSON that has one canonical form.

    Times are ISO 8601 in UTC, ids hexadecimal; integers that JSON readers would round, and anything JSON does
    not have, are text. The kinds that most values are of are asked for before those that take long to recognise.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return large_number_as_text(value)
    if isinstance(value, float):
        return large_number_as_text(value) if isfinite(value) else str(value)
    if isinstance(value, dict | Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | Sequence | set | frozenset) and not isinstance(value, bytes | memoryview):
        return [plain(item) for item in value]
    return _plain_scalar(value)


class VersionReference(TypedDict):
    """How a file of a binder names a version that another file describes."""

    slot: str
    kind: str
    key: str
    number: int
    label: str
    digest: str


def version_reference(version: ArtefactVersion, *, slot: str) -> VersionReference:
    """Return how other files name a version. Needs `artefact` loaded."""
    return {
        "slot": slot,
        "kind": version.artefact.kind,
        "key": version.artefact.key,
        "number": version.number,
        "label": version.label,
        "digest": version.digest,
    }


@overload
def moment(value: datetime) -> str: ...
@overload
def moment(value: None) -> None: ...
@overload
def moment(value: datetime | None) -> str | None: ...
def moment(value: datetime | None) -> str | None:
    """Return a stored time as the binder writes it; None stays None."""
    return iso_utc(value.astimezone(UTC)) if value is not None else None


def _plain_scalar(value: object) -> object:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)
