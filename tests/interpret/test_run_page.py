"""A run's page tells how far it is and what came of it, and the ledger has all that was tried."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from evidence.models import AuditEvent
from evidence.probe_rules import REPORT
from interpret.models import Finding, ProbePart, ProbeRun
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import cancel_probe_run, queue_probe_run
from tests.factories import World, acting
from tests.interpret.conftest import StandInProbe

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def researcher(world: World) -> Client:
    client = Client()
    client.force_login(world.people["researcher"])
    return client


@pytest.fixture
def queued(world: World) -> Callable[..., ProbeRun]:
    """Return a function that asks for a run, each with another seed."""
    seeds = iter(range(100))

    def ask(**asked: Any) -> ProbeRun:
        return queue_probe_run(
            principal=world.principal("researcher"), release=world.release, probe="induction.heads", seed=next(seeds),
            **asked,
        )  # fmt: skip

    return ask


def said(client: Client, run: ProbeRun) -> str:
    """Return what a run's page says, without its tags."""
    answer = client.get(reverse("admin:probe_run", args=[run.pk]))
    assert answer.status_code == 200
    return words_in(answer)


def words_in(page: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


def parts_of(run: ProbeRun, *states: str) -> None:
    """Have a run be planned, with parts in these states and the report to come."""
    now = run.queued_at
    ProbeRun.objects.filter(pk=run.pk).update(state="running", started_at=now, planned_at=now)
    for number, state in enumerate(states):
        ProbePart.objects.create(run=run, part=f"part {number}", state=state, queued_at=now, started_at=now)
    ProbePart.objects.create(run=run, part=REPORT, queued_at=now)


def test_what_waits_says_since_when_for_whom_and_behind_how_many(
    researcher: Client, queued: Callable[..., ProbeRun], world: World
) -> None:
    queued()
    run = queued()
    page = said(researcher, run)
    assert "It waits for a worker. 1 run of your systems was asked for before it and is not over." in page
    assert world.people["researcher"].username in page
    assert run.queued_at.strftime("%Y-%m-%d") in page
    assert "As it stood at" in page
    assert f"Home › Findings › Run {run.pk}: induction.heads" in page, "the way here says what this is"
    assert "Look again" in page


def test_what_is_measured_says_how_many_of_its_parts_are(
    researcher: Client, queued: Callable[..., ProbeRun]
) -> None:
    run = queued()
    ProbeRun.objects.filter(pk=run.pk).update(state="running", started_at=run.queued_at)
    assert "A worker plans its parts." in said(researcher, run)
    parts_of(run, "done", "running", "queued")
    page = said(researcher, run)
    assert "1 of 3 parts are measured." in page, "the report is no part of what is measured"
    assert "part 1" in page
    html = researcher.get(reverse("admin:probe_run", args=[run.pk])).content.decode()
    assert '<progress class="tb-progress" max="3" value="1" aria-label="Parts measured"></progress>' in html


@pytest.mark.usefixtures("probe")
def test_what_is_done_leads_to_what_was_found(researcher: Client, queued: Callable[..., ProbeRun]) -> None:
    run = queued()
    execute_probe_run(run.pk)
    page = said(researcher, run)
    assert "Done: the 1 part it has is measured." in page
    assert "Look again" not in page, "nothing will change any more"
    assert "Is this run not wanted any more?" not in page
    finding = Finding.objects.get(run=run)
    html = researcher.get(reverse("admin:probe_run", args=[run.pk])).content.decode()
    assert reverse("admin:finding", args=[finding.pk]) in html
    of_finding = researcher.get(reverse("admin:finding", args=[finding.pk])).content.decode()
    assert reverse("admin:probe_run", args=[run.pk]) in of_finding


def test_what_failed_says_why_and_that_nothing_follows(
    researcher: Client, queued: Callable[..., ProbeRun], probe: StandInProbe
) -> None:
    def broken() -> Any:
        raise ValueError(HOSTILE)

    probe.result = broken
    run = queued()
    with pytest.raises(ValueError, match="alert"):
        execute_probe_run(run.pk)
    run.refresh_from_db()
    assert run.state == "failed"
    page = said(researcher, run)
    assert "Failed: nothing was found, and nothing may be concluded from that." in page
    assert f"Why it failed {run.error}" in page
    html = researcher.get(reverse("admin:probe_run", args=[run.pk])).content.decode()
    assert HOSTILE not in html


def test_a_run_is_cancelled_from_its_page_with_a_reason(
    researcher: Client, queued: Callable[..., ProbeRun]
) -> None:
    run = queued()
    address = reverse("admin:probe_run", args=[run.pk])
    for refused in ({"act": "stop"}, {"act": "cancel", "why": "x"}, {}):
        assert researcher.post(address, refused).status_code == 422
    run.refresh_from_db()
    assert run.state == "queued"
    answer = researcher.post(address, {"act": "cancel", "reason": "too dear"}, follow=True)
    assert "Cancelled: nothing more of it is measured." in words_in(answer)
    assert "Cancelled: nothing of it counts as found." in words_in(answer)
    run.refresh_from_db()
    assert run.state == "cancelled"
    event = AuditEvent.objects.get(verb="probe_run.cancelled")
    assert bytes(event.payload.payload) == b'{"reason":"too dear"}'


@pytest.mark.usefixtures("probe")
def test_what_is_over_is_not_cancelled(researcher: Client, queued: Callable[..., ProbeRun]) -> None:
    run = queued()
    execute_probe_run(run.pk)
    answer = researcher.post(reverse("admin:probe_run", args=[run.pk]), {"act": "cancel"}, follow=True)
    assert "there is nothing left to cancel" in words_in(answer)
    run.refresh_from_db()
    assert run.state == "done"


def test_parts_beyond_those_listed_are_said_to_be_there(
    researcher: Client, queued: Callable[..., ProbeRun]
) -> None:
    run = queued()
    parts_of(run, *["done"] * 120)
    page = said(researcher, run)
    assert "120 of 120 parts are measured." in page
    assert "The first 100; the record leads to all." in page
    assert "part 99" in page
    assert "part 100" not in page


def test_records_lead_to_the_page_and_the_form(researcher: Client, queued: Callable[..., ProbeRun]) -> None:
    run = queued()
    record = researcher.get(reverse("admin:interpret_proberun_change", args=[run.pk])).content.decode()
    assert reverse("admin:probe_run", args=[run.pk]) in record
    for page in (
        "admin:interpret_proberun_changelist",
        "admin:interpret_probespec_changelist",
        "admin:findings",
    ):
        assert reverse("admin:ask_probe") in researcher.get(reverse(page)).content.decode(), page


@pytest.mark.usefixtures("probe")
def test_the_ledger_says_who_asked_what_and_how_it_all_came_out(
    researcher: Client, queued: Callable[..., ProbeRun], world: World
) -> None:
    done = queued(parameters={"heads": 7, "smallest_match": 0.02})
    execute_probe_run(done.pk)
    cancelled = queued()
    cancel_probe_run(principal=acting(), run=cancelled)
    waits = queued()
    answer = researcher.get(reverse("admin:tried"))
    shown = [(one.run.pk, one.beyond) for one in answer.context["shown"]]
    assert shown == [
        (waits.pk, []),
        (cancelled.pk, []),
        (done.pk, [("heads", "7"), ("smallest_match", "0.02")]),
    ]
    page = words_in(answer)
    assert "cancelled 1" in page
    assert "done 1" in page
    assert "queued 1" in page
    assert "not measured yet" in page, "what waits has not come to nothing"
    assert world.people["researcher"].username in page
    status = Finding.objects.get().status
    assert f"Findings {status.replace('_', ' ')} 1" in page
    assert "1 run begun before it, " in page, "what was cancelled before a worker took it does not count"
