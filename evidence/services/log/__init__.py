"""The log's writers: the sequencer, the signer, and the check of the whole log. This is the only door to them."""

from evidence.services.log.checking import MAX_FAULTS, LogReport, check_log
from evidence.services.log.errors import LogInconsistent
from evidence.services.log.sequencing import BATCH, GLOBAL_STREAM, WINDOW, sequence_backlog, sequence_events
from evidence.services.log.signing import sign_checkpoint

__all__ = [
    "BATCH",
    "GLOBAL_STREAM",
    "MAX_FAULTS",
    "WINDOW",
    "LogInconsistent",
    "LogReport",
    "check_log",
    "sequence_backlog",
    "sequence_events",
    "sign_checkpoint",
]
