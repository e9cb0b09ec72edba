"""Text that turns or hides what is read is seen for what it is, on pages, in binders and in a terminal."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from typing import Any

import pytest
from django.test import Client

from evidence.access import principal_of_command_line
from evidence.binder.front_page import escape
from evidence.hidden_signs import HIDDEN, show_hidden, show_hidden_in_page
from evidence.look_alikes import find_look_alike, what_is_odd
from evidence.management.service_command import ServiceCommand
from evidence.models import Claim, Membership, Trace
from evidence.services import registry
from evidence.services.people import memberships
from tests.evidence.binder_world import fill_lightly
from tests.factories import World, make_person
from tracebinder.cli import hidden_signs as of_client

TURNED = "the loan is \u202eton\u202c approved"
HIDDEN_TEXTS = [
    "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f",
    "\u061c", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u3164", "\u2028", "\x1b", "\x9b",
    "\x08", "\U000e0041", "\U000e0101", "\ufe01",
]  # fmt: skip


@pytest.mark.parametrize("sign", HIDDEN_TEXTS, ids=lambda sign: f"U+{ord(sign):04X}")
def test_what_nobody_sees_is_a_mark(sign: str) -> None:
    assert show_hidden(f"a{sign}b") == f"a⟦U+{ord(sign):04X}⟧b"


def test_every_character_of_the_category_is_one_or_is_seen() -> None:
    """Unicode's format characters; those left out are the signs that stand before Arabic or Kaithi digits."""
    formats = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"}
    left_out = {sign for sign in formats if not HIDDEN.match(sign)}
    assert {unicodedata.name(sign).split()[0] for sign in left_out} <= {
        "ARABIC",
        "SYRIAC",
        "KAITHI",
        "EGYPTIAN",
    }


@pytest.mark.parametrize(
    "text", ["plain", "naïve, 中文。", "line\nline\ttab\r\n", "שלום", "❤\ufe0f", "a\u00a0b"]
)
def test_what_is_seen_stays(text: str) -> None:
    assert show_hidden(text) == text


def test_the_client_says_the_same() -> None:
    assert of_client.HIDDEN.pattern == HIDDEN.pattern
    assert of_client.show_hidden(TURNED) == show_hidden(TURNED)


def test_fields_of_a_form_and_scripts_keep_what_they_hold() -> None:
    page = (
        '<p title="\u202e">\u202e</p><input value="\u202e"><textarea>\u202e</textarea>'
        '<script type="application/json">"\u202e"</script>'
    )
    assert show_hidden_in_page(page) == (
        '<p title="⟦U+202E⟧">⟦U+202E⟧</p><input value="\u202e"><textarea>\u202e</textarea>'
        '<script type="application/json">"\u202e"</script>'
    )


@pytest.mark.django_db
def test_pages_of_the_admin_show_a_claim_that_turns_itself_round(world: World) -> None:
    fill_lightly(world)
    trace = Trace.objects.filter(system=world.system).first()
    assert trace is not None
    claim = Claim.objects.create(
        trace=trace,
        ordinal=99,
        text=TURNED,
        start=0,
        end=1,
        material=True,
        origin="declared",
        extractor_version="1",
    )
    client = Client()
    client.force_login(world.people["auditor"])
    for address in (f"/admin/evidence/claim/{claim.pk}/change/", "/admin/evidence/claim/"):
        page = client.get(address).content.decode()
        assert "⟦U+202E⟧ton⟦U+202C⟧" in page, address
        assert "\u202e" not in page


def test_the_front_page_of_a_binder_shows_them() -> None:
    assert escape(f"<{TURNED}>") == "&lt;the loan is ⟦U+202E⟧ton⟦U+202C⟧ approved&gt;"


def test_a_command_writes_them_as_marks_and_its_own_colours_as_they_are() -> None:
    class Command(ServiceCommand):
        requires_system_checks = ()

        def handle(self, *args: Any, **options: Any) -> None:
            self.stdout.write(f"{TURNED}\x1b[2J")
            self.stdout.write(f"\x1b[32;1m{TURNED}\x1b[0m")

    out = io.StringIO()
    Command().execute(stdout=out, stderr=io.StringIO(), force_color=False, no_color=True, skip_checks=True)
    first, second = out.getvalue().splitlines()
    assert first == "the loan is ⟦U+202E⟧ton⟦U+202C⟧ approved⟦U+001B⟧[2J"
    assert second == "\x1b[32;1mthe loan is ⟦U+202E⟧ton⟦U+202C⟧ approved\x1b[0m"


def test_the_client_prints_them_as_marks_and_json_that_reads_back(capsys: pytest.CaptureFixture[str]) -> None:
    with of_client.marked_output():
        sys.stdout.write(f"{TURNED} \x1b[2J\n")
        sys.stdout.write(of_client.json_text({"said": TURNED, "tag": "\U000e0041"}))
    first, _, rest = capsys.readouterr().out.partition("\n")
    assert first == "the loan is ⟦U+202E⟧ton⟦U+202C⟧ approved ⟦U+001B⟧[2J"
    assert rest.isascii()
    assert json.loads(rest) == {"said": TURNED, "tag": "\U000e0041"}


# Names that can be taken for others.


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pаypal", "Cyrillic and Latin"),  # the second letter
        ("аdmin", "Cyrillic and Latin"),
        ("release-ο1", "Greek and Latin"),
        ("сор", "reads as 'cop'"),
        ("ａdmin", "reads as 'admin'"),
        ("𝐚dmin", "reads as 'admin'"),
    ],
)
def test_a_name_that_can_be_taken_for_another_is_odd(name: str, told: str) -> None:
    assert told in what_is_odd(name)


@pytest.mark.parametrize(
    "name",
    [
        "admin",
        "r1.2-beta",
        "Zoë",
        "王芳",
        "Kredit助手",
        "東京タワー",
        "한국 release",
        "Иван Петров",
        "Ωμέγα",
        "אביב",
        "",
    ],
)
def test_a_name_in_one_script_is_not(name: str) -> None:
    assert what_is_odd(name) == ""


def test_a_name_that_reads_like_a_known_one_is_told_which() -> None:
    assert find_look_alike("Сredit", ["Credit", "Aml"]) == "Credit"
    assert find_look_alike("credit", ["Credit"]) == "Credit"
    assert find_look_alike("Credit", ["Credit", "Aml"]) == ""
    assert find_look_alike("eu\u2010prod  1", ["eu-prod 1"]) == "eu-prod 1"
    assert find_look_alike("eu-prod-2", ["eu-prod-1", "eu_prod-2"]) == ""


@pytest.mark.django_db
def test_whoever_opens_such_a_person_is_warned(world: World) -> None:
    rui = make_person("rui", "reviewer")
    twin = make_person("rυi", "reviewer")
    for person in (rui, twin):
        Membership.objects.create(user=person, system=world.system)
    client = Client()
    client.force_login(world.people["operator"])
    assert "Look twice" in client.get(f"/admin/auth/user/{twin.pk}/change/").content.decode()
    assert "reads like rυi" in client.get(f"/admin/auth/user/{rui.pk}/change/").content.decode()


@pytest.mark.django_db
def test_a_warning_names_no_system_that_its_reader_may_not_know(world: World) -> None:
    stranger = make_person("stranger", "auditor")
    twin = registry.register_system(
        principal=principal_of_command_line(), key="twin", name=world.system.name.upper(), risk_tier="low",
        owner=stranger,
    )  # fmt: skip
    memberships.grant_membership(principal=principal_of_command_line(), system=twin, user=stranger)
    client = Client()
    client.force_login(stranger)
    address = f"/admin/evidence/system/{twin.pk}/change/"
    assert "Look twice" not in client.get(address).content.decode()
    memberships.grant_membership(principal=principal_of_command_line(), system=world.system, user=stranger)
    assert f"reads like {world.system.name}" in client.get(address).content.decode()
