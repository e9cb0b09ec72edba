"""Approving a requirement version in the admin: by the service, by a second person, with a reason to send back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evidence.models import Waiver, WaiverRequest
from evidence.services.gates import LONGEST
from requirements.models import RequirementVersion
from requirements.selectors.requirements import state_of
from requirements.services.requirements import import_requirements
from tests.factories import World, acting, find_unmet, make_world
from tests.requirements.builders import read

STARTER = Path(__file__).resolve().parents[2] / "requirements" / "starter"


def as_read(version: RequirementVersion) -> dict[str, object]:
    """Return what the form of a version's page sends of what was read, with each warning ticked."""
    seen = read(version, warnings=True)
    return {"digest": seen.digest, "from_state": seen.from_state, "warnings_read": list(seen.warnings)}


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def version(world: World) -> RequirementVersion:
    files = sorted(STARTER.glob("*.yaml"))
    if not files:
        pytest.skip("the starter baseline is not in the tree")
    author = f"user:{world.people['author'].username}"
    import_requirements(
        system=world.system, source=files[0].read_bytes(), file_name=files[0].name, principal=acting(author)
    )
    return RequirementVersion.objects.order_by("pk")[0]


def test_author_asks_and_approver_approves(world: World, version: RequirementVersion) -> None:
    address = reverse("admin:requirements_requirementversion_change", args=[version.pk])
    author, approver = signed_in(world.people["author"]), signed_in(world.people["approver"])
    assert "Approve" not in author.get(address).content.decode()
    author.post(address, {"to_state": "in_review"})
    assert state_of(version) == "in_review"
    assert author.post(address, {"to_state": "approved", **as_read(version)}).status_code == 403
    page = approver.get(address).content.decode()
    assert "at least" in page
    moved_by = f'by <span title="{world.principal("author").actor}">{world.people["author"].username}</span>'
    assert moved_by in page
    assert "Back to draft" in page
    response = approver.post(address, {"to_state": "draft", "reason": "", **as_read(version)}, follow=True)
    assert "Say why" in response.content.decode()
    assert state_of(version) == "in_review"
    approver.post(address, {"to_state": "approved", **as_read(version)})
    assert state_of(version) == "approved"


def test_nobody_approves_their_own_even_as_approver(world: World, version: RequirementVersion) -> None:
    from django.contrib.auth.models import Group

    author = world.people["author"]
    author.groups.add(Group.objects.get(name="approver"))
    address = reverse("admin:requirements_requirementversion_change", args=[version.pk])
    client = signed_in(author)
    client.post(address, {"to_state": "in_review"})
    assert client.post(address, {"to_state": "approved", **as_read(version)}).status_code == 403
    assert state_of(version) == "in_review"


def test_an_auditor_sees_no_buttons(world: World, version: RequirementVersion) -> None:
    address = reverse("admin:requirements_requirementversion_change", args=[version.pk])
    client = signed_in(world.people["auditor"])
    assert "Decide on this version" not in client.get(address).content.decode()
    assert client.post(address, {"to_state": "in_review"}).status_code == 403


def test_an_author_asks_for_a_waiver_of_what_is_unmet_and_an_approver_grants_it(world: World) -> None:
    find_unmet(world.release, "shows-sources/cited")
    address = reverse("admin:evidence_waiverrequest_add")
    data = {
        "unmet": f"{world.release.pk} shows-sources/cited",
        "expires_at": f"{timezone.now() + timedelta(days=200):%Y-%m-%d}",
        "reason": "The index is being rebuilt.",
    }
    assert signed_in(world.people["approver"]).post(address, data).status_code == 403
    author = signed_in(world.people["author"])
    refused = author.post(address, data)
    assert refused.status_code == 422
    assert f"within {LONGEST.days} days" in refused.content.decode()
    data["expires_at"] = f"{timezone.now() + timedelta(days=20):%Y-%m-%d}"
    assert (
        author.post(address, data | {"unmet": f"{world.release.pk} shows-sources/other"}).status_code == 422
    )
    assert author.post(address, data).status_code == 302
    asked = WaiverRequest.objects.get()
    page = reverse("admin:evidence_waiverrequest_change", args=[asked.pk])
    approver = signed_in(world.people["approver"])
    assert f"{reverse('admin:evidence_waiverrequest_changelist')}?state=waiting" in (
        approver.get(reverse("admin:index")).content.decode()
    )
    assert not Waiver.objects.exists()
    approver.post(page, {"step": "granted", "reason": ""})
    assert Waiver.objects.get().requested_by == world.principal("author").actor


def test_an_author_is_offered_no_release_of_another_system(world: World) -> None:
    other = make_world("aml-copilot")
    find_unmet(other.release, "r/c")
    find_unmet(world.release, "r/c")
    page = signed_in(world.people["author"]).get(reverse("admin:evidence_waiverrequest_add")).content.decode()
    assert str(world.release) in page
    assert str(other.release) not in page
