"""The doubts of a binder: those that stand first, each as it stood at the binder's time, verified by both verifiers."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from evidence.models import Defeater, Role
from evidence.services import registry
from evidence.services.defeaters import answer_defeater
from tests.client.binders import unpack
from tests.evidence.binder_world import Filled, archive_of, export, fill_lightly, make_finding, verify
from tests.factories import World, acting, manifest

pytestmark = pytest.mark.django_db(transaction=True)


def packed(filled: Filled, folder: Path, **changes: Any) -> list[dict[str, Any]]:
    """Return the doubts of a binder that holds."""
    archive = archive_of(export(filled, **changes))
    report = verify(folder, archive)
    assert report.problems == []
    lines = unpack(archive)["data/evidence/defeaters.jsonl"].splitlines()
    return [json.loads(line) for line in lines]


def test_doubts_stand_as_they_did_and_those_that_stand_come_first(world: World, tmp_path: Path) -> None:
    filled = fill_lightly(world)
    make_finding(world, Role.COUNTER, 2)
    first, second = Defeater.objects.order_by("pk")
    between = timezone.now()
    answer_defeater(
        principal=world.principal("approver"), defeater=first, kind="rebutted", words="又测了一次"
    )
    now = packed(filled, tmp_path, as_of=timezone.now())
    assert [(each["id"], each["state"]) for each in now] == [
        (str(second.pk), "open"),
        (str(first.pk), "rebutted"),
    ]
    assert [each["answers"][0]["words"] for each in now[1:]] == ["又测了一次"]
    before = packed(filled, tmp_path, as_of=between)
    assert [(each["state"], each["answers"]) for each in before] == [("open", [])] * 2


def test_what_was_accepted_until_a_time_is_expired_in_a_binder_of_later(world: World, tmp_path: Path) -> None:
    filled = fill_lightly(world)
    doubt, soon = Defeater.objects.get(), timezone.now() + timedelta(seconds=1)
    answer_defeater(
        principal=world.principal("approver"),
        defeater=doubt,
        kind="accepted",
        words="for now",
        expires_at=soon,
    )
    assert [each["state"] for each in packed(filled, tmp_path, as_of=timezone.now())] == ["accepted"]
    while timezone.now() <= soon:
        pass
    assert [each["state"] for each in packed(filled, tmp_path, as_of=timezone.now())] == ["expired"]


def test_a_doubt_about_another_release_is_packed_and_said_to_be_of_another(
    world: World, tmp_path: Path
) -> None:
    filled = fill_lightly(world)
    pins = [
        registry.PinSpec(pin.slot, pin.kind, pin.key, "2", "9" * 64) if pin.slot == "model" else pin
        for pin in manifest().pins
    ]
    other = registry.register_release(
        principal=acting(), system=world.system, manifest=registry.ReleaseManifest("r2", pins)
    )
    (doubt,) = packed(filled, tmp_path, release=other, as_of=timezone.now())
    assert (doubt["aroseOn"], doubt["aboutRelease"]) == ("r1", False)
    assert packed(filled, tmp_path, as_of=timezone.now())[0]["aboutRelease"] is True
