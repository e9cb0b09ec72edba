"""Eval runs: recorded as the runner's file came, and retracted by two people. This is the only door to it."""

from evidence.services.evals.claimed_versions import ensure_claimed_version
from evidence.services.evals.posting import PostedFile, posted_file
from evidence.services.evals.reading import CLOCK_SKEW
from evidence.services.evals.recording import record_eval_file, record_eval_run
from evidence.services.evals.refusing import EvalFileRefused
from evidence.services.evals.retraction import CONFIRMED, RETRACTION_STEPS, ask_retraction, settle_retraction
from evidence.services.evals.storing import RecordedRun

__all__ = [
    "CLOCK_SKEW",
    "CONFIRMED",
    "RETRACTION_STEPS",
    "EvalFileRefused",
    "PostedFile",
    "RecordedRun",
    "ask_retraction",
    "ensure_claimed_version",
    "posted_file",
    "record_eval_file",
    "record_eval_run",
    "settle_retraction",
]
