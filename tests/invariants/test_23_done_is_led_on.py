"""A form of a page that took effect answers with a redirect: whoever loads the page again does nothing again."""

from __future__ import annotations

from typing import Any, Final

import pytest
from django.test import Client

from evidence.models import AuditEvent
from evidence.roles import ROLES
from tests.factories import World
from tests.invariants.act_doors import ACTS, Act
from tests.invariants.act_doors.taking import Browse

pytestmark = pytest.mark.django_db

# Of every act that somebody does by a role alone, as the table of acts has it: who adds one adds it there, and so here.
PAGES: Final = {act.label: act for act in ACTS if isinstance(act.admin, Browse) and act.allowed & set(ROLES)}
# What its page refuses there, or leaves as it was. An erasure is planned first: `test_erasure_page` carries it out.
LEFT_UNDONE: Final = frozenset(
    {
        "requirements.transition (superseded)",
        "evidence.change_roles (of the operator, who is one of those who try)",
        "evidence.give_roles (that take two operators)",
    }
)


def did(world: World, act: Act) -> tuple[int, int]:
    """Take an act by its page; return the status of the answer, and how much it left on record."""
    assert isinstance(act.admin, Browse)
    role = next(each for each in world.people if each in act.allowed)
    made = act.prepare(world)
    client = Client(headers={"accept": "text/html"})
    client.force_login(world.people[role])
    before = AuditEvent.objects.count()
    answer = client.post(act.admin.address(world, made), act.admin.data(world, made))
    return answer.status_code, AuditEvent.objects.count() - before


@pytest.mark.parametrize("label", PAGES)
def test_what_took_effect_is_answered_with_a_redirect(world: World, settings: Any, label: str) -> None:
    settings.OIDC_ISSUER = "https://provider.example"
    status, events = did(world, PAGES[label])
    assert bool(events) is (label not in LEFT_UNDONE), status
    assert status == 302 or not events


def test_most_pages_of_acts_are_among_them() -> None:
    assert len(PAGES.keys() - LEFT_UNDONE) > 30
