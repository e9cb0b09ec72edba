"""An attack empties a copy of its own, and nothing else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.attack.running import empty
from tests.factories import World


def test_a_database_that_no_attack_made_is_left_alone(world: World) -> None:
    with pytest.raises(RuntimeError, match="no copy that an attack made for itself"):
        empty()
    assert User.objects.filter(pk=world.people["author"].pk).exists()
