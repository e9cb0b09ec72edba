"""What stops the log."""

from __future__ import annotations

from evidence.errors import EvidenceError


class LogInconsistent(EvidenceError):
    """The log's tables contradict each other or the last signed checkpoint. Nothing was written."""

    code = "log_inconsistent"
    http_status = 500
    title = "The audit log is not consistent"


class LogForked(EvidenceError):
    """The log does not continue the head that was last published. Nothing is signed."""

    code = "log_forked"
    http_status = 503
    title = "The log does not continue what was published"
