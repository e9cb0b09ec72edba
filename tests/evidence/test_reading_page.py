"""An author tries a reading on a stored trace and proposes it; an approver finds it and decides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from evidence.models import ArtefactVersion, Trace
from evidence.selectors.readings import find_readings_in_force
from tests.evidence.test_readings import TRACE_ID, approve, propose, seal
from tests.evidence.test_system_reading import ANSWER, QUESTION, TITLE_TEXT, reading
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db
PAGE = "/admin/readings/try/"
NOT_RECORDED = "Empty: the sender did not record it."


def signed_in(person: User, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language, "Accept": "text/html"})
    client.force_login(person)
    return client


def form(world: World, document: object = None) -> dict[str, Any]:
    text = json.dumps(reading() if document is None else document)
    return {"system": world.system.pk, "trace": TRACE_ID.hex[:10], "document": text, "reason": "ours"}


def page_of(version: ArtefactVersion) -> str:
    return reverse("admin:evidence_artefactversion_change", args=[version.pk])


def test_a_draft_and_what_is_in_force_are_shown_side_by_side_and_nothing_is_stored(world: World) -> None:
    seal(world)
    answer = signed_in(world.people["author"]).post(PAGE, form(world) | {"try": "1"})
    page = answer.content.decode()
    assert answer.status_code == 200
    now, then = page.split('id="tb-now"')[1].split('id="tb-then"')
    assert NOT_RECORDED in now
    assert ANSWER not in now
    assert QUESTION in then
    assert ANSWER in then
    assert "the system says that its traces are read so" in then
    assert "RATE-1" in then
    assert page.count('id="tb-turn-now1"') == page.count('id="tb-turn-then1"') == 1
    assert not ArtefactVersion.objects.filter(artefact__kind="reading").exists()


def test_what_could_be_the_answer_is_all_shown(world: World) -> None:
    seal(world)
    document = reading() | {"leave_out": []}
    page = signed_in(world.people["author"]).post(PAGE, form(world, document)).content.decode()
    then = page.split('id="tb-then"')[1]
    assert ANSWER in then
    assert TITLE_TEXT in then
    assert "several texts could be it" in then


def test_an_author_proposes_and_an_approver_who_finds_it_on_their_page_approves(world: World) -> None:
    sent = signed_in(world.people["author"]).post(PAGE, form(world) | {"propose": "1"})
    version = ArtefactVersion.objects.get(artefact__kind="reading")
    assert (sent.status_code, sent.headers["Location"]) == (302, page_of(version))
    approver = signed_in(world.people["approver"])
    listed = "/admin/evidence/artefactversion/?reading=proposed"
    assert f'<a href="{listed}"><strong>1</strong>' in approver.get("/admin/").content.decode()
    assert str(version) in approver.get(listed).content.decode()
    shown = approver.get(page_of(version)).content.decode()
    assert "acme.request" in shown
    assert "Traces of this system are read as in any system." in shown
    approver.post(page_of(version), {"step": "approved", "reason": "tried"})
    assert find_readings_in_force([world.system.pk])[world.system.pk].version == version
    assert "Traces are read by this version." in approver.get(page_of(version)).content.decode()


def test_a_version_that_waits_leads_to_where_it_is_tried_as_it_was_proposed(world: World) -> None:
    """Whoever decides on it tries what it says, and not what is in force."""
    approver = signed_in(world.people["approver"])
    version = propose(world)
    address = f"{PAGE}?version={version.pk}"
    assert f'href="{address}"' in approver.get(page_of(version)).content.decode()
    assert "acme.request" in approver.get(address).content.decode()
    theirs = propose(make_world("elsewhere"))
    for unknown in (theirs.pk, world.release.pins.all()[0].version_id, "x", "9" * 30):
        assert approver.get(f"{PAGE}?version={unknown}").status_code == 404


def test_who_may_not_propose_is_offered_no_button_and_is_refused(world: World) -> None:
    reviewer = signed_in(world.people["reviewer"])
    assert 'name="propose"' not in reviewer.get(PAGE).content.decode()
    refused = reviewer.post(PAGE, form(world) | {"propose": "1"})
    assert refused.status_code == 422
    assert not ArtefactVersion.objects.filter(artefact__kind="reading").exists()
    assert signed_in(world.people["operator"]).get(PAGE).status_code == 403


def test_the_form_begins_with_what_is_in_force_and_the_trace_that_led_here(world: World) -> None:
    approve(world)
    author = signed_in(world.people["author"])
    record = author.get(reverse("admin:evidence_trace_change", args=[seal(world).pk])).content.decode()
    address = f"{PAGE}?system={world.system.key}&amp;trace={TRACE_ID.hex}"
    assert address in record
    page = author.get(address.replace("&amp;", "&")).content.decode()
    assert "acme.request" in page
    assert f'value="{TRACE_ID.hex}"' in page


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"document": "{"}, "This is no JSON"),
        ({"document": '{"answer": [], "answer": []}'}, "twice"),
        ({"document": '{"anwser": []}'}, "did you mean"),
        ({"trace": ""}, "Name a stored trace"),
        ({"trace": "xyz"}, "no trace id"),
        ({"trace": "ffff"}, "has no trace"),
    ],
)
def test_what_cannot_be_tried_is_said_on_the_page(world: World, over: dict[str, str], words: str) -> None:
    seal(world)
    answer = signed_in(world.people["author"]).post(PAGE, form(world) | over)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_systems_and_traces_of_others_are_not_there(world: World) -> None:
    other = make_world("elsewhere")
    seal(other)
    author = signed_in(world.people["author"])
    assert other.system.key not in author.get(PAGE).content.decode()
    assert author.post(PAGE, form(world) | {"system": other.system.pk}).status_code == 422
    assert "has no trace" in author.post(PAGE, form(world)).content.decode()


def test_the_page_is_there_in_chinese(world: World) -> None:
    seal(world)
    author = signed_in(world.people["author"], "zh-hans")
    page = author.post(PAGE, form(world)).content.decode()
    assert "在轨迹上试用" in page
    assert "Try it on the trace" not in page


def test_the_record_of_a_trace_says_by_which_version_it_was_read(world: World) -> None:
    version = approve(world)
    trace = seal(world)
    page = signed_in(world.people["reviewer"]).get(reverse("admin:evidence_trace_change", args=[trace.pk]))
    assert str(version) in page.content.decode()
    assert Trace.objects.get().answer == ANSWER


def test_a_proposal_of_ones_own_does_not_wait_for_oneself(world: World) -> None:
    propose(world)
    page = signed_in(world.people["author"]).get(
        page_of(ArtefactVersion.objects.get(artefact__kind="reading"))
    )
    assert 'value="approved"' not in page.content.decode()
    assert 'value="withdrawn"' in page.content.decode()
