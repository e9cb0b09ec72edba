"""What stops the log."""

from __future__ import annotations

from evidence.errors import EvidenceError


class LogInconsistent(EvidenceError):
    """The log's tables contradict each other or the last signed checkpoint. Nothing was written."""

    code = "log_inconsistent"
    http_status = 500
    title = "The audit log is not consistent"
