from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError
from django.utils import timezone

from evidence.errors import LeaseLost
from evidence.models import AuditEvent
from evidence.models.work import MAX_ATTEMPTS
from interpret import registry
from interpret.contracts import Status
from interpret.errors import BadSpecification, ProbeError, ProbeUnavailable
from interpret.models import Finding, ProbePart, ProbeRun
from interpret.services import claims, execution
from interpret.services.findings import digest_of_finding, findings_of_result
from interpret.services.queueing import queue_probe_run
from interpret.tasks import resend_stale_runs, run_probe
from tests.factories import World, acting
from tests.interpret.conftest import StandInProbe
from tests.interpret.measurements import make_measurement_of, make_result

pytestmark = pytest.mark.usefixtures("sent")


@pytest.fixture
def run(world: World) -> ProbeRun:
    return queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=7)


def reload(run: ProbeRun) -> ProbeRun:
    return ProbeRun.objects.get(pk=run.pk)


def let_lease_end(run: ProbeRun, attempts: int = 1) -> None:
    past = timezone.now() - timedelta(seconds=1)
    ProbeRun.objects.filter(pk=run.pk).update(
        state=ProbeRun.State.RUNNING, lease_until=past, attempts=attempts, sent_at=past - timedelta(hours=1)
    )
    run.parts.filter(state=ProbePart.State.RUNNING).update(lease_until=past)


def test_a_run_is_measured_and_its_findings_kept_with_all_they_need(
    run: ProbeRun, probe: StandInProbe
) -> None:
    run_probe(run.pk)
    done = reload(run)
    assert (done.state, done.attempts, done.error) == (ProbeRun.State.DONE, 1, "")
    assert done.started_at is not None
    assert done.finished_at is not None
    assert probe.asked[0].seed == 7
    finding = Finding.objects.get()
    assert (finding.value, finding.low, finding.high, finding.n) == (2.0, 1.9, 2.1, 20)
    assert finding.null["estimate"]["value"] == 0
    assert finding.baseline["kind"] == "baseline"
    assert finding.control is None
    assert finding.stability["agrees"] is True
    assert finding.provenance["specification_digest"] == run.spec.artefact_version.digest
    assert finding.digest == digest_of_finding(finding)
    verbs = list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs[-3:] == ["probe_run.started", "finding.recorded", "probe_run.finished"]


def test_a_name_among_the_parameters_is_stored_and_part_of_what_was_asked(world: World) -> None:
    asked = [
        queue_probe_run(
            release=world.release, probe="attribute.proxies", principal=acting(), parameters=given
        )
        for given in ({}, {"prompt_set": "credit-gender-en"}, {"prompt_set": "aml-region-zh"})
    ]
    assert [run.spec.parameters["prompt_set"] for run in asked] == 2 * ["credit-gender-en"] + [
        "aml-region-zh"
    ]
    assert asked[0].spec_id == asked[1].spec_id != asked[2].spec_id
    with pytest.raises(BadSpecification, match="did you mean 'aml-region-zh'"):
        queue_probe_run(
            release=world.release, probe="attribute.proxies", principal=acting(),
            parameters={"prompt_set": "aml-region-zg"},
        )  # fmt: skip


def test_delivered_twice_it_runs_once(run: ProbeRun, probe: StandInProbe) -> None:
    run_probe(run.pk)
    run_probe(run.pk)
    assert len(probe.asked) == 1
    assert Finding.objects.count() == 1


def test_a_run_that_another_worker_holds_is_left_alone(run: ProbeRun, probe: StandInProbe) -> None:
    ProbeRun.objects.filter(pk=run.pk).update(
        state=ProbeRun.State.RUNNING, lease_until=timezone.now() + timedelta(minutes=1), attempts=1
    )
    run_probe(run.pk)
    assert probe.asked == []
    assert reload(run).attempts == 1


def test_a_failed_run_is_kept_with_its_error(run: ProbeRun, probe: StandInProbe) -> None:
    def fail() -> Any:
        raise ProbeError("the corpus has no tokens")

    probe.result = fail
    with pytest.raises(ProbeError):
        run_probe(run.pk)
    failed = reload(run)
    assert failed.state == ProbeRun.State.FAILED
    assert failed.error == "probe_failed: the corpus has no tokens"
    assert not Finding.objects.exists()
    assert AuditEvent.objects.filter(verb="probe_run.failed").exists()


def test_without_torch_the_run_fails_and_says_what_is_missing(
    run: ProbeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(registry, "import_module", refuse)
    with pytest.raises(ProbeUnavailable):
        run_probe(run.pk)
    failed = reload(run)
    assert failed.state == ProbeRun.State.FAILED
    assert "torch" in failed.error
    assert "interpret worker" in failed.error
    assert not Finding.objects.exists()


def test_findings_their_events_and_the_end_of_the_run_are_stored_together_or_not_at_all(
    run: ProbeRun, probe: StandInProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice_the_same(*asked: Any) -> list[dict[str, Any]]:
        return findings_of_result(*asked) * 2

    del probe
    monkeypatch.setattr(execution, "findings_of_result", twice_the_same)
    with pytest.raises(IntegrityError):
        run_probe(run.pk)
    assert not Finding.objects.exists()
    assert not AuditEvent.objects.filter(verb__in=["finding.recorded", "probe_run.finished"]).exists()
    assert reload(run).state == ProbeRun.State.FAILED


def test_a_dead_worker_s_run_is_sent_again_and_done(
    run: ProbeRun, probe: StandInProbe, sent: list[int]
) -> None:
    let_lease_end(run)
    resend_stale_runs()
    assert sent == [run.pk]
    run_probe(run.pk)
    assert len(probe.asked) == 1
    assert reload(run).state == ProbeRun.State.DONE


def test_a_run_is_not_sent_again_while_the_last_message_is_fresh(run: ProbeRun, sent: list[int]) -> None:
    resend_stale_runs()
    assert sent == []
    ProbeRun.objects.filter(pk=run.pk).update(sent_at=timezone.now() - timedelta(minutes=6))
    resend_stale_runs()
    resend_stale_runs()
    assert sent == [run.pk]


def test_a_database_that_was_away_is_no_failure_of_the_probe(
    run: ProbeRun, probe: StandInProbe, sent: list[int]
) -> None:
    def fail() -> Any:
        raise OperationalError("the connection is closed")

    with_database, probe.result = probe.result, fail
    run_probe(run.pk)
    assert (reload(run).state, reload(run).lease_until) <= (ProbeRun.State.RUNNING, timezone.now())
    assert run.parts.get(part="").attempts == 0
    ProbeRun.objects.filter(pk=run.pk).update(sent_at=timezone.now() - timedelta(minutes=6))
    resend_stale_runs()
    assert sent == [run.pk]
    probe.result = with_database
    run_probe(run.pk)
    assert reload(run).state == ProbeRun.State.DONE


def test_what_a_library_says_is_for_the_servers_log(run: ProbeRun, probe: StandInProbe) -> None:
    def fail() -> Any:
        raise RuntimeError("/home/ana/models: no such file")

    probe.result = fail
    with pytest.raises(RuntimeError):
        run_probe(run.pk)
    assert reload(run).error == "RuntimeError: a fault of ours; the server's log says more"


def test_a_run_that_kills_its_workers_is_given_up(run: ProbeRun, sent: list[int]) -> None:
    let_lease_end(run, attempts=MAX_ATTEMPTS)
    resend_stale_runs()
    assert sent == []
    assert reload(run).state == ProbeRun.State.FAILED
    assert reload(run).error.startswith("worker_lost")


def test_a_worker_that_outlived_its_lease_stores_nothing(run: ProbeRun, probe: StandInProbe) -> None:
    def overtaken() -> Any:
        let_lease_end(run)
        assert claims.claim_run(run.pk)
        ProbeRun.objects.filter(pk=run.pk).update(worker="another")
        return make_result()

    probe.result = overtaken
    with pytest.raises(LeaseLost):
        run_probe(run.pk)
    assert not Finding.objects.exists()
    assert (reload(run).state, reload(run).worker) == (ProbeRun.State.RUNNING, "another")


def test_findings_of_every_status_are_kept(run: ProbeRun, probe: StandInProbe) -> None:
    probe.result = lambda: make_result(*(make_measurement_of(status) for status in Status))
    run_probe(run.pk)
    assert set(Finding.objects.values_list("status", flat=True)) == {str(status) for status in Status}
