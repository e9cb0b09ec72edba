"""Carrying a run out: claim it, measure, and store what was found or why not."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from evidence import clock
from evidence.digests import digest_of
from evidence.services import audit
from interpret import registry
from interpret.contracts import ProbeResult, ProbeSpecification, Progress
from interpret.errors import InterpretError, LeaseLost
from interpret.models import ProbeRun
from interpret.services import findings
from interpret.services.prompts import read_inputs

MAX_ATTEMPTS = 3  # a run that has killed its worker this often is not sent again
RESEND_AFTER = timedelta(minutes=5)  # between two messages to the broker about one run
ERROR_LENGTH = 4000  # characters


def ignore_progress(what: str, done: int, total: int) -> None:
    """Report to nobody."""


def execute_probe_run(run_id: int, progress: Progress = ignore_progress) -> None:
    """Claim one run, measure, and store its findings or its error.

    A run that is over, or that another worker holds, is left alone.

    Raises:
        Exception: what the probe raised, once the row says so.
    """
    run = _claim(run_id)
    if run is None:
        return
    observed_from = clock.now()
    try:
        result = _measure(run, progress)
        with transaction.atomic():
            stored = findings.record_findings(run=run, result=result, observed_at=observed_from)
            _close(
                run,
                state=ProbeRun.State.DONE,
                verb="probe_run.finished",
                detail={"findings": len(stored), "forward_passes": result.forward_passes},
            )
    except LeaseLost:
        raise
    except Exception as exc:
        error = _describe(exc)
        with transaction.atomic():
            _close(run, state=ProbeRun.State.FAILED, verb="probe_run.failed", error=error)
        raise


def specification_of(run: ProbeRun) -> ProbeSpecification:
    """Return what the run asks of its probe."""
    spec = run.spec
    dataset = spec.dataset_version
    return ProbeSpecification(
        probe=spec.probe,
        model_digest=spec.model_version.digest,
        seed=spec.seed,
        parameters=spec.parameters,
        inputs=read_inputs(dataset) if dataset else (),
        dataset_digest=dataset.digest if dataset else "",
    )


def digest_of_specification(specification: ProbeSpecification) -> str:
    """Return the identity of what is asked. Prompts stand in it by the digest of their dataset version."""
    return digest_of(replace(specification, inputs=()).as_json())


def find_runs_to_send() -> list[int]:
    """Close what has failed too often, and return the runs that a worker should be told of again.

    These are runs that nobody has claimed since the last message, and runs whose worker has died: its lease is
    over. The time of this message is put on each.
    """
    now = clock.now()
    over = Q(state=ProbeRun.State.RUNNING, lease_until__lt=now)
    for run in ProbeRun.objects.filter(over, attempts__gte=MAX_ATTEMPTS):
        _give_up(run)
    waiting = Q(state=ProbeRun.State.QUEUED) | over
    silent = Q(sent_at=None) | Q(sent_at__lt=now - RESEND_AFTER)
    due = list(ProbeRun.objects.filter(waiting & silent).order_by("queued_at").values_list("pk", flat=True))
    ProbeRun.objects.filter(waiting & silent, pk__in=due).update(sent_at=now)
    return due


@transaction.atomic
def _claim(run_id: int) -> ProbeRun | None:
    """Take the run if it waits or its lease is over; None when it was not this worker that changed the row."""
    now = clock.now()
    free = Q(state=ProbeRun.State.QUEUED) | Q(state=ProbeRun.State.RUNNING, lease_until__lt=now)
    changed = ProbeRun.objects.filter(free, pk=run_id, attempts__lt=MAX_ATTEMPTS).update(
        state=ProbeRun.State.RUNNING,
        attempts=F("attempts") + 1,
        worker=f"{socket.gethostname()}:{os.getpid()}",
        started_at=now,
        lease_until=now + timedelta(seconds=settings.PROBE_LEASE),
    )
    if changed != 1:
        return None
    related = ("spec__system", "spec__model_version", "spec__dataset_version", "release__system")
    run = ProbeRun.objects.select_related(*related).get(pk=run_id)
    _record(run, "probe_run.started", {"attempt": run.attempts, "worker": run.worker})
    return run


def _measure(run: ProbeRun, progress: Progress) -> ProbeResult:
    probe = registry.load(run.spec.probe)
    session = registry.open_session(settings.MODEL_STORE)
    return probe.run(specification_of(run), session, progress)


def _close(
    run: ProbeRun,
    *,
    state: ProbeRun.State,
    verb: str,
    error: str = "",
    detail: dict[str, object] | None = None,
) -> None:
    """End this attempt and no later one.

    Raises:
        LeaseLost: the run has been claimed again since.
    """
    held = ProbeRun.objects.filter(pk=run.pk, state=ProbeRun.State.RUNNING, attempts=run.attempts)
    changed = held.update(state=state, error=error, finished_at=clock.now(), lease_until=None)
    if changed != 1:
        raise LeaseLost(f"Run {run.pk}: attempt {run.attempts} took longer than its lease.")
    _record(run, verb, {"attempt": run.attempts, **({"error": error} if error else {}), **(detail or {})})


@transaction.atomic
def _give_up(run: ProbeRun) -> None:
    error = f"worker_lost: {run.attempts} workers took this run and none of them finished it"
    held = ProbeRun.objects.filter(pk=run.pk, state=ProbeRun.State.RUNNING, attempts=run.attempts)
    if held.update(state=ProbeRun.State.FAILED, error=error, finished_at=clock.now(), lease_until=None):
        _record(run, "probe_run.failed", {"attempt": run.attempts, "error": error})


def _record(run: ProbeRun, verb: str, payload: dict[str, object]) -> None:
    write = partial(audit.record, verb=verb, actor="system:interpret", obj=run, system=run.spec.system)
    write(digest=run.spec.artefact_version.digest, payload=payload)


def _describe(exc: Exception) -> str:
    code = exc.code if isinstance(exc, InterpretError) else type(exc).__name__
    return f"{code}: {exc}"[:ERROR_LENGTH]
