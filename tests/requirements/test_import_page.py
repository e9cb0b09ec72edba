"""The plan of an import on a page: nothing is stored by it, exactly it is applied, and faults stand at their lines."""

from __future__ import annotations

import base64
import re
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from requirements.models import RequirementVersion, SourceFileImport
from requirements.pages import importing
from requirements.selectors.source_files import read_source
from tests.factories import World, make_world
from tests.requirements.builders import STATEMENT, requirement_file, reworded

pytestmark = pytest.mark.django_db

PAGE = "/admin/import/"
TEXT = requirement_file().decode()


@pytest.fixture
def world() -> World:
    return make_world()


def signed_in(world: World, role: str = "author") -> Client:
    client = Client()
    client.force_login(world.people[role])
    return client


def plan(client: Client, text: str | bytes, **over: Any) -> Any:
    """Press the first button: with a text, as a browser sends one, or with a file."""
    given = (
        {"text": text.replace("\n", "\r\n"), "upload": ""}
        if isinstance(text, str)
        else {"upload": SimpleUploadedFile("r.yaml", text)}
    )
    return client.post(PAGE, {"act": "plan", "file": "r.yaml", "moves": "", **given, **over})


def apply(client: Client, planned: Any) -> Any:
    """Press the second button of the plan that is shown."""
    form = planned.content.decode().split('<form method="post">', 1)[1].split("</form>", 1)[0]
    sent = {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    }
    sent.pop("csrfmiddlewaretoken", None)
    return client.post(PAGE, {**sent, "act": "apply"})


def words(answer: Any) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", answer.content.decode())).split())


@pytest.mark.parametrize("given", [TEXT, requirement_file()], ids=["pasted", "chosen"])
def test_a_plan_stores_nothing_and_is_then_applied_byte_for_byte(world: World, given: str | bytes) -> None:
    client = signed_in(world)
    planned = plan(client, given)
    assert planned.status_code == 200
    assert "added" in words(planned)
    assert not RequirementVersion.objects.exists()
    done = apply(client, planned)
    assert done.status_code == 302
    assert "1 new version, in draft" in words(client.get(done.headers["Location"]))
    (imported,) = SourceFileImport.objects.all()
    assert imported.source_file.name == "r.yaml"
    assert read_source(imported) == requirement_file()


def test_a_file_with_other_line_ends_is_imported_as_it_is(world: World) -> None:
    client, source = signed_in(world), requirement_file().replace(b"\n", b"\r\n")
    assert apply(client, plan(client, source)).status_code == 302
    assert read_source(SourceFileImport.objects.get()) == source


def test_what_changes_is_shown_word_by_word_and_what_stays_is_counted(world: World) -> None:
    client = signed_in(world)
    apply(client, plan(client, TEXT))
    told = words(plan(client, TEXT.replace(STATEMENT, "Each answer must be short.")))
    assert "changed" in told
    assert re.search(r"was: \S", told)
    assert re.search(r"now: \S", told)
    same = words(plan(client, TEXT))
    assert "No requirement would change." in same
    assert "unchanged 1" in same


def test_faults_stand_at_their_lines_and_nothing_is_stored(world: World) -> None:
    answer = plan(signed_in(world), TEXT.replace("risk_tier: high", "risk_tier: hihg"))
    assert answer.status_code == 422
    line = TEXT.splitlines().index("    risk_tier: high") + 1
    assert f"<td>{line}</td>" in answer.content.decode()
    assert "hihg" in words(answer)
    assert "Import exactly this" not in words(answer)


def test_what_the_store_became_meanwhile_refuses_the_plan_and_shows_it_anew(world: World) -> None:
    client = signed_in(world)
    planned = plan(client, TEXT)
    reworded(world, "Each answer must be short.")
    refused = apply(client, planned)
    assert refused.status_code == 409
    assert "nothing was stored" in words(refused)
    assert "changed" in words(refused)
    assert not SourceFileImport.objects.exists()
    assert apply(client, refused).status_code == 302


def test_only_what_was_planned_is_imported(world: World) -> None:
    client = signed_in(world)
    sent = {"act": "apply", "file": "r.yaml", "source": base64.b64encode(requirement_file()).decode()}
    assert client.post(PAGE, sent).status_code == 422
    assert client.post(PAGE, {**sent, "source": "no base64!"}).status_code == 422
    assert client.post(PAGE, {**sent, "sauce": "x"}).status_code == 422
    assert not RequirementVersion.objects.exists()


def test_a_requirement_of_another_file_stands_in_the_way_until_it_is_named(world: World) -> None:
    client = signed_in(world)
    apply(client, plan(client, TEXT))
    other = TEXT.replace(STATEMENT, "Each answer must be short.")
    held = plan(client, other, file="other.yaml")
    assert "came from r.yaml" in words(held)
    assert "Import exactly this" not in words(held)
    moved = plan(client, other, file="other.yaml", moves="r")
    assert "moved" in words(moved)
    assert apply(client, moved).status_code == 302


@pytest.mark.parametrize("way", ["pasted", "chosen", "planned"])
def test_a_file_beyond_the_limit_is_refused_however_it_comes(world: World, settings: Any, way: str) -> None:
    client = signed_in(world)
    planned = plan(client, TEXT)
    settings.REQUIREMENTS_MAX_BODY = len(requirement_file()) - 1
    if way == "planned":
        refused = apply(client, planned)
    else:
        refused = plan(client, TEXT if way == "pasted" else requirement_file())
    assert refused.status_code == 413
    assert not RequirementVersion.objects.exists()


def test_others_do_not_plan(world: World) -> None:
    assert signed_in(world, "approver").get(PAGE).status_code == 403
    assert plan(signed_in(world, "auditor"), TEXT).status_code == 403
    make_world("other")
    assert plan(signed_in(world), TEXT, system="other").status_code == 404


def test_a_large_plan_is_capped_with_its_number_and_takes_no_more_statements(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST_LISTED", 5)
    head, body = TEXT.split("requirements:\n")
    client = signed_in(world)

    def count(n: int) -> tuple[int, str]:
        text = head + "requirements:\n" + "".join(body.replace("key: r\n", f"key: r{i}\n") for i in range(n))
        with CaptureQueriesContext(connection) as caught:
            told = words(plan(client, text))
        return len(caught), told

    few, _ = count(2)
    many, told = count(20)
    assert many == few <= 25
    assert "15 more are not shown." in told
