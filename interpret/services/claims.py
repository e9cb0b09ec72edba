"""A worker's hold on work of a run, and the only statements it sends: functions that act (`evidence.probe_rules`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from evidence.errors import LeaseLost
from evidence.probe_rules import REPORT
from evidence.services.leased_work import name_worker
from evidence.worded import worded
from interpret.errors import ProbeError
from interpret.verdicts import History

# Each does all of it or nothing, and writes its events itself.
_CLAIM: Final = "SELECT * FROM tracebinder_claim_probe_work(%s, %s, %s)"
_HISTORY: Final = "SELECT runs_before, found_before FROM tracebinder_probe_history(%s, %s)"
_PLAN: Final = "SELECT tracebinder_plan_probe_run(%s, %s, %s)"
_MEASURED: Final = "SELECT * FROM tracebinder_measured_probe_parts(%s, %s)"
_FINISH_PART: Final = "SELECT tracebinder_finish_probe_part(%s, %s, %s)"
_FINISH: Final = "SELECT tracebinder_finish_probe_run(%s, %s, %s, %s)"
_FAIL: Final = "SELECT tracebinder_fail_probe_run(%s, %s, %s)"
_PUT_BACK: Final = "SELECT tracebinder_put_back_probe_run(%s, %s, %s)"


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """Work of a run that this worker has claimed: what the run asks, and the key that ends this attempt and no other.

    Attributes:
        part: the part to measure; `REPORT`: all are measured, and are to be put together; None: it is to be planned.
    """

    pk: int
    key: str = field(repr=False)
    attempt: int
    part: str | None
    probe: str
    parameters: Mapping[str, Any]
    seed: int
    model_digest: str
    specification_digest: str
    dataset_digest: str  # of the prompts it reads; empty: it reads none
    dataset_blob: str  # where they are kept; empty: nowhere
    dataset_removed_at: datetime | None  # when they were taken away, on record
    history: History  # of its model

    def __str__(self) -> str:
        what = {None: "its plan", REPORT: "the report"}.get(self.part, self.part)
        return f"probe run {self.pk}, {what}"


def claim_run(run_id: int) -> ClaimedRun | None:
    """Take what of a run is free: its plan, a part, or the report. None: nothing is, or the run is over."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [run_id, name_worker(), settings.PROBE_LEASE])
        row = cursor.fetchone()
        if row is None:
            return None
        key, attempt, part, runs_before, found_before, *asked = row
        if part is None:
            cursor.execute(_HISTORY, [run_id, key])
            runs_before, found_before = cursor.fetchone()
    if runs_before is None:  # the lease ended meanwhile
        return None
    probe, parameters, seed, model, specification, dataset, blob, removed_at = asked
    return ClaimedRun(
        pk=run_id,
        key=key,
        attempt=attempt,
        part=part,
        probe=probe,
        parameters=json.loads(parameters),
        seed=seed,
        model_digest=model,
        specification_digest=specification,
        dataset_digest=dataset or "",
        dataset_blob=blob or "",
        dataset_removed_at=removed_at,
        history=History(runs_before, found_before),
    )


@transaction.atomic  # what the database refuses leaves a caller's transaction as it was, to say so in
def plan_run(run: ClaimedRun, parts: Sequence[str]) -> None:
    """Name the parts of a run, which ends the attempt: from now on they are there to be claimed.

    Raises:
        LeaseLost: the run has been claimed again since, or is over.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PLAN, [run.pk, run.key, list(parts)])
        _check_ended(run, cursor.fetchone())


def finish_part(run: ClaimedRun, measured: Mapping[str, Any]) -> None:
    """Store what a part gave and end the attempt.

    Args:
        measured: a `MeasuredPart` as JSON.

    Raises:
        ProbeError: a number of it is infinite or none.
        LeaseLost: the part has been claimed again since, or the run is over.
    """
    try:
        told = json.dumps(measured, allow_nan=False)
    except ValueError as exc:
        raise ProbeError(
            worded("the part %(part)s gave a number that is infinite or none", part=repr(run.part))
        ) from exc
    with connection.cursor() as cursor:
        cursor.execute(_FINISH_PART, [run.pk, run.key, told])
        _check_ended(run, cursor.fetchone())


def read_measured(run: ClaimedRun) -> list[dict[str, Any]]:
    """Return what the parts gave, each a `MeasuredPart` as JSON, to whoever has claimed the report; else nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED, [run.pk, run.key])
        return [json.loads(told) for (told,) in cursor.fetchall()]


@transaction.atomic  # what the database refuses leaves a caller's transaction as it was, to say so in
def finish_run(run: ClaimedRun, findings: Sequence[Mapping[str, Any]], *, forward_passes: int) -> None:
    """Store what was found and end the run, with the events of both: all of it or nothing. Only a report can.

    Args:
        findings: by column of `Finding`.

    Raises:
        LeaseLost: the run has been claimed again since.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, [run.pk, run.key, json.dumps(list(findings)), forward_passes])
        _check_ended(run, cursor.fetchone())


def fail_run(run: ClaimedRun, error: str) -> None:
    """End the attempt, and the run, with an error.

    Raises:
        LeaseLost: the work has been claimed again since, or the run is over.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FAIL, [run.pk, run.key, error])
        _check_ended(run, cursor.fetchone())


def put_run_back(run: ClaimedRun, error: str) -> None:
    """End the attempt so that it does not count: what was in its way passes.

    Raises:
        LeaseLost: the work has been claimed again since, or the run is over.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PUT_BACK, [run.pk, run.key, error])
        _check_ended(run, cursor.fetchone())


def _check_ended(run: ClaimedRun, answer: tuple[Any, ...] | None) -> None:
    if answer != (True,):
        raise LeaseLost(
            worded(
                "%(run)s: attempt %(attempt)s took longer than its lease, or the run was ended meanwhile.",
                run=run,
                attempt=run.attempt,
            )
        )
