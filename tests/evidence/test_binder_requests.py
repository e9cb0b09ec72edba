"""A binder that a worker is to export: the request is a row, so neither a broker nor a worker can lose it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from evidence import clock, tasks
from evidence.errors import ClockBehind, ClockSetBack, LeaseLost, NotFound
from evidence.models import AuditEvent, Binder, BinderRequest, Scope
from evidence.selectors.binder.scope import AskedScope
from evidence.services import binder_requests, binders, leased_work
from evidence.services.disposal.erasure import erase_trace_payload
from evidence.services.log import LogBusy
from tests.evidence.binder_world import PERIOD, Filled, fill_lightly
from tests.factories import World, acting, make_world
from tests.kept_scenes import kept_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_scene
def filled(world: World) -> Filled:
    return fill_lightly(world)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The messages that a broker took and has not delivered."""
    messages: list[int] = []
    monkeypatch.setattr(tasks.export_binder, "delay", messages.append)
    return messages


@pytest.fixture
def ask(
    api: APIClient, filled: Filled, sent: list[int], django_capture_on_commit_callbacks: Any
) -> Callable[..., Any]:
    """Ask for a binder as an auditor's token does; return the answer."""
    headers = filled.world.headers(Scope.BINDER)

    def post(**changes: Any) -> dict[str, Any]:
        body = {
            "system": "credit-assistant", "release": "r1", "period_from": PERIOD[0].isoformat(),
            "period_to": PERIOD[1].isoformat(), "as_of": filled.as_of.isoformat(), **changes,
        }  # fmt: skip
        with django_capture_on_commit_callbacks(execute=True):
            answer = api.post("/api/v1/binders", body, format="json", HTTP_PREFER="respond-async", **headers)
        assert answer.status_code == 202, answer.content
        return dict(answer.json())

    return post


@pytest.fixture
def read(api: APIClient, filled: Filled) -> Callable[[str], dict[str, Any]]:
    """Read at the address that the answer named."""
    headers = filled.world.headers(Scope.BINDER)
    return lambda binder_id: dict(api.get(f"/api/v1/binders/{binder_id}", **headers).json())


def find_nothing(**_: Any) -> Binder:
    raise NotFound("it is not finished yet")


def pass_time(monkeypatch: pytest.MonkeyPatch, **span: float) -> None:
    later = clock.now() + timedelta(**span)
    monkeypatch.setattr(clock, "now", lambda: max(later, datetime.now(later.tzinfo)))


def test_what_was_accepted_can_be_read_until_it_is_there(ask: Any, read: Any, sent: list[int]) -> None:
    asked = ask()
    assert asked["state"] == "pending"
    assert read(asked["id"]) == asked
    tasks.export_binder(sent[0])
    ready = read(asked["id"])
    assert (ready["id"], ready["state"]) == (asked["id"], "ready")
    assert Binder.objects.get().archive_id == ready["digest"]


@pytest.fixture
def exported(filled: Filled) -> tuple[Binder, Callable[[], Binder]]:
    """Export the scope that `ask` asks for, and erase what it holds; with a way to export it again."""
    world = filled.world

    def export() -> Binder:
        asked = AskedScope(
            system=world.system, release=world.release, baseline="", period_from=PERIOD[0], period_to=PERIOD[1],
            as_of=filled.as_of,
        )  # fmt: skip
        return binders.export_binder(principal=acting(), asked=asked)

    first = export()
    erase_trace_payload(
        principal=acting(), system=world.system, trace_id=filled.trace.trace_id, reason="request 17"
    )
    return first, export


def test_an_older_export_is_not_taken_for_the_one_that_was_asked_for(
    exported: tuple[Binder, Any], ask: Any, read: Any, sent: list[int], api: APIClient, filled: Filled
) -> None:
    """They share the id of their scope, by which whoever waits looks how far it is."""
    first, _ = exported
    asked = ask()
    assert asked["id"] == str(first.binder_uuid)
    assert read(asked["id"]) == asked
    headers = filled.world.headers(Scope.BINDER)
    there, named = f"/api/v1/binders/{asked['id']}", {"digest": first.archive_id}
    assert api.get(there, named, **headers).json()["state"] == "ready"
    tasks.export_binder(sent[0])
    done = read(asked["id"])
    assert done["state"] == "ready"
    assert done["digest"] != first.archive_id


def test_of_an_export_that_failed_no_older_one_says_that_it_is_ready(
    exported: tuple[Binder, Callable[[], Binder]],
    ask: Any, read: Any, sent: list[int], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    _, export = exported
    asked = ask()
    with monkeypatch.context() as patch:
        patch.setattr(binders, "export_binder", find_nothing)
        with pytest.raises(NotFound):
            tasks.export_binder(sent[0])
    assert read(asked["id"])["state"] == "failed"
    assert "it is not finished yet" in read(asked["id"])["error"]
    second = export()
    assert read(asked["id"])["digest"] == second.archive_id


def test_the_same_request_again_is_the_same_row(ask: Any, sent: list[int]) -> None:
    assert ask() == ask()
    tasks.export_binder(sent[0])
    again = ask()
    assert again["state"] == "ready"
    assert (BinderRequest.objects.count(), len(sent)) == (1, 1)
    assert AuditEvent.objects.filter(verb="binder.queued").count() == 1


def test_asked_for_as_of_now_twice_it_is_exported_once(ask: Any, sent: list[int]) -> None:
    assert ask(as_of=None) == ask(as_of=None)
    tasks.export_binder(sent[0])
    assert ask(as_of=None)["state"] == "pending"  # later is another now
    assert BinderRequest.objects.count() == 2


def test_what_the_broker_lost_is_sent_again(
    ask: Any, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    sent.clear()  # the broker was emptied
    tasks.resend_binder_requests()
    assert sent == []  # it may still be on its way
    pass_time(monkeypatch, minutes=6)
    tasks.resend_binder_requests()
    tasks.export_binder(sent[0])
    assert Binder.objects.count() == 1


def claim(binder_id: str) -> None:
    """Have a worker at a request, and not yet done with it."""
    assert (
        leased_work.claim(binder_requests.WORK, BinderRequest.objects.get(binder_uuid=binder_id).pk)
        is not None
    )


def test_what_waits_behind_another_export_is_not_sent_again(
    ask: Any, sent: list[int], filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask()["id"]
    for days in range(1, 4):
        ask(period_from=(PERIOD[0] + timedelta(days=days)).isoformat())
    claim(first)
    for _ in range(12):  # an hour, in which the worker renews its lease
        pass_time(monkeypatch, minutes=5, seconds=1)
        BinderRequest.objects.filter(binder_uuid=first).update(lease_until=clock.now() + timedelta(minutes=5))
        tasks.resend_binder_requests()
    assert len(sent) == 4, "no message but the first about each"


def test_a_message_that_a_later_one_overtook_is_sent_again(
    ask: Any, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    later = ask(period_from=(PERIOD[0] + timedelta(days=1)).isoformat())["id"]
    pass_time(monkeypatch, minutes=6)
    claim(later)
    tasks.resend_binder_requests()
    assert sent[2:] == sent[:1]
    pass_time(monkeypatch, minutes=1)
    tasks.resend_binder_requests()
    assert len(sent) == 3


def test_where_nobody_works_the_queue_does_not_fill(
    ask: Any, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    for _ in range(2 * 24 * 12):  # a weekend, every five minutes
        pass_time(monkeypatch, minutes=5, seconds=1)
        tasks.resend_binder_requests()
    assert len(sent) < 60
    pass_time(monkeypatch, hours=1)
    tasks.resend_binder_requests()
    assert len(sent) > 40, "and whoever comes back finds one that is an hour old at most"


def test_a_request_is_on_record_although_no_broker_takes_it(
    ask: Any, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise ConnectionError

    monkeypatch.setattr(tasks.export_binder, "delay", refuse)
    assert read(ask()["id"])["state"] == "pending"


def test_what_was_delivered_twice_is_exported_once(ask: Any, sent: list[int]) -> None:
    ask()
    tasks.export_binder(sent[0])
    tasks.export_binder(sent[0])
    assert Binder.objects.count() == 1
    assert BinderRequest.objects.get().attempts == 1


def test_a_worker_that_died_is_followed_by_another_and_three_are_enough(
    ask: Any, read: Any, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException): ...

    def die(**_: Any) -> None:
        raise Killed

    binder_id = ask()["id"]
    monkeypatch.setattr(binders, "export_binder", die)
    for attempt in range(1, 4):
        with pytest.raises(Killed):
            tasks.export_binder(sent[-1])
        assert read(binder_id)["state"] == "running"
        assert BinderRequest.objects.get().attempts == attempt
        tasks.resend_binder_requests()
        assert len(sent) == attempt  # its lease is not over
        pass_time(monkeypatch, minutes=10)
        tasks.resend_binder_requests()
    told = read(binder_id)
    assert (told["state"], len(sent)) == ("failed", 3)
    assert "worker_lost" in told["error"]


def test_why_it_failed_can_be_read_and_asking_again_tries_again(
    ask: Any, read: Any, sent: list[int], settings: Settings
) -> None:
    sections = settings.BINDER_SECTIONS
    settings.BINDER_SECTIONS = ["tests.evidence.test_binder_export.failing_section"]
    binder_id = ask()["id"]
    with pytest.raises(RuntimeError):
        tasks.export_binder(sent[0])
    told = read(binder_id)
    assert told["state"] == "failed"
    assert told["error"] == "RuntimeError: a fault of ours; the server's log says more"
    settings.BINDER_SECTIONS = sections
    assert ask()["id"] == binder_id
    tasks.export_binder(sent[1])
    assert read(binder_id)["state"] == "ready"


@pytest.mark.parametrize(
    "problem", [LogBusy("the log is busy"), OperationalError("gone"), ClockSetBack(90, 60), ClockBehind()]
)
def test_what_may_go_better_next_time_waits_for_it(
    ask: Any, read: Any, sent: list[int], monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def fail(**_: Any) -> None:
        raise problem

    binder_id = ask()["id"]
    with monkeypatch.context() as patch:
        patch.setattr(binders, "export_binder", fail)
        tasks.export_binder(sent[0])
    assert read(binder_id)["state"] == "pending"
    pass_time(monkeypatch, minutes=6)
    tasks.resend_binder_requests()
    tasks.export_binder(sent[1])
    assert read(binder_id)["state"] == "ready"


def test_whoever_may_not_export_any_more_gets_no_binder(
    ask: Any, read: Any, sent: list[int], filled: Filled
) -> None:
    ask()
    request = BinderRequest.objects.get()
    BinderRequest.objects.update(requested_by="user:nobody")
    with pytest.raises(Exception, match="may do nothing here any more"):
        tasks.export_binder(sent[0])
    assert not Binder.objects.exists()
    assert read(str(request.binder_uuid))["state"] == "failed"


def test_how_far_it_is_can_be_read(
    ask: Any, read: Any, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    binder_id, told = ask()["id"], []
    export = binders.export_binder

    def export_and_look(**asked: Any) -> Binder:
        binder = export(**asked)
        request = BinderRequest.objects.get()
        binder_requests.keep_lease(request, asked["progress"])  # as a worker does every few seconds
        told.append(read(binder_id)["progress"])
        return binder

    monkeypatch.setattr(binders, "export_binder", export_and_look)
    monkeypatch.setattr(binders, "newest_export", lambda *_: None)  # it is not finished yet
    tasks.export_binder(sent[0])
    assert told[0]["files"] > 5
    assert told[0]["bytes"] == Binder.objects.get().archive.size


def test_an_export_that_lost_its_lease_changes_nothing(
    ask: Any, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    export = binders.export_binder

    def export_while_another_takes_over(**asked: Any) -> Binder:
        BinderRequest.objects.update(attempts=2)
        return export(**asked)

    monkeypatch.setattr(binders, "export_binder", export_while_another_takes_over)
    with pytest.raises(LeaseLost):
        tasks.export_binder(sent[0])
    assert BinderRequest.objects.get().state == BinderRequest.State.RUNNING


def test_members_of_other_systems_see_no_request(ask: Any, api: APIClient) -> None:
    binder_id = ask()["id"]
    headers = make_world("aml-copilot").headers(Scope.BINDER)
    assert api.get(f"/api/v1/binders/{binder_id}", **headers).status_code == 404
