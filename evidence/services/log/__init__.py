"""The log's writers: the sequencer, the signer, and the check of the whole log. This is the only door to them.

A published head is kept outside the database, so that an older state put back is noticed.
"""

from evidence.services.log.adoption import adopt_after_migrate
from evidence.services.log.asking import (
    Attestations,
    ask_about_newest,
    attested,
    configured_witnesses,
    is_to_be_attested,
)
from evidence.services.log.catching_up import bring_attestations, bring_log_up_to_date
from evidence.services.log.checking import MAX_FAULTS, LogReport, check_log
from evidence.services.log.ended import check_numbers, read_ended, read_plainly
from evidence.services.log.errors import LogBusy, LogForked, LogInconsistent, NotTheLogWorker
from evidence.services.log.keeping import keep_attestations
from evidence.services.log.parts import Found, name_eventless
from evidence.services.log.progress import Effort, ProgressRefused
from evidence.services.log.published import (
    check_continues_published,
    open_published,
    read_head_to_publish,
    resume_log,
)
from evidence.services.log.role import record_log_act
from evidence.services.log.rows import check_listed
from evidence.services.log.sequencing import (
    BATCH,
    GLOBAL_STREAM,
    WINDOW,
    has_missed_events,
    sequence_backlog,
    sequence_events,
)
from evidence.services.log.signing import sign_checkpoint
from evidence.services.log.standing_rules import RuleReport, check_rules
from evidence.services.log.standstill import find_standstill

__all__ = [
    "BATCH",
    "GLOBAL_STREAM",
    "MAX_FAULTS",
    "WINDOW",
    "Attestations",
    "Effort",
    "Found",
    "LogBusy",
    "LogForked",
    "LogInconsistent",
    "LogReport",
    "NotTheLogWorker",
    "ProgressRefused",
    "RuleReport",
    "adopt_after_migrate",
    "ask_about_newest",
    "attested",
    "bring_attestations",
    "bring_log_up_to_date",
    "check_continues_published",
    "check_listed",
    "check_log",
    "check_numbers",
    "check_rules",
    "configured_witnesses",
    "find_standstill",
    "has_missed_events",
    "is_to_be_attested",
    "keep_attestations",
    "name_eventless",
    "open_published",
    "read_ended",
    "read_head_to_publish",
    "read_plainly",
    "record_log_act",
    "resume_log",
    "sequence_backlog",
    "sequence_events",
    "sign_checkpoint",
]
