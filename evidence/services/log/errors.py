"""What stops the log."""

from __future__ import annotations

from evidence.errors import EvidenceError


class LogInconsistent(EvidenceError):
    """The log's tables contradict each other or the last signed checkpoint. Nothing was written."""

    code = "log_inconsistent"
    http_status = 500
    title = "The audit log is not consistent"


class NotTheLogWorker(EvidenceError):
    """A process asked to write the log whose database role may not."""

    code = "not_the_log_worker"
    http_status = 500
    title = "This process may not write the log"


class LogBusy(EvidenceError):
    """The log did not take what was asked of it in time; trying again is safe."""

    code = "log_busy"
    http_status = 503
    title = "The audit log is busy"


class LogForked(EvidenceError):
    """The log does not continue the head that was last published. Nothing is signed."""

    code = "log_forked"
    http_status = 503
    title = "The log does not continue what was published"
