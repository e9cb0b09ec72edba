"""What the demo's people decide, they decide as two, and a demo that is run again finds it decided."""

from __future__ import annotations

import pytest

from evidence.access import principal_of_user
from evidence.models import System
from evidence.selectors.gates import find_deciding, standing_of
from evidence.services.gates import find_gate_version
from examples.demo import governance, people
from requirements.services.requirements import import_requirements
from requirements.starter import read_starter

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
