"""A part of `make attack`: small bombs at each door that takes a body."""

from __future__ import annotations

import pytest

from tests.attack.bombs import OwnProcess, send_bombs
from tests.attack.wire import in_process
from tests.factories import World

pytestmark = pytest.mark.django_db


def test_each_door_answers_each_bomb_with_a_named_error_and_soon(world: World) -> None:
    found = send_bombs(in_process(), world, OwnProcess(), scale=0.01, every=13)
    assert not found.faults, "\n".join(found.faults)
    assert len(found.kinds) > 20
    assert found.bombs > 60
    assert sum(answers["200"] + answers["201"] for answers in found.kinds.values()) < found.bombs / 2
