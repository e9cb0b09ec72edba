"""Carrying a run out: claim it, measure, and store what was found or why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from django.conf import settings

from evidence.digests import digest_of
from evidence.errors import EvidenceError
from evidence.probe_rules import ACTOR
from evidence.services import leased_work
from evidence.services.leased_work import WorkKind
from interpret import registry
from interpret.contracts import ProbeResult, ProbeSpecification, Progress
from interpret.errors import InterpretError
from interpret.models import ProbeRun
from interpret.parts import measure_all
from interpret.services.claims import ClaimedRun, claim_run, fail_run, finish_run, put_run_back
from interpret.services.findings import findings_of_result
from interpret.services.prompts import read_claimed_inputs, read_inputs
from interpret.verdicts import judge


def ignore_progress(what: str, done: int, total: int) -> None:
    """Report to nobody."""


def execute_probe_run(run_id: int, progress: Progress = ignore_progress) -> None:
    """Claim one run, measure, and store its findings or its error. A run that is over or held is left alone.

    Raises:
        Exception: as `leased_work.carry_out` does.
    """
    run = claim_run(run_id)
    if run is not None:
        leased_work.carry_out_claimed(
            run,
            partial(_measure_and_finish, progress=progress),
            fail=fail_run,
            put_back=put_run_back,
            readable=_READABLE,
        )


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


def _measure_and_finish(run: ClaimedRun, progress: Progress) -> None:
    result = _measure(run, progress)
    verdicts = [judge(measurement, run.history) for measurement in result.measurements]
    finish_run(run, findings_of_result(run, result, verdicts), forward_passes=result.forward_passes)


def _measure(run: ClaimedRun, progress: Progress) -> ProbeResult:
    asked = ProbeSpecification(
        probe=run.probe,
        model_digest=run.model_digest,
        seed=run.seed,
        parameters=run.parameters,
        inputs=read_claimed_inputs(run),
        dataset_digest=run.dataset_digest,
    )
    session = registry.open_session(settings.MODEL_STORE)
    return measure_all(registry.load(run.probe), asked, session, progress)


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
