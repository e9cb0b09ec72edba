"""From home, from a list of criteria and from coverage one comes to what was found, by whichever gate found it."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from evidence.services import gates
from evidence.services.gates import CriterionReference
from tests.factories import World, acting, define_gate, find_unmet
from tests.requirements.builders import make_criterion
from tests.requirements.test_system_strips import judged

pytestmark = pytest.mark.django_db


@pytest.fixture
def author(client: Client, world: World) -> Client:
    client.force_login(world.people["author"])
    return client


def let_in(world: World, key: str) -> None:
    """Have a gate let the release in, whatever is on record."""
    define_gate(system=world.system, key=key, references=[CriterionReference(requirement="r", criterion="c")])
    with override_settings(GATE_ASSESSOR="tests.factories.met"):
        gates.decide_gate(principal=acting(), system=world.system, gate=key, release=world.release)


def test_a_gate_that_lets_in_later_does_not_hide_one_that_keeps_out(world: World, author: Client) -> None:
    make_criterion(world)
    find_unmet(world.release, "r/c")
    let_in(world, "recording")
    page = author.get("/admin/")
    (system,) = page.context["work"].systems
    told = [(each.gate_version.artefact.key, each.verdict) for each in system.gates]
    assert told == [("r-c", "fail"), ("recording", "pass")]
    assert "recording</a>" in page.content.decode()


def test_of_many_gates_the_worst_are_told_and_how_many_more_there_are(world: World, author: Client) -> None:
    make_criterion(world)
    for number in range(4):
        let_in(world, f"gate-{number}")
    find_unmet(world.release, "r/c")
    page = author.get("/admin/")
    (system,) = page.context["work"].systems
    assert [each.verdict for each in system.gates] == ["fail", "pass", "pass"]
    assert "and 2 more gates" in page.content.decode()


def test_a_list_of_criteria_leads_to_what_was_found_last(world: World, author: Client) -> None:
    found = judged(make_criterion(world), world.release, "not_met")
    page = author.get(reverse("admin:requirements_acceptancecriterion_changelist"), {"stands": "not_met"})
    shown = page.content.decode()
    assert reverse("admin:requirements_assessment_change", args=[found.pk]) in shown
    assert f"for {world.release.name}" in shown
    assert world.system.key in shown


def test_coverage_leads_to_the_requirement_and_to_what_was_found_and_says_its_interval(
    world: World, author: Client
) -> None:
    criterion = make_criterion(world)
    found = judged(criterion, world.release, "not_met")
    shown = author.get(reverse("admin:coverage", args=[world.release.pk])).content.decode()
    assert reverse("admin:requirements_assessment_change", args=[found.pk]) in shown
    assert reverse("admin:requirements_requirementversion_change", args=[criterion.version.pk]) in shown
    assert "0.9 share [0.8, 1], each bound at 95% one-sided, n 40" in shown
    alone = author.get("/api/v1/coverage.html", {"system": world.system.key, "release": world.release.name})
    assert "<a " not in alone.content.decode(), "a page that stands alone leads nowhere"


def test_where_a_slice_decided_pages_say_so_beside_the_numbers_of_the_whole(
    world: World, author: Client
) -> None:
    """The whole may look better than the verdict: its upper bound reaches what the slice's does not."""
    part = {
        "where": {"language": "en"}, "value": 0.4667, "low": 0.2437, "high": 0.7, "n": 15, "unit": "share",
        "bound_confidence": 0.95, "verdict": "not_met",
    }  # fmt: skip
    found = judged(
        make_criterion(world), world.release, "not_met", value=0.4375, low=0.1285, high=0.8138, n=27, slices=[part],
        detail="in language=en: value 0.4667, lower bound 0.2437, upper bound 0.7; asked: at least 0.8 share",
    )  # fmt: skip
    told = "0.4375 share [0.129, 0.814], each bound at 95% one-sided, n 27 · decided by the slice language=en"
    for page in (
        reverse("admin:coverage", args=[world.release.pk]),
        reverse("admin:requirements_assessment_changelist"),
    ):
        assert told in author.get(page).content.decode(), page
    record = author.get(reverse("admin:requirements_assessment_change", args=[found.pk])).content.decode()
    assert told in record
    drawn = record[record.index("<figure") : record.index("</figure>")]
    assert "0.4667 share [0.244, 0.7], each bound at 95% one-sided, n 15, in the slice language=en" in drawn
    assert "0.4375" not in drawn
