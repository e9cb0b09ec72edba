"""A database with a row in every append-only table, for what walks all of them."""

from __future__ import annotations

import pytest

from tests.factories import World
from tests.invariants.every_table import fill_every_table


@pytest.fixture
def filled(transactional_db: None) -> World:
    """Whose evidence fills every table."""
    del transactional_db
    return fill_every_table()
