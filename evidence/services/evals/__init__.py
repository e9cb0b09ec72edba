"""Eval runs: recorded as the runner's file came, and retracted. This is the only door to it."""

from evidence.services.evals.recording import (
    CLOCK_SKEW,
    EvalFileRefused,
    RecordedRun,
    ensure_claimed_version,
    record_eval_run,
)
from evidence.services.evals.retraction import retract_eval_run

__all__ = [
    "CLOCK_SKEW",
    "EvalFileRefused",
    "RecordedRun",
    "ensure_claimed_version",
    "record_eval_run",
    "retract_eval_run",
]
