"""Carrying a run out: claim it, measure, and store what was found or why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.db import transaction

from evidence import clock
from evidence.digests import digest_of
from evidence.errors import EvidenceError
from evidence.services import leased_work
from evidence.services.leased_work import WorkKind
from interpret import registry
from interpret.contracts import ProbeResult, ProbeSpecification, Progress
from interpret.errors import InterpretError
from interpret.models import ProbeRun
from interpret.services import findings
from interpret.services.prompts import read_inputs


def ignore_progress(what: str, done: int, total: int) -> None:
    """Report to nobody."""


def execute_probe_run(run_id: int, progress: Progress = ignore_progress) -> None:
    """Claim one run, measure, and store its findings or its error.

    Raises:
        Exception: as `leased_work.carry_out` does.
    """
    leased_work.carry_out(WORK, run_id, partial(_measure_and_finish, progress=progress))


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
    """Return the runs that a worker should be told of again, as `leased_work.find_to_send` does."""
    return leased_work.find_to_send(WORK)


def _measure_and_finish(run: ProbeRun, progress: Progress) -> None:
    observed_from = clock.now()
    result = _measure(run, progress)
    with transaction.atomic():
        stored = findings.record_findings(run=run, result=result, observed_at=observed_from)
        details = {"findings": len(stored), "forward_passes": result.forward_passes}
        leased_work.finish(WORK, run, details=details)


def _measure(run: ProbeRun, progress: Progress) -> ProbeResult:
    probe = registry.load(run.spec.probe)
    session = registry.open_session(settings.MODEL_STORE)
    return probe.run(specification_of(run), session, progress)


_READ_ALONG: Final = ("spec__system", "spec__model_version", "spec__dataset_version", "release__system")
WORK: Final = WorkKind(
    rows=lambda: ProbeRun.objects.select_related(*_READ_ALONG),
    lease=lambda: timedelta(seconds=settings.PROBE_LEASE),
    noun="probe_run",
    actor="system:interpret",
    system_of=lambda run: run.spec.system,
    digest_of=lambda run: run.spec.artefact_version.digest,
    readable=(InterpretError, EvidenceError),
)
