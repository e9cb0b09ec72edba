"""What a binder says of a requirement is what holds at its date: not what held when it was last assessed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from evidence import clock
from requirements.models import AcceptanceCriterion
from requirements.services.assessment import assess
from requirements.services.baselines import freeze_baseline
from tests.client.binders import unpack
from tests.evidence.binder_world import Filled, archive_of, export, verify
from tests.factories import World, acting, waive
from tests.requirements.builders import APPROVER, AUTHOR, approve, make_criterion, make_traces
from tests.requirements.test_missing_traces import set_aside

pytestmark = pytest.mark.django_db


def assessed(world: World, **over: Any) -> AcceptanceCriterion:
    """A criterion that twenty traces of an hour ago were held against."""
    criterion = make_criterion(world, **over)
    make_traces(world, 20)
    assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")
    return criterion


def document(
    world: World,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    at: datetime | None = None,
    baseline: str = "",
) -> Any:
    """Return the requirement's document of a binder as of a date, which a stranger finds consistent."""
    as_of = at or timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: as_of)
        archive = archive_of(export(Filled(world, None, as_of), baseline=baseline))  # type: ignore[arg-type]  # none
    assert verify(folder, archive, now=as_of).problems == []
    return json.loads(unpack(archive)["data/requirements/r.json"])


def test_what_was_met_is_stale_in_a_binder_of_a_later_date(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assessed(world, max_age_days=30)
    today = document(world, tmp_path, monkeypatch)
    assert (today["status"], today["criteria"][0]["verdict"]) == ("satisfied", "met")
    later = document(world, tmp_path, monkeypatch, at=timezone.now() + timedelta(days=31))
    assert (later["status"], later["criteria"][0]["verdict"]) == ("partial", "stale")
    assert later["criteria"][0]["reason"].startswith("older than 30 days at the time of this binder; then: ")


def test_it_says_how_many_of_what_is_counted_are_missing(
    world: World, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assessed(world)
    assert "missing" not in document(world, tmp_path, monkeypatch)["criteria"][0]
    set_aside(world, settings, 2)
    criterion = make_criterion(world, min_n=20, threshold=0.5, slices="[{language: en}]")
    assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")
    (shown,) = document(world, tmp_path, monkeypatch)["criteria"]
    assert (shown["verdict"], shown["n"], shown["missing"]) == ("met", 22, 2)
    assert [(part["n"], part["missing"]) for part in shown["sliceResults"]] == [(22, 2)]


def test_a_waiver_counts_until_it_expires_and_is_shown_afterwards(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assessed(world, comparator="at_most", threshold=0.1, check="reviews.overridden")
    expires_at = timezone.now() + timedelta(days=10)
    waive(world, "r/c", reason="known, fixed in r2", expires_at=expires_at)
    waived = document(world, tmp_path, monkeypatch)
    assert waived["status"] == "waived"
    assert [(one["criterion"], one["reason"], one["inForce"]) for one in waived["waivers"]] == [
        ("c", "known, fixed in r2", True)
    ]
    over = document(world, tmp_path, monkeypatch, at=expires_at)
    assert over["status"] != "waived"
    assert [one["inForce"] for one in over["waivers"]] == [False]


def test_a_binder_of_a_baseline_holds_its_version_and_not_the_approved_one(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = assessed(world).version
    freeze_baseline(system=world.system, name="b1", versions=[first], principal=acting())
    second = make_criterion(world, threshold=0.9).version
    assert second.requirement == first.requirement
    assert document(world, tmp_path, monkeypatch)["version"] == second.number
    frozen = document(world, tmp_path, monkeypatch, baseline="b1")
    assert (frozen["version"], frozen["state"], frozen["status"]) == (
        first.number,
        "superseded",
        "notAssessed",
    )


def test_a_version_nobody_approved_is_in_no_binder(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    criterion = make_criterion(world, approved=False)
    with pytest.raises(KeyError, match="requirements/r"):
        document(world, tmp_path, monkeypatch)
    approve(criterion.version)
    told = document(world, tmp_path, monkeypatch)
    assert (told["proposedBy"], told["approvedBy"]) == (AUTHOR, APPROVER)
    assert (told["status"], told["criteria"][0]["reason"]) == (
        "notAssessed",
        "never assessed for this release",
    )
