"""Placing, listing and releasing a hold: each says why, and is on record once."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from evidence.errors import InvalidInput
from evidence.models import AuditEvent, LegalHold, LegalHoldRelease
from evidence.services.disposal.holds import place_hold, release_hold
from tests.factories import World, acting

pytestmark = pytest.mark.django_db


def test_a_hold_needs_a_reason_and_a_period_that_is_one(world: World) -> None:
    now = timezone.now()
    with pytest.raises(InvalidInput, match="give a reason"):
        place_hold(system=world.system, reason=" ", period_from=now, period_to=None, principal=acting())
    for period_to in (now, now - timedelta(days=1)):
        with pytest.raises(InvalidInput, match="ends after it begins"):
            place_hold(
                system=world.system, reason="case 1", period_from=now, period_to=period_to, principal=acting()
            )
    assert not LegalHold.objects.exists()


def test_a_release_needs_a_reason_and_happens_once(world: World) -> None:
    hold = place_hold(
        system=world.system, reason="case 1", period_from=timezone.now(), period_to=None, principal=acting()
    )
    with pytest.raises(InvalidInput, match="give a reason"):
        release_hold(hold=hold, reason="", principal=acting())
    first = release_hold(hold=hold, reason="settled", principal=acting())
    assert release_hold(hold=hold, reason="settled twice", principal=acting("user:other")) == first
    assert LegalHoldRelease.objects.get().reason == "settled"
    assert AuditEvent.objects.filter(verb="legal_hold.released").count() == 1


def test_the_command_lists_what_is_in_force_and_names_what_is_wrong(world: World) -> None:
    def run(*arguments: str) -> str:
        output = StringIO()
        call_command("legal_hold", *arguments, stdout=output)
        return output.getvalue()

    why = ("--reason", "case 1", "--by", world.people["operator"].username)
    told = run("place", "--system", world.system.key, "--from", "2026-01-01", "--to", "2026-02-01", *why)
    hold = LegalHold.objects.get()
    line = f"{hold.pk} credit-assistant 2026-01-01T00:00:00+00:00 to 2026-02-01T00:00:00+00:00: case 1\n"
    assert (told, run("list")) == (line, line)
    with pytest.raises(CommandError, match="There is no system 'nowhere'"):
        run("place", "--system", "nowhere", "--from", "2026-01-01", *why)
    with pytest.raises(CommandError, match=r"There is no legal hold 0\."):
        run("release", "0", *why)
    with pytest.raises(CommandError, match="ends after it begins"):
        run("place", "--system", world.system.key, "--from", "2026-02-01", "--to", "2026-01-01", *why)
    assert run("release", str(hold.pk), *why) == ""
