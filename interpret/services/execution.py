"""Carrying a run out: claim what of it is free, plan, measure or report, and store what came of it or why nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q

from evidence import clock
from evidence.digests import digest_of
from evidence.errors import EvidenceError
from evidence.probe_rules import ACTOR, REPORT
from evidence.services import leased_work
from evidence.services.leased_work import WorkKind
from interpret import registry
from interpret.ceiling import memory_ceiling
from interpret.contracts import MeasuredPart, ProbeSpecification
from interpret.errors import InterpretError
from interpret.models import ProbePart, ProbeRun
from interpret.parts import Session, put_together
from interpret.services.claims import (
    ClaimedRun,
    claim_run,
    fail_run,
    finish_part,
    finish_run,
    plan_run,
    put_run_back,
    read_measured,
)
from interpret.services.findings import findings_of_result
from interpret.services.prompts import read_claimed_inputs, read_inputs
from interpret.verdicts import judge

MOST_TOLD: Final = 32  # messages about a run at once


def tell_nobody() -> None:
    """Leave other workers alone: whoever calls does all of the work."""


def execute_probe_run(
    run_id: int, *, tell: Callable[[], object] = tell_nobody, seconds: float = float("inf")
) -> None:
    """Do what of a run is free, until nothing is or time is up: plan it, measure parts, report.

    A run that is over is left alone, and so is what another worker holds.

    Args:
        tell: has another worker come to the run; called for each part but one once they are named (`MOST_TOLD` are
            enough: a worker goes on with the next), and when time is up.
        seconds: after which no more is begun.

    Raises:
        Exception: as `leased_work.carry_out` does.
    """
    begun = monotonic()
    while (run := claim_run(run_id)) is not None:
        planned: list[str] = []
        was_done = leased_work.carry_out_claimed(
            run, partial(_do, planned=planned), fail=fail_run, put_back=put_run_back, readable=_READABLE
        )
        if not was_done:
            return
        for _ in planned[1:MOST_TOLD]:
            tell()
        if monotonic() - begun >= seconds:
            tell()
            return


def open_session() -> Session:
    """Return what this process measures with, as the settings say; raises as `registry.open_session` does."""
    return registry.open_session(settings.MODEL_STORE, settings.PROBE_THREADS, settings.PROBE_DEVICE)


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
    """Return the runs that workers should be told of again, as `leased_work.find_to_send` does, once for each part.

    More than `MOST_TOLD` times for none: each worker goes on with the next part. A run that somebody holds is among
    them where nobody has come for its free parts.
    """
    due = [*leased_work.find_to_send(WORK), *_note_left_parts(clock.now())]
    waiting = ProbePart.objects.filter(run__in=due).exclude(Q(part=REPORT) | Q(state=ProbePart.State.DONE))
    parts = Counter(waiting.values_list("run", flat=True))
    return [run_id for run_id in due for _ in range(min(max(parts[run_id], 1), MOST_TOLD))]


def _note_left_parts(now: datetime) -> list[int]:
    """Return the runs that are held and of which parts are free that nobody came for, and note that they are told of.

    What was told of them may be lost. Each time it takes as long again until the next, for a lone worker may be busy.
    """
    left = Q(state=ProbePart.State.QUEUED) | Q(state=ProbePart.State.RUNNING, lease_until__lt=now)
    free = ProbePart.objects.filter(left, run=OuterRef("pk")).exclude(part=REPORT)
    held = ProbeRun.objects.filter(Exists(free), state=ProbeRun.State.RUNNING, lease_until__gte=now)
    told = [
        run.pk
        for run in held.annotate(last_taken=Max("parts__started_at"))
        if now - (run.sent_at or run.last_taken or run.queued_at) >= _silence_of(run)
    ]
    ProbeRun.objects.filter(pk__in=told, state=ProbeRun.State.RUNNING).update(sent_at=now)
    return told


def _silence_of(run: Any) -> timedelta:
    """Return how long nothing more is said of a held run: five minutes, and longer each time it was told of in vain."""
    waited = run.sent_at - (run.last_taken or run.queued_at) if run.sent_at else timedelta()
    return max(leased_work.RESEND_AFTER, min(waited, leased_work.LONGEST_SILENCE))


def _do(run: ClaimedRun, planned: list[str]) -> None:
    """Do what was claimed. What a plan names is added to `planned`."""
    with memory_ceiling(settings.PROBE_MEMORY):
        if run.part is None:
            planned += _plan(run)
        elif run.part == REPORT:
            _report(run)
        else:
            probe = registry.load(run.probe)
            measured = open_session().measure(probe, _specification_of_claimed(run), run.part)
            finish_part(run, measured.as_json())


def _plan(run: ClaimedRun) -> tuple[str, ...]:
    probe, asked = registry.load(run.probe), _specification_of_claimed(run)
    probe.check(asked)
    parts = probe.parts(asked)
    plan_run(run, parts)
    return parts


def _report(run: ClaimedRun) -> None:
    done = [MeasuredPart(**part) for part in read_measured(run)]
    result = put_together(registry.load(run.probe), _specification_of_claimed(run), done)
    verdicts = [judge(measurement, run.history) for measurement in result.measurements]
    finish_run(run, findings_of_result(run, result, verdicts), forward_passes=result.forward_passes)


def _specification_of_claimed(run: ClaimedRun) -> ProbeSpecification:
    return ProbeSpecification(
        probe=run.probe,
        model_digest=run.model_digest,
        seed=run.seed,
        parameters=run.parameters,
        inputs=read_claimed_inputs(run),
        dataset_digest=run.dataset_digest,
    )


_READABLE: Final = (InterpretError, EvidenceError)
# What beat and the default queue see of runs; a worker of the queue `interpret` may not read the table.
WORK: Final = WorkKind(
    rows=lambda: ProbeRun.objects.select_related("spec__system", "spec__artefact_version"),
    lease=lambda: timedelta(seconds=settings.PROBE_LEASE),
    noun="probe_run",
    actor=ACTOR,
    system_of=lambda run: run.spec.system,
    digest_of=lambda run: run.spec.artefact_version.digest,
    readable=_READABLE,
)
