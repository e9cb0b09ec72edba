"""An approver finds what waits on the front page, sees what a proposed gate changes, and decides."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from evidence.access import principal_of_user
from evidence.models import ArtefactVersion
from evidence.selectors.gates import find_deciding
from evidence.selectors.proposals import state_of
from evidence.services import gates, registry
from evidence.services.gates import CriterionReference
from tests.factories import World, acting, define_gate

FRONT, LIST = "/admin/", "/admin/evidence/artefactversion/"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page_of(version: ArtefactVersion) -> str:
    return reverse("admin:evidence_artefactversion_change", args=[version.pk])


@pytest.fixture
def proposed(world: World) -> ArtefactVersion:
    """In place of a version that asks for `strict` and `kept`, one that asks for `kept` and `weak`."""
    old, new = ("strict", "kept"), ("kept", "weak")
    references = [[CriterionReference(requirement=key) for key in keys] for keys in (old, new)]
    define_gate(system=world.system, key="release", references=references[0])
    return gates.propose_gate(
        principal=world.principal("author"), system=world.system, key="release", references=references[1]
    )


def test_what_waits_for_an_approver_is_on_their_front_page(world: World, proposed: ArtefactVersion) -> None:
    registry.ensure_version(
        system=world.system, kind="evaluator", key="judge", label="1", digest="a" * 64, actor="token:ci"
    )
    approver = signed_in(world.people["approver"])
    page = approver.get(FRONT).content.decode()
    for link in (f"{LIST}?gate=proposed", f"{LIST}?registered=approver"):
        assert f'<a href="{link}"><strong>1</strong>' in page
    listed = approver.get(f"{LIST}?gate=proposed").content.decode()
    assert str(proposed) in listed
    assert "gate:release v1" not in listed
    assert "evaluator:judge v1" in approver.get(f"{LIST}?registered=approver").content.decode()
    assert "Waits for an approver" not in signed_in(world.people["reviewer"]).get(FRONT).content.decode()


def test_what_an_approver_proposed_themselves_does_not_wait_for_them(world: World) -> None:
    both = world.join("ana-pia", "author", "approver")
    gates.propose_gate(
        principal=principal_of_user(both), system=world.system, key="release",
        references=[CriterionReference(requirement="kept")],
    )  # fmt: skip
    for person, count in ((both, 0), (world.people["approver"], 1)):
        assert (
            f'<a href="{LIST}?gate=proposed"><strong>{count}</strong>'
            in signed_in(person).get(FRONT).content.decode()
        )


def test_a_proposal_is_shown_beside_what_decides(world: World, proposed: ArtefactVersion) -> None:
    page = signed_in(world.people["approver"]).get(page_of(proposed)).content.decode()
    for change, entry in (("kept", "kept/*"), ("added", "weak/*"), ("dropped", "strict/*")):
        assert f"</span> {change}</span> {entry}</li>" in page
    assert "The gate decides by:" in page
    assert world.people["author"].username in page  # who proposed it


def test_an_approver_approves_or_says_why_not(world: World, proposed: ArtefactVersion) -> None:
    approver = signed_in(world.people["approver"])
    assert 'value="withdrawn"' not in approver.get(page_of(proposed)).content.decode()
    refused = approver.post(page_of(proposed), {"step": "declined"}, follow=True)
    assert "Say why" in refused.content.decode()
    assert state_of(proposed) == "proposed"
    told = approver.post(page_of(proposed), {"step": "approved"}, follow=True).content.decode()
    assert "The gate decides by this version from now on." in told
    assert "Decide on this version" not in told
    assert find_deciding(world.system, "release") == proposed


def test_whoever_proposed_it_withdraws_it_and_does_not_approve(
    world: World, proposed: ArtefactVersion
) -> None:
    author = signed_in(world.people["author"])
    page = author.get(page_of(proposed)).content.decode()
    assert 'value="withdrawn"' in page
    assert 'value="approved"' not in page
    assert author.post(page_of(proposed), {"step": "approved"}).status_code == 403
    author.post(page_of(proposed), {"step": "withdrawn"})
    assert state_of(proposed) == "withdrawn"


def test_a_step_that_nobody_knows_is_refused(world: World, proposed: ArtefactVersion) -> None:
    answer = signed_in(world.people["approver"]).post(page_of(proposed), {"step": "adopted"}, follow=True)
    assert "A step is one of approved, declined, withdrawn." in answer.content.decode()
    assert state_of(proposed) == "proposed"


def test_a_version_is_registered_once_by_whom_it_is_for(world: World) -> None:
    version = registry.ensure_version(
        system=world.system, kind="dataset", key="tasks", label="1", digest="a" * 64, actor=acting().actor
    )
    assert "Register</button>" not in signed_in(world.people["author"]).get(page_of(version)).content.decode()
    approver = signed_in(world.people["approver"])
    assert "Register</button>" in approver.get(page_of(version)).content.decode()
    approver.post(page_of(version), {"step": "registered", "reason": "read it"})
    assert "Register</button>" not in approver.get(page_of(version)).content.decode()
    registration = ArtefactVersion.objects.get(pk=version.pk).registration
    assert (registration.registered_by, registration.reason) == (
        world.principal("approver").actor, "read it",
    )  # fmt: skip
