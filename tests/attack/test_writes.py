"""A part of `make attack`: what is sent from another site, with columns of ours, or by one person as two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from tests.attack.scenarios import play
from tests.attack.wire import in_process
from tests.attack.writes import attack_doors
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db


@contextmanager
def room() -> Iterator[World]:
    """Have a world that is gone afterwards, with all that was done in it."""
    with transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)
    Path(settings.LOG_HEAD_FILE).unlink(missing_ok=True)  # the log that some acts publish is gone, too


def test_no_door_writes_for_another_site_or_takes_what_the_server_fills_in(settings: Any) -> None:
    settings.OIDC_ISSUER = "https://id.example.org"
    found = attack_doors(in_process(), room, in_short=True)
    assert not found.faults, "\n".join(found.faults)
    assert found.doors > 40
    assert found.opened > 35
    assert found.without_the_csrf_token > 35


def test_no_story_reaches_what_it_may_not() -> None:
    told = play(in_process(), room)
    assert len(told) == 6
    assert {story: faults for story, faults in told.items() if faults} == {}
