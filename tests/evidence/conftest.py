"""Fixtures of tests of what happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evidence.models import Scope
from tests.evidence.kept_binders import Export, KeptBinder, export_and_undo
from tests.factories import World


@pytest.fixture(scope="session")
def keep_binder(
    _keep_worlds: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Export], KeptBinder]:
    """A function that keeps the binder of a world which is gone again. Its file asks for a database by its mark."""

    def keep(export: Export) -> KeptBinder:
        with django_db_blocker.unblock():
            return export_and_undo(export, tmp_path_factory.mktemp("kept-binder"))

    return keep


@pytest.fixture
def sender(world: World) -> World:
    """A world with the one token by which spans come in, as `subjects.send` sends them."""
    world.token(Scope.INGEST)
    return world
