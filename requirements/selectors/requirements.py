"""Requirement versions as they stood at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from evidence.actors import all_actors_of
from evidence.clock import AsOf
from evidence.models import System
from evidence.worded import worded
from requirements.errors import RequirementNotFound
from requirements.life import AHEAD
from requirements.models import Baseline, RequirementState, RequirementTransition, RequirementVersion


def state_of(version: RequirementVersion, as_of: AsOf | None = None) -> RequirementState:
    """Return the state a version had at a time, by default now: the last of its transitions.

    Raises:
        RequirementNotFound: the version did not exist then.
    """
    transitions = version.transitions.order_by("-at", "-pk")
    if as_of is not None:
        transitions = transitions.filter(as_of.knew("at"))
    last = transitions.first()
    if last is None:
        raise RequirementNotFound(worded("%(version)s did not exist at that time.", version=version))
    return RequirementState(last.to_state)


def with_state(versions: QuerySet[RequirementVersion], as_of: AsOf | None = None) -> QuerySet[Any]:
    """Annotate versions with `state_now`, what `state_of` says of each."""
    moves = RequirementTransition.objects.filter(as_of.knew("at") if as_of else Q(), version=OuterRef("pk"))
    return versions.annotate(state_now=Subquery(moves.order_by("-at", "-pk").values("to_state")[:1]))


def awaiting_approval_of(person: User) -> QuerySet[Any]:
    """Return the versions in review that a person may approve: they wrote and proposed none, nor did a token of theirs.

    Over an older one a newer that is in review or approved goes first. Adds `since`, when it was proposed.
    """
    mine = all_actors_of(person)
    moves = RequirementTransition.objects.filter(version=OuterRef("pk"))
    own = moves.filter(to_state=RequirementState.IN_REVIEW, by__in=mine)
    later = RequirementVersion.objects.filter(
        requirement=OuterRef("requirement"), number__gt=OuterRef("number")
    )
    waiting = with_state(RequirementVersion.objects.exclude(proposed_by__in=mine)).filter(
        ~Exists(own),
        ~Exists(with_state(later).filter(state_now__in=AHEAD)),
        state_now=RequirementState.IN_REVIEW,
    )
    found: QuerySet[Any] = waiting.annotate(since=Subquery(moves.order_by("-at", "-pk").values("at")[:1]))
    return found


def newest_of(version: RequirementVersion) -> RequirementVersion:
    """Return the newest version of the same requirement."""
    versions = RequirementVersion.objects.filter(requirement=version.requirement)
    return versions.select_related("requirement", "artefact_version").order_by("-number")[0]


def show_standing(version: RequirementVersion) -> dict[str, Any]:
    """Return how a version stands and what it says, for whoever decided on something else."""
    last = version.transitions.order_by("-at", "-pk")[0]
    return {
        "key": version.requirement.key,
        "number": version.number,
        "digest": version.artefact_version.digest,
        "statement": version.statement,
        "state": last.to_state,
        "by": last.by,
        "reason": last.reason,
        "at": last.at.isoformat(),
    }


def find_version(
    system: System, key: str, number: int | None = None, *, as_of: AsOf | None = None
) -> RequirementVersion:
    """Return a requirement's version by number, by default its newest.

    Args:
        as_of: only what was on record then; None: whatever is.

    Raises:
        RequirementNotFound: the system has, or had, no such requirement or version.
    """
    versions = RequirementVersion.objects.filter(requirement__system=system, requirement__key=key)
    if number is not None:
        versions = versions.filter(number=number)
    if as_of is not None:
        versions = versions.filter(as_of.knew("created_at"))
    version = versions.select_related("requirement", "artefact_version").order_by("-number").first()
    if version is None:
        wanted = repr(key)
        if number is not None:
            wanted = worded("%(key)s version %(number)s", key=repr(key), number=number)
        raise RequirementNotFound(
            worded(
                "System %(system_key)s has no requirement %(requirement)s. Import it first.",
                system_key=repr(system.key),
                requirement=wanted,
            )
        )
    return version


def find_versions(system: System, wanted: Sequence[tuple[str, int | None]]) -> list[RequirementVersion]:
    """Return versions by key and number, by default the newest of a key, in the order asked for: one query.

    Raises:
        RequirementNotFound: the system has no such requirement or version.
    """
    versions = RequirementVersion.objects.filter(
        requirement__system=system, requirement__key__in={key for key, _ in wanted}
    )
    known: dict[tuple[str, int | None], RequirementVersion] = {}
    for each in versions.select_related("requirement", "artefact_version").order_by("number"):
        known[each.requirement.key, each.number] = known[each.requirement.key, None] = each
    for key, number in wanted:
        if (key, number) not in known:
            find_version(system, key, number)  # says what there is none of
    return [known[each] for each in wanted]


def approved_versions(system: System, as_of: AsOf) -> Sequence[RequirementVersion]:
    """Return the version of each requirement that was approved at a time, by key."""
    last = (
        RequirementTransition.objects.filter(as_of.knew("at"), version_id=OuterRef("pk"))
        .order_by("-at", "-pk")
        .values("to_state")[:1]
    )
    versions = RequirementVersion.objects.filter(requirement__system=system).annotate(state=Subquery(last))
    approved = versions.filter(state=RequirementState.APPROVED)
    return list(
        approved.select_related("requirement", "artefact_version").order_by("requirement__key", "number")
    )


def find_unfrozen(*, system: System, names: Collection[str]) -> list[str]:
    """Return those of these names under which the system has no baseline, sorted: `settings.GATE_BASELINES`."""
    frozen = Baseline.objects.filter(system=system, name__in=names).values_list("name", flat=True)
    return sorted(set(names) - set(frozen))


def baseline_versions(system: System, name: str, as_of: AsOf) -> Sequence[RequirementVersion]:
    """Return the members of a baseline that was frozen by a time, by key.

    Raises:
        RequirementNotFound: there was none of that name.
    """
    baseline = Baseline.objects.filter(as_of.knew("created_at"), system=system, name=name).first()
    if baseline is None:
        raise RequirementNotFound(
            worded(
                "System %(system_key)s has no baseline %(name)s.",
                system_key=repr(system.key),
                name=repr(name),
            )
        )
    members = baseline.members.select_related("version__requirement__system", "version__artefact_version")
    return [member.version for member in members.order_by("version__requirement__key", "version__number")]
