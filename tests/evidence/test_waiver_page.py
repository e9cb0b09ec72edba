"""What the pages of waivers say that one covers: what was found unmet, what the gate said since, and nothing worse."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.test.utils import override_settings

from evidence.models import Release
from evidence.services import gates
from tests.factories import World, acting, ask_for_waiver, find_unmet, make_world, not_met

pytestmark = pytest.mark.django_db


def of_the_next_version(**asked: Any) -> list[gates.CriterionFinding]:
    """Say of each criterion that it is not met in version 2 of its requirement: an assessor."""
    return [replace(each, requirement="r v2") for each in not_met(**asked)]


def from_other_inputs(**asked: Any) -> list[gates.CriterionFinding]:
    """Say the same of each criterion, from other evidence: an assessor."""
    return [replace(each, inputs_digest="1" * 64) for each in not_met(**asked)]


@pytest.fixture
def world() -> World:
    return make_world()


def words(world: World, role: str, page: str) -> str:
    client = Client()
    client.force_login(world.people[role])
    answer = client.get(page)
    assert answer.status_code == 200
    return " ".join(unescape(re.sub("<[^>]+>", " ", answer.content.decode())).split())


def ask_again(release: Release, key: str, assessor: str) -> None:
    with override_settings(GATE_ASSESSOR=assessor):
        gates.decide_gate(principal=acting(), system=release.system, gate=key, release=release)


def test_the_form_offers_what_is_unmet_alone_with_what_was_found(world: World) -> None:
    find_unmet(world.release, "r/c", "r/d")
    told = words(world, "author", "/admin/evidence/waiverrequest/add/")
    assert "credit-assistant/r1: r/c · r v1, not met" in told
    assert "r/d" in told
    ask_again(world.release, "r-c-r-d", "tests.factories.met")
    assert "r/c" not in words(world, "author", "/admin/evidence/waiverrequest/add/")


def test_an_approver_reads_what_the_waiver_would_cover(world: World) -> None:
    asked = ask_for_waiver(world, "r/c")
    told = words(world, "approver", f"/admin/evidence/waiverrequest/{asked.pk}/change/")
    assert "What it would cover" in told
    assert "r/c ✗ not met r v1" in told
    assert "because" in told
    assert "What the gate said since" not in told


@pytest.mark.parametrize(
    ("assessor", "says"),
    [
        ("tests.factories.met", "It is unmet no longer."),
        ("tests.evidence.test_waiver_page.from_other_inputs", "the waiver would cover this"),
        ("tests.evidence.test_waiver_page.of_the_next_version", "the waiver would not cover this"),
    ],
)
def test_an_approver_reads_what_the_gate_said_since(world: World, assessor: str, says: str) -> None:
    asked = ask_for_waiver(world, "r/c")
    ask_again(world.release, "r-c", assessor)
    told = words(world, "approver", f"/admin/evidence/waiverrequest/{asked.pk}/change/")
    assert "What the gate said since" in told
    assert says in told
