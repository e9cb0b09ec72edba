"""Baselines beside each other: which versions are new, gone, or another, and what the words of a change are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from evidence.models import System
from evidence.nearest import hint_at, nearest_name
from evidence.worded import worded
from requirements.errors import RequirementNotFound
from requirements.models import Baseline, RequirementVersion

_MOST_NAMED: Final = 20  # of each list in a sentence


@dataclass(frozen=True, slots=True)
class BaselineDifference:
    """What differs between two sets of requirement versions, by key."""

    added: tuple[RequirementVersion, ...]
    removed: tuple[RequirementVersion, ...]
    changed: tuple[tuple[RequirementVersion, RequirementVersion], ...]  # before, after
    n_same: int


def find_baseline(system: System, name: str) -> Baseline:
    """Return a baseline of a system.

    Raises:
        RequirementNotFound: it has none of that name; names the nearest.
    """
    baselines = Baseline.objects.filter(system=system)
    found = baselines.select_related("system").filter(name=name).first()
    if found is None:
        nearest = nearest_name(name, list(baselines.values_list("name", flat=True)))
        raise RequirementNotFound(
            worded(
                "System %(system_key)s has no baseline %(name)s; %(hint)s",
                system_key=repr(system.key),
                name=repr(name),
                hint=hint_at(nearest, ends=True),
            )
        )
    return found


def compare_baselines(before: Baseline, after: Baseline) -> BaselineDifference:
    """Return what differs between two baselines of a system: two queries."""
    return compare_versions(_members(before), _members(after))


def compare_versions(
    before: Iterable[RequirementVersion], after: Iterable[RequirementVersion]
) -> BaselineDifference:
    """Return what differs between two sets of versions, with their requirements loaded."""
    old, new = _by_key(before), _by_key(after)
    both = [(old[key], new[key]) for key in sorted(old.keys() & new.keys())]
    return BaselineDifference(
        added=tuple(new[key] for key in sorted(new.keys() - old.keys())),
        removed=tuple(old[key] for key in sorted(old.keys() - new.keys())),
        changed=tuple((one, other) for one, other in both if one.pk != other.pk),
        n_same=sum(one.pk == other.pk for one, other in both),
    )


def difference_from(baseline: Baseline, versions: Iterable[RequirementVersion]) -> str:
    """Say how a set of versions differs from a baseline: what is missing, what it does not hold, what is another."""
    found = compare_versions(_members(baseline), versions)
    changed = [f"{one} -> v{other.number}" for one, other in found.changed]
    parts = {
        "missing": [str(each) for each in found.removed],
        "not in it": [str(each) for each in found.added],
        "of another version": changed,
    }
    return "; ".join(f"{_named(names)} {said}" for said, names in parts.items() if names)


def _members(baseline: Baseline) -> list[RequirementVersion]:
    members = baseline.members.select_related("version__requirement", "version__artefact_version")
    return [member.version for member in members]


def _by_key(versions: Iterable[RequirementVersion]) -> Mapping[str, RequirementVersion]:
    return {version.requirement.key: version for version in versions}


def _named(names: Collection[str]) -> str:
    shown = list(names)[:_MOST_NAMED]
    more = len(names) - len(shown)
    return f"{', '.join(shown)}{f' and {more} more' if more else ''}"
