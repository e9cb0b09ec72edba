"""A run whose parts several workers measure: who does what, what is lost with a worker, and how it is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerAway
from rest_framework.test import APIClient

from evidence.errors import AccessDenied, ConflictingContent, HeldElsewhere, LeaseLost
from evidence.models import AuditEvent
from evidence.models.work import MAX_ATTEMPTS, PATIENCE
from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import ProbeError
from interpret.models import Finding, ProbePart, ProbeRun
from interpret.services import claims
from interpret.services.execution import MOST_TOLD, execute_probe_run
from interpret.services.queueing import cancel_probe_run, queue_probe_run
from interpret.tasks import resend_stale_runs, run_probe
from tests.factories import World, acting
from tests.interpret.conftest import StandInProbe

pytestmark = [pytest.mark.usefixtures("sent"), pytest.mark.django_db(transaction=True)]
NAMES = ("texts", "dead model", "random sets 1", "random sets 2")
DONE, QUEUED, RUNNING = ProbePart.State.DONE, ProbePart.State.QUEUED, ProbePart.State.RUNNING


class SharedProbe(StandInProbe):
    """In four parts, each of which says its name; remembers what was measured and what was put together."""

    names: tuple[str, ...] = NAMES

    def __init__(self) -> None:
        super().__init__()
        self.measured: list[str] = []
        self.reported: list[dict[str, Any]] = []
        self.before: dict[str, Any] = {}  # part -> what is done before it is measured

    def measure(self, specification: ProbeSpecification, models: Any, part: str) -> dict[str, Any]:
        self.before.pop(part, lambda: None)()
        self.measured.append(part)
        return {"said": part, "third": 1 / 3}

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        self.reported.append(dict(measured))
        return super().report(specification, measured)


@pytest.fixture
def shared(probe: StandInProbe, monkeypatch: pytest.MonkeyPatch) -> SharedProbe:
    del probe
    stand_in = SharedProbe()
    monkeypatch.setattr("interpret.registry.load", lambda _: stand_in)
    return stand_in


@pytest.fixture
def run(world: World, sent: list[int]) -> ProbeRun:
    run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=7)
    assert sent == [run.pk]
    sent.clear()
    return run


def reload(run: ProbeRun) -> ProbeRun:
    return ProbeRun.objects.get(pk=run.pk)


def plan(run: ProbeRun, *parts: str) -> None:
    claimed = claims.claim_run(run.pk)
    assert claimed is not None
    claims.plan_run(claimed, parts or NAMES)


def claim(run: ProbeRun) -> claims.ClaimedRun:
    claimed = claims.claim_run(run.pk)
    assert claimed is not None
    return claimed


def lose_workers(run: ProbeRun) -> None:
    """Let the lease of every part that is measured be over, as it is once its worker has died."""
    past = timezone.now() - timedelta(seconds=1)
    run.parts.filter(state=RUNNING).update(lease_until=past)
    ProbeRun.objects.filter(pk=run.pk).update(lease_until=past, sent_at=past - timedelta(hours=1))


def test_each_part_is_measured_once_and_all_of_them_make_the_report(
    run: ProbeRun, shared: SharedProbe, sent: list[int]
) -> None:
    run_probe(run.pk)
    assert shared.measured == list(NAMES)
    assert shared.reported == [{name: {"said": name, "third": 1 / 3} for name in NAMES}]
    assert reload(run).state == ProbeRun.State.DONE
    assert sent == [run.pk] * (len(NAMES) - 1), "another worker for each part but one"
    assert set(run.parts.values_list("state", "measured")) == {(DONE, "")}, "the findings hold what counts"


def test_what_comes_out_does_not_depend_on_how_many_workers_there_were(
    world: World, run: ProbeRun, shared: SharedProbe
) -> None:
    other = queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=8)
    execute_probe_run(other.pk)
    plan(run)
    held = [claim(run) for _ in NAMES]
    assert [work.part for work in held] == list(NAMES)
    assert claims.claim_run(run.pk) is None, "the report waits for all of them"
    for work in reversed(held):
        assert work.part
        claims.finish_part(work, json_of(work.part))
    execute_probe_run(run.pk)
    assert shared.reported[1] == shared.reported[0]
    assert reload(run).state == ProbeRun.State.DONE


def json_of(part: str) -> dict[str, Any]:
    return {
        "part": part, "code_version": "1", "numbers": {"said": part, "third": 1 / 3}, "versions": {"torch": "2"},
        "threads": 1, "forward_passes": 3,
    }  # fmt: skip


def test_workers_that_come_at_once_take_different_parts(run: ProbeRun, shared: SharedProbe) -> None:
    plan(run)
    taken, start = list[str | None](), Barrier(len(NAMES))

    def work() -> None:
        start.wait()
        try:
            taken.append(claim(run).part)
        finally:
            connection.close()

    workers = [Thread(target=work) for _ in NAMES]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(map(str, taken)) == sorted(NAMES)


def test_only_the_part_of_a_lost_worker_is_measured_again(
    run: ProbeRun, shared: SharedProbe, sent: list[int]
) -> None:
    plan(run)
    lost = claim(run)
    execute_probe_run(run.pk)
    assert shared.measured == list(NAMES[1:])
    assert reload(run).state == ProbeRun.State.RUNNING
    resend_stale_runs()
    assert sent == [], "the lease of the part is not over"
    lose_workers(run)
    resend_stale_runs()
    assert sent == [run.pk]
    execute_probe_run(run.pk)
    assert shared.measured == [*NAMES[1:], NAMES[0]]
    assert reload(run).state == ProbeRun.State.DONE
    with pytest.raises(LeaseLost):
        claims.finish_part(lost, json_of(NAMES[0]))
    assert Finding.objects.count() == 1


def test_where_the_broker_lost_all_messages_one_is_sent_for_each_part(
    run: ProbeRun, shared: SharedProbe, sent: list[int]
) -> None:
    del shared
    plan(run)
    lose_workers(run)
    resend_stale_runs()
    assert sent == [run.pk] * len(NAMES)


def test_a_part_that_kills_its_workers_ends_the_run_and_is_named(run: ProbeRun, shared: SharedProbe) -> None:
    plan(run, "deadly", "harmless")
    for _ in range(MAX_ATTEMPTS):
        assert claim(run).part == "deadly"
        lose_workers(run)
    execute_probe_run(run.pk)
    assert shared.measured == [], "what else is free of it is not measured any more"
    assert reload(run).state == ProbeRun.State.FAILED
    assert reload(run).error == 'worker_lost: 3 workers took the part "deadly" and none of them finished it'
    assert AuditEvent.objects.get(verb="probe_run.failed").object_id == str(run.pk)
    assert shared.reported == []


def test_planning_three_times_does_not_use_up_the_attempts_of_the_parts(
    run: ProbeRun, shared: SharedProbe, sent: list[int]
) -> None:
    for _ in range(MAX_ATTEMPTS - 1):
        claim(run)
        lose_workers(run)
    plan(run)
    lose_workers(run)
    resend_stale_runs()
    assert (reload(run).state, len(sent)) == (ProbeRun.State.RUNNING, len(NAMES))
    execute_probe_run(run.pk)
    assert reload(run).state == ProbeRun.State.DONE


def test_a_part_that_cannot_be_measured_fails_the_run_and_the_others_store_nothing_more(
    run: ProbeRun, shared: SharedProbe
) -> None:
    def fail() -> None:
        raise ProbeError("no tokens")

    plan(run)
    other = claim(run)
    shared.before = {NAMES[2]: fail}
    with pytest.raises(ProbeError):
        execute_probe_run(run.pk)
    assert (reload(run).state, reload(run).error) == (ProbeRun.State.FAILED, "probe_failed: no tokens")
    assert dict(run.parts.values_list("part", "state"))[NAMES[2]] == ProbePart.State.FAILED
    with pytest.raises(LeaseLost, match="the run was ended meanwhile"):
        claims.finish_part(other, json_of(NAMES[0]))
    assert claims.claim_run(run.pk) is None


def test_a_part_that_waits_for_the_database_does_not_stop_the_others(
    run: ProbeRun, shared: SharedProbe
) -> None:
    def away() -> None:
        raise OperationalError("the connection is closed")

    plan(run)
    other = claim(run)
    shared.before = {NAMES[1]: away}
    execute_probe_run(run.pk)
    assert reload(run).state == ProbeRun.State.RUNNING
    assert run.parts.get(part=NAMES[1]).attempts == 0
    claims.put_run_back(other, "the database is being upgraded")
    assert reload(run).error == "the database is being upgraded"
    ProbeRun.objects.update(queued_at=timezone.now() - 2 * PATIENCE, sent_at=timezone.now() - PATIENCE)
    resend_stale_runs()
    assert reload(run).state == ProbeRun.State.RUNNING, (
        "a long run is not over because something was in its way"
    )
    execute_probe_run(run.pk)
    assert reload(run).error == ""
    assert reload(run).state == ProbeRun.State.DONE


def test_a_worker_whose_time_is_up_has_another_go_on(
    run: ProbeRun, shared: SharedProbe, sent: list[int], settings: Any
) -> None:
    settings.PROBE_SOFT_LIMIT = 0
    run_probe(run.pk)
    assert (shared.measured, len(sent)) == ([], len(NAMES))
    for told in sent:
        run_probe(told)
    assert shared.measured == list(NAMES)
    run_probe(sent[-1])
    assert reload(run).state == ProbeRun.State.DONE


def test_a_broker_that_is_away_does_not_stop_the_worker_that_planned(
    run: ProbeRun, shared: SharedProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise BrokerAway("connection refused")

    monkeypatch.setattr(run_probe, "delay", refuse)
    run_probe(run.pk)
    assert shared.measured == list(NAMES)
    assert reload(run).state == ProbeRun.State.DONE


def test_what_was_in_the_way_of_a_part_for_a_day_ends_the_run(run: ProbeRun, shared: SharedProbe) -> None:
    plan(run)
    for _ in range(3):
        claims.put_run_back(claim(run), "the database is away")
    assert AuditEvent.objects.filter(verb="probe_run.postponed").count() == 1, "said once"
    run.parts.filter(part=NAMES[0]).update(postponed_at=timezone.now() - PATIENCE - timedelta(minutes=1))
    claims.put_run_back(claim(run), "the database is away")
    assert (reload(run).state, reload(run).error) == (ProbeRun.State.FAILED, "the database is away")
    assert set(run.parts.values_list("state", flat=True)) == {ProbePart.State.FAILED}


def test_parts_of_another_version_of_the_probe_are_not_put_together(
    run: ProbeRun, shared: SharedProbe
) -> None:
    plan(run)
    claims.finish_part(claim(run), json_of(NAMES[0]))
    shared.code_version = "2"
    with pytest.raises(ProbeError, match="different versions of the probe: 1 and 2"):
        execute_probe_run(run.pk)
    assert reload(run).state == ProbeRun.State.FAILED


def test_numbers_come_to_the_report_to_the_last_digit(run: ProbeRun, shared: SharedProbe) -> None:
    plan(run, "only")
    numbers = {"z": -0.0, "a": 1e22, "b": 0.1 + 0.2, "c": 5e-324}
    claims.finish_part(claim(run), {**json_of("only"), "numbers": numbers})
    shared.names = ("only",)
    execute_probe_run(run.pk)
    assert repr(shared.reported) == repr([{"only": numbers}])


def test_a_number_that_is_none_fails_the_run_and_says_in_which_part(
    run: ProbeRun, shared: SharedProbe
) -> None:
    def measure(*_: object) -> dict[str, Any]:
        return {"mean": float("nan")}

    vars(shared)["measure"] = measure
    with pytest.raises(ProbeError):
        execute_probe_run(run.pk)
    assert reload(run).error == "probe_failed: the part 'texts' gave a number that is infinite or none"


def test_of_a_run_with_many_parts_not_every_one_is_told(
    run: ProbeRun, shared: SharedProbe, sent: list[int]
) -> None:
    shared.names = tuple(f"part {number}" for number in range(100))
    run_probe(run.pk)
    assert len(sent) == MOST_TOLD - 1
    assert reload(run).state == ProbeRun.State.DONE


@pytest.mark.parametrize("parts", [(), ("",), ("a", "a"), ("a", "b", "")], ids=str)
def test_a_plan_that_names_no_parts_or_one_twice_is_refused_whole(
    run: ProbeRun, shared: SharedProbe, parts: tuple[str, ...]
) -> None:
    shared.names = parts
    with pytest.raises(IntegrityError):
        run_probe(run.pk)
    assert reload(run).state == ProbeRun.State.FAILED
    assert not run.parts.exists()


def test_a_key_of_a_part_plans_and_ends_nothing_else(run: ProbeRun, shared: SharedProbe) -> None:
    planner = claim(run)
    claims.plan_run(planner, NAMES)
    with pytest.raises(LeaseLost):
        claims.plan_run(planner, ["another"])
    part = claim(run)
    with pytest.raises(LeaseLost):
        claims.finish_run(part, [], forward_passes=0)
    with pytest.raises(LeaseLost):
        claims.plan_run(part, ["another"])
    execute_probe_run(run.pk)
    assert reload(run).state == ProbeRun.State.RUNNING
    claims.finish_part(part, json_of(NAMES[0]))
    with pytest.raises(LeaseLost):
        claims.finish_part(claim(run), {})  # the report is no part


@pytest.mark.parametrize("measured", [0, 2])
def test_a_cancelled_run_is_measured_no_further(
    world: World, run: ProbeRun, shared: SharedProbe, measured: int
) -> None:
    plan(run)
    shared.before = {NAMES[measured]: lambda: cancel(world, run)}
    with pytest.raises(LeaseLost, match="the run was ended meanwhile"):
        execute_probe_run(run.pk)
    assert shared.measured == list(NAMES[: measured + 1])
    execute_probe_run(run.pk)
    resend_stale_runs()
    assert reload(run).state == ProbeRun.State.CANCELLED
    assert not run.parts.filter(state__in=[QUEUED, RUNNING]).exists()
    assert not run.parts.exclude(measured="").exists(), "what they gave is of no use any more"
    assert not Finding.objects.exists()
    again = queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=7)
    assert again.pk != run.pk, "it may be asked for anew"
    execute_probe_run(again.pk)
    assert Finding.objects.count() == 1


def cancel(world: World, run: ProbeRun, reason: str = "too dear") -> None:
    cancel_probe_run(principal=world.principal("researcher"), run=run, reason=reason)


def test_a_cancellation_waits_for_a_worker_that_stores_and_not_for_ever(
    world: World, shared: SharedProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interpret.services.queueing.CANCEL_PATIENCE", 100)
    run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    holds, over = Event(), Event()

    def store() -> None:
        with transaction.atomic():
            ProbeRun.objects.select_for_update().get(pk=run.pk)
            holds.set()
            over.wait(30)
        connection.close()

    worker = Thread(target=store)
    worker.start()
    try:
        assert holds.wait(30)
        with pytest.raises(HeldElsewhere, match="Nothing was changed"):
            cancel(world, run)
        assert reload(run).state == ProbeRun.State.QUEUED
    finally:
        over.set()
        worker.join()
    cancel(world, run)
    assert reload(run).state == ProbeRun.State.CANCELLED


def test_free_parts_of_a_run_that_is_held_are_told_of_again_and_ever_more_rarely(
    run: ProbeRun, shared: SharedProbe, sent: list[int]
) -> None:
    plan(run)
    claim(run)  # a worker holds one part; what the others were told is lost
    resend_stale_runs()
    assert sent == [], "they were told a moment ago"
    ago(run, taken=6)
    resend_stale_runs()
    assert sent == [run.pk] * 4, "once for each part that is not measured"
    resend_stale_runs()
    assert len(sent) == 4
    ago(run, taken=26, told=10)  # told after sixteen minutes, in vain: not again before another sixteen
    resend_stale_runs()
    assert len(sent) == 4
    ago(run, taken=33, told=17)
    resend_stale_runs()
    assert len(sent) == 8
    while claims.claim_run(run.pk) is not None:
        ago(run, taken=90)
    sent.clear()
    resend_stale_runs()
    assert sent == [], "nothing of it is free"


def ago(run: ProbeRun, *, taken: int, told: int | None = None) -> None:
    """Have parts been taken, and workers been told, so many minutes ago."""
    now = timezone.now()
    run.parts.exclude(started_at=None).update(started_at=now - timedelta(minutes=taken))
    sent_at = None if told is None else now - timedelta(minutes=told)
    ProbeRun.objects.filter(pk=run.pk).update(sent_at=sent_at)


@pytest.mark.parametrize(("attempts", "left"), [(1, 0), (3, 2), (0, 0)])
def test_an_upgrade_puts_runs_back_that_workers_of_before_hold(
    world: World, shared: SharedProbe, attempts: int, left: int
) -> None:
    """Those workers cannot end them any more: the migration begins them anew, and the attempt does not count."""
    held, over = (
        queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=seed)
        for seed in (1, 2)
    )
    execute_probe_run(over.pk)
    lease = {"lease_until": timezone.now() + timedelta(hours=1), "lease_digest": "a" * 64}
    ProbeRun.objects.filter(pk=held.pk).update(state=ProbeRun.State.RUNNING, attempts=attempts, **lease)
    before = ProbeRun.objects.filter(pk=over.pk).values().get()
    put_back = import_module("interpret.migrations.0008_parts").put_back
    for _ in range(2):  # a migration that failed after it is run again
        put_back(apps, connection.schema_editor(atomic=False))
        run = reload(held)
        assert (run.state, run.attempts) == (ProbeRun.State.QUEUED, left)
        assert (run.lease_until, run.lease_digest) == (None, "")
    assert ProbeRun.objects.filter(pk=over.pk).values().get() == before, "what is over stays as it was"
    execute_probe_run(held.pk)
    assert reload(held).state == ProbeRun.State.DONE


def test_who_cancels_is_on_record_once_and_what_is_over_is_not_cancelled(
    world: World, run: ProbeRun, shared: SharedProbe
) -> None:
    for _ in range(2):
        cancel(world, run)
    event = AuditEvent.objects.get(verb="probe_run.cancelled")
    assert (event.actor, event.object_id) == (world.principal("researcher").actor, str(run.pk))
    over = queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=8)
    execute_probe_run(over.pk)
    with pytest.raises(ConflictingContent, match="is done: there is nothing left to cancel"):
        cancel(world, over)
    with pytest.raises(AccessDenied):
        cancel_probe_run(principal=world.principal("auditor"), run=run)


def test_whoever_asked_sees_how_far_it_is_and_cancels_by_the_api(
    world: World, run: ProbeRun, shared: SharedProbe
) -> None:
    client = APIClient()
    client.force_login(world.people["researcher"])
    path = f"/api/v1/probe-runs/{run.pk}"
    assert client.get(path).json()["parts"] is None
    plan(run)
    claims.finish_part(claim(run), json_of(NAMES[0]))
    assert client.get(path).json()["parts"] == {"planned": 4, "measured": 1}
    assert client.get("/api/v1/probe-runs").json()["results"][0]["parts"] == {"planned": 4, "measured": 1}
    answer = client.post(f"{path}/cancel", {}, format="json")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert client.get("/api/v1/probe-runs", {"state": "cancelled"}).json()["results"][0]["id"] == run.pk
    assert client.post("/api/v1/probe-runs/0/cancel", {}, format="json").status_code == 404
    page = client.get(f"/admin/interpret/proberun/{run.pk}/change/").content.decode()
    assert "1 of 4" in page
    assert "Cancel" not in page
