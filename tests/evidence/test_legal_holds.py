"""Placing, listing and releasing a hold, by command and on pages: each says why, and is on record once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evidence.errors import InvalidInput
from evidence.models import AuditEvent, LegalHold, LegalHoldRelease
from evidence.services.disposal.holds import place_hold, release_hold
from tests.factories import World, acting

pytestmark = pytest.mark.django_db

PLACING = "/admin/evidence/legalhold/add/"


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


def test_a_form_that_is_sent_twice_places_one_hold(world: World) -> None:
    began = timezone.now()

    def place(reason: str = "case 1") -> LegalHold:
        return place_hold(
            system=world.system, reason=reason, period_from=began, period_to=None, principal=acting()
        )

    first = place()
    assert place() == first
    assert place("case 2") != first
    release_hold(hold=first, reason="settled", principal=acting())
    assert place() != first, "what was released is no answer to a new one"
    assert AuditEvent.objects.filter(verb="legal_hold.placed").count() == 3


@pytest.fixture
def operator(client: Client, world: World) -> Client:
    client.force_login(world.people["operator"])
    return client


def test_a_hold_is_placed_and_released_on_pages(operator: Client, world: World) -> None:
    sent = {
        "system": world.system.pk, "period_from": "2026-03-01", "period_to": "2026-06-01", "reason": "case 17",
    }  # fmt: skip
    answer = operator.post(PLACING, sent)
    hold = LegalHold.objects.get()
    assert (hold.period_from, hold.period_to) == (
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 6, 1, tzinfo=UTC),
    )
    page = reverse("admin:evidence_legalhold_change", args=[hold.pk])
    assert answer["Location"] == page
    shown = operator.get(page).content.decode()
    assert "Placed: nothing of the period is erased" in shown
    assert "trace/" not in shown, "operators are shown no traces, and no way to them"

    refused = operator.post(page, {"step": "released", "reason": ""})
    assert "says why: give a reason" in refused.content.decode()
    assert not LegalHoldRelease.objects.exists()
    assert operator.post(page, {"step": "released", "reason": "settled"}).status_code == 302
    assert LegalHoldRelease.objects.get().reason == "settled"
    shown = operator.get(page).content.decode()
    assert 'value="released"' not in shown, "what is over is not offered again"
    assert re.search(r"tb-badge[^>]*><span[^>]*>·</span> released</span>", shown)


@pytest.mark.parametrize(
    ("over", "told"),
    [
        ({"period_to": "2026-03-01"}, "ends after it begins"),
        ({"reason": ""}, "This field is required"),
        ({"period_from": "yesterday"}, "Enter a valid date"),
        ({"period_from": ""}, "This field is required"),
    ],
)
def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(
    operator: Client, world: World, over: dict[str, str], told: str
) -> None:
    sent = {
        "system": world.system.pk,
        "period_from": "2026-03-01",
        "period_to": "",
        "reason": "case 17",
    } | over
    answer = operator.post(PLACING, sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert told in page
    assert str(sent["reason"]) in page
    assert not LegalHold.objects.exists()


def test_the_list_tells_holds_in_force_from_released_ones(operator: Client, world: World) -> None:
    for reason in ("case 1", "case 2"):
        place_hold(
            system=world.system, reason=reason, period_from=timezone.now(), period_to=None, principal=acting()
        )
    release_hold(hold=LegalHold.objects.get(reason="case 1"), reason="settled", principal=acting())
    listed = reverse("admin:evidence_legalhold_changelist")
    for state, there, gone in (("in_force", "case 2", "case 1"), ("released", "case 1", "case 2")):
        page = operator.get(listed, {"state": state}).content.decode()
        assert there in page
        assert gone not in page
    page = operator.get(listed, headers={"accept-language": "zh-CN"}).content.decode()
    assert "case 2" in page
    assert ">hold " not in page, "a record is called by its name in Chinese, too"


def test_who_is_no_operator_is_offered_neither(client: Client, world: World) -> None:
    hold = place_hold(
        system=world.system, reason="case 1", period_from=timezone.now(), period_to=None, principal=acting()
    )
    client.force_login(world.people["auditor"])
    assert client.get(PLACING).status_code == 403
    page = client.get(reverse("admin:evidence_legalhold_change", args=[hold.pk])).content.decode()
    assert 'value="released"' not in page


@pytest.mark.parametrize(
    ("period_to", "lookup"),
    [
        (datetime(2026, 6, 1, tzinfo=UTC), "started_at__lte=2026-05-31"),
        (datetime(2026, 6, 1, 12, tzinfo=UTC), "started_at__lte=2026-06-01"),
        (None, ""),
    ],
)
def test_whoever_reads_traces_is_led_to_those_of_its_days(
    client: Client, world: World, period_to: datetime | None, lookup: str
) -> None:
    began = datetime(2026, 3, 1, 8, tzinfo=UTC)
    hold = place_hold(
        system=world.system, reason="case 1", period_from=began, period_to=period_to, principal=acting()
    )
    client.force_login(world.people["auditor"])
    page = client.get(reverse("admin:evidence_legalhold_change", args=[hold.pk])).content.decode()
    (way,) = re.findall(r'href="(/admin/evidence/trace/\?system[^"]*)"', page)
    assert "started_at__gte=2026-03-01" in way
    assert lookup in way
    assert ("lte" in way) == bool(lookup)
    assert client.get(unescape(way)).status_code == 200
