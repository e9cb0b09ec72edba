"""What the demo's people decide, they decide as two, and a demo that is run again finds it decided."""

from __future__ import annotations

import pytest

from evidence.access import principal_of_user
from evidence.models import Adjudication, System
from evidence.selectors.gates import find_deciding, standing_of
from evidence.services.gates import find_gate_version
from examples.demo import governance, people
from requirements.services.requirements import import_requirements
from requirements.starter import read_starter
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague
from tests.factories import World

BASELINE = "demo-1"


@pytest.fixture
def system(db: None) -> System:
    """A system of the demo, whose starter requirements its author has imported."""
    del db
    found = people.set_up({"credit-assistant": "Credit Assistant"}).systems["credit-assistant"]
    import_requirements(
        principal=people.acting("ana"), system=found, source=read_starter(), file_name="starter.yaml"
    )
    return found


def test_both_gates_are_proposed_by_the_author_and_approved_by_the_approver_once(system: System) -> None:
    author, approver = (principal_of_user(people.acting(name).person).actor for name in ("ana", "pia"))
    for _ in range(2):
        governance.approve_requirements(system, BASELINE)
        for key in governance.GATES:
            deciding = find_deciding(system, key)
            assert deciding == find_gate_version(system, key, 1)
            standing = standing_of(deciding)
            assert standing is not None
            assert (standing.proposed_by, standing.approved_by) == ((author,), approver)


@pytest.mark.django_db
def test_one_disagreement_of_the_reviewers_is_settled_by_a_third_person(world: World) -> None:
    for _ in range(3):
        make_task(world)
    reviewers = [colleague(world, name, "reviewer") for name in ("rui", "vera", "tomas")]
    judged = governance.review_some(world.system, reviewers)
    settled = Adjudication.objects.get()
    assert settled.adjudicator == reviewers[2]
    assert settled.corrected_answer
    assert {review.decision for review in settled.task.reviews.all()} == {"reject", "escalate"}
    assert sum(judged.decisions.values()) == 6
