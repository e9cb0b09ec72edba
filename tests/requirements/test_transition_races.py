"""Approvals, imports and retirements of one requirement beside each other, in whatever order their statements come.

No pair ends in a state that neither asked for, and whoever comes second is told whose step was first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from evidence.errors import ConflictingContent
from requirements.errors import DecidedBefore, DecisionOutdated, NewerVersionAhead
from requirements.models import RequirementTransition, RequirementVersion, RetirementRequest
from requirements.selectors.requirements import state_of
from requirements.services.requirements import import_requirements
from requirements.services.retirements import settle_retirement
from tests.factories import World, acting, make_world
from tests.interleaving import Act, interleave, raise_problems
from tests.requirements.builders import APPROVER, AUTHOR, ask_to_retire, move, read, requirement_file

pytestmark = pytest.mark.django_db(transaction=True)

BOB, BEA = APPROVER, "user:bea"


@pytest.fixture
def world(transactional_db: None) -> World:
    """A world that is committed."""
    return make_world()


def load(world: World, key: str, threshold: float = 0.7) -> RequirementVersion:
    source = requirement_file(key=key, threshold=threshold)
    result = import_requirements(
        system=world.system, source=source, file_name="r.yaml", principal=acting(AUTHOR)
    )
    return result.requirements[0].version


def proposed(world: World, key: str, threshold: float = 0.7) -> RequirementVersion:
    version = load(world, key, threshold)
    move(version, "in_review", AUTHOR)
    return version


def approve_as(by: str, version: RequirementVersion) -> Callable[[], object]:
    return partial(move, version, "approved", by, f"by {by}", read=read(version, warnings=True))


def grant_as(by: str, request: RetirementRequest) -> Callable[[], object]:
    return partial(settle_retirement, principal=acting(by), request=request, to_state="confirmed")


def the_other(acts: Sequence[Act], *expected: type[Exception]) -> Act:
    """Return the act that came second: the only one that was refused, with one of these."""
    (lost,) = [act for act in acts if act.problem is not None]
    assert isinstance(lost.problem, expected)
    return lost


def two_approvals(world: World, key: str, seed: int) -> None:
    version = proposed(world, key)
    acts = interleave(seed, [approve_as(BOB, version), approve_as(BEA, version)])
    lost = the_other(acts, DecidedBefore)
    (won,) = version.transitions.filter(to_state="approved")
    assert won.by == (BEA if lost is acts[0] else BOB)
    assert f"{won.by} moved it to approved" in str(lost.problem)
    assert "not stored" in str(lost.problem)


def an_older_version_beside_a_newer(world: World, key: str, seed: int) -> None:
    older, newer = proposed(world, key), proposed(world, key, 0.9)
    acts = interleave(seed, [approve_as(BOB, older), approve_as(BEA, newer)])
    lost = the_other(acts, NewerVersionAhead)
    assert lost is acts[0]
    assert f"{newer} is newer" in str(lost.problem)
    assert (state_of(older), state_of(newer)) == ("in_review", "approved")


def an_approval_beside_a_retirement(world: World, key: str, seed: int) -> None:
    version = proposed(world, key)
    asked = ask_to_retire(version)
    acts = interleave(seed, [approve_as(BOB, version), grant_as(BEA, asked)])
    lost = the_other(acts, DecisionOutdated, ConflictingContent)
    assert state_of(version) == ("retired" if lost is acts[0] else "approved")
    assert (BEA if lost is acts[0] else BOB) in str(lost.problem)


def two_retirements(world: World, key: str, seed: int) -> None:
    version = proposed(world, key)
    acts = interleave(seed, [partial(ask_to_retire, version, by) for by in (BOB, BEA)])
    request = RetirementRequest.objects.get(version=version)
    assert request.requested_by in str(the_other(acts, ConflictingContent).problem)
    acts = interleave(seed, [grant_as(by, request) for by in ("user:cai", "user:dee")])
    (won,) = version.transitions.filter(to_state="retired")
    assert won.by in str(the_other(acts, ConflictingContent).problem)


def an_approval_beside_an_import(world: World, key: str, seed: int) -> None:
    version = proposed(world, key)
    acts = interleave(seed, [approve_as(BOB, version), partial(load, world, key, 0.9)])
    raise_problems(acts)
    states = [state_of(each) for each in version.requirement.versions.order_by("number")]
    assert states == ["approved", "draft"]


def a_retirement_beside_an_import_of_its_text(world: World, key: str, seed: int) -> None:
    version = proposed(world, key)
    acts = interleave(seed, [grant_as(BOB, ask_to_retire(version)), partial(load, world, key)])
    raise_problems(acts)
    states = [state_of(each) for each in version.requirement.versions.order_by("number")]
    assert states in (["retired"], ["retired", "draft"])
    assert state_of(load(world, key)) == "draft"  # whichever came first, there is a way on


PAIRS = (
    two_approvals,
    an_older_version_beside_a_newer,
    an_approval_beside_a_retirement,
    two_retirements,
    an_approval_beside_an_import,
    a_retirement_beside_an_import_of_its_text,
)


def race(world: World, seeds: Sequence[int]) -> None:
    for seed in seeds:
        for number, pair in enumerate(PAIRS):
            pair(world, f"r{seed}-{number}", seed)
    each = RequirementTransition.objects.filter(to_state="approved").values_list("version_id", flat=True)
    assert len(each) == len(set(each))


def test_of_two_that_race_one_comes_first_and_the_other_is_told(world: World) -> None:
    race(world, range(2))


@pytest.mark.soak
def test_of_two_that_race_in_hundreds_of_orders_one_comes_first_and_the_other_is_told(world: World) -> None:
    race(world, range(100, 300))
