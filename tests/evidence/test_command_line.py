"""Commands act as the person they name, under the rules of that person."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from evidence.models import Erasure, LegalHold, Trace
from tests.factories import World, make_person
from tests.requirements.builders import make_trace

PLACE = ["place", "--from", "2026-01-01", "--reason", "case 17"]


@pytest.fixture
def trace(world: World) -> Trace:
    return make_trace(world)


def erase(world: World, trace: Trace, by: str) -> None:
    call_command(
        "erase",
        "--system",
        world.system.key,
        "--trace",
        trace.trace_id.hex,
        "--reason",
        "request 1",
        "--by",
        by,
    )


def test_an_erasure_is_an_operators_of_the_system(world: World, trace: Trace) -> None:
    make_person("stranger", "operator")
    for name in (
        "nobody-of-this-name",
        "stranger",
        *(f"{role}-{world.system.key}" for role in ("author", "auditor")),
    ):
        with pytest.raises(CommandError):
            erase(world, trace, name)
    assert not Erasure.objects.exists()
    erase(world, trace, f"operator-{world.system.key}")
    assert Erasure.objects.get().erased_by == world.principal("operator").actor


def test_a_hold_is_an_operators_of_the_system(world: World, trace: Trace) -> None:
    make_person("stranger", "operator")
    where = ["--system", world.system.key]
    for name in ("nobody-of-this-name", "stranger", f"author-{world.system.key}"):
        with pytest.raises(CommandError):
            call_command("legal_hold", *PLACE, *where, "--by", name)
    assert not LegalHold.objects.exists()
    call_command("legal_hold", *PLACE, *where, "--by", f"operator-{world.system.key}")
    hold = LegalHold.objects.get()
    with pytest.raises(CommandError):
        call_command(
            "legal_hold",
            "release",
            str(hold.pk),
            "--reason",
            "settled",
            "--by",
            f"auditor-{world.system.key}",
        )
    call_command(
        "legal_hold", "release", str(hold.pk), "--reason", "settled", "--by", f"operator-{world.system.key}"
    )
    assert hold.release.released_by == world.principal("operator").actor


def test_an_operator_who_left_decides_nothing(world: World, trace: Trace) -> None:
    operator = world.people["operator"]
    operator.is_active = False
    operator.save()
    with pytest.raises(CommandError):
        erase(world, trace, operator.username)
