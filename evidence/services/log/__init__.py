"""The log's writers: the sequencer, the signer, and the check of the whole log. This is the only door to them.

A published head is kept outside the database, so that an older state put back is noticed.
"""

from evidence.services.log.checking import MAX_FAULTS, LogReport, check_log
from evidence.services.log.errors import LogForked, LogInconsistent
from evidence.services.log.published import check_continues_published, read_head_to_publish, resume_log
from evidence.services.log.sequencing import BATCH, GLOBAL_STREAM, WINDOW, sequence_backlog, sequence_events
from evidence.services.log.signing import sign_checkpoint
from evidence.services.log.standstill import find_standstill

__all__ = [
    "BATCH",
    "GLOBAL_STREAM",
    "MAX_FAULTS",
    "WINDOW",
    "LogForked",
    "LogInconsistent",
    "LogReport",
    "check_continues_published",
    "check_log",
    "find_standstill",
    "read_head_to_publish",
    "resume_log",
    "sequence_backlog",
    "sequence_events",
    "sign_checkpoint",
]
