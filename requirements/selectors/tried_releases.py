"""Releases of a system that a criterion judged one after another, until one met it: each was judged by all of alpha.

Looks are counted on what a release pins. So whoever freezes release after release that differ in nothing that matters
looks as often, each time with a fresh count. Nothing can tell such a release from an improvement, and so no verdict
hangs on this: a decision names them, for who reads it to judge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Min, Q

from evidence.clock import AsOf
from evidence.gate_reasons import TriedTold
from evidence.models import Release, ReleasePin
from evidence.vocabulary import CriterionVerdict
from requirements.models import AcceptanceCriterion, Assessment

_NAMED: Final = 20  # releases that are named, the last ones


@dataclass(frozen=True, slots=True)
class Tried:
    """A release, or several that pin the same, as one criterion judged it."""

    name: str  # of the one that was judged first
    pins: frozenset[str]  # digests
    first: datetime  # when something was measured of it first
    met: datetime | None  # when it met the criterion first


def tell_tries(
    criteria: Collection[AcceptanceCriterion], release: Release, as_of: AsOf
) -> dict[int, TriedTold]:
    """Return by criterion's id which releases it judged since one met it, this one last; of one alone, nothing is told.

    A criterion that a new version of its requirement keeps word for word is the same.
    """
    judged = _judged(criteria, release, as_of)
    pins = _pins({pk for of in judged.values() for pk, *_ in of} | {release.pk})
    told = {}
    for each in criteria:
        tries = [
            Tried(name, pins[pk], first, met)
            for pk, name, first, met in judged.get(each.artefact_version_id, ())
        ]
        names = [tried.name for tried in since_last_pass(tries, pins[release.pk])]
        if names:
            told[each.pk] = _told([*names, release.name], 1 - each.bound_confidence)
    return told


def since_last_pass(tries: Iterable[Tried], pins: frozenset[str]) -> list[Tried]:
    """Return the other releases that were judged since one of them first met the criterion, in their order.

    Args:
        pins: of the release in question. What pins the same is the same release.
    """
    others: dict[frozenset[str], Tried] = {}
    for tried in sorted(tries, key=lambda tried: (tried.first, tried.name)):
        if tried.pins != pins:
            known = others.get(tried.pins, tried)
            met = min((each.met for each in (known, tried) if each.met is not None), default=None)
            others[tried.pins] = Tried(known.name, known.pins, known.first, met)
    passed = max((tried.met for tried in others.values() if tried.met is not None), default=None)
    return [tried for tried in others.values() if passed is None or tried.first > passed]


def _told(names: list[str], alpha: float) -> TriedTold:
    return {
        "releases": names[-_NAMED:],
        "number": len(names),
        "alpha": alpha,
        "together": 1 - (1 - alpha) ** len(names),
    }


def _judged(
    criteria: Collection[AcceptanceCriterion], release: Release, as_of: AsOf
) -> Mapping[int, list[tuple[int, str, datetime, datetime | None]]]:
    """Return by identity of a criterion the releases of the system that it measured something of, and when."""
    measured = Assessment.objects.filter(
        as_of.knew("as_of"),
        criterion__artefact_version__in={each.artefact_version_id for each in criteria},
        release__system=release.system_id,
        value__isnull=False,
    )
    rows = measured.values_list("criterion__artefact_version", "release", "release__name").annotate(
        first=Min("as_of"), met=Min("as_of", filter=Q(verdict=CriterionVerdict.MET))
    )
    found: dict[int, list[tuple[int, str, datetime, datetime | None]]] = {}
    for identity, pk, name, first, met in rows:
        found.setdefault(identity, []).append((pk, name, first, met))
    return found


def _pins(releases: Collection[int]) -> Mapping[int, frozenset[str]]:
    """Return the digests that each release pins: neither names nor slots tell one from another."""
    found: dict[int, set[str]] = {pk: set() for pk in releases}
    pinned = ReleasePin.objects.filter(release__in=releases).values_list("release", "version__digest")
    for pk, digest in pinned:
        found[pk].add(digest)
    return {pk: frozenset(digests) for pk, digests in found.items()}
