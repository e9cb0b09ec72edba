"""Traces out of spans: queued, read, checked, sealed, tried, read again, and replayed. This is the only door to it."""

from evidence.services.assembly.prompts import read_first_prompts
from evidence.services.assembly.queue import trace_kept_still
from evidence.services.assembly.refusals import REFUSALS
from evidence.services.assembly.replay import replay_citation, replay_trace
from evidence.services.assembly.rereading import MOST_AT_ONCE, ReadAgain, read_again
from evidence.services.assembly.rows import ASSEMBLER_VERSION
from evidence.services.assembly.sealing import assemble_backlog, assemble_due_traces
from evidence.services.assembly.set_aside import put_back
from evidence.services.assembly.standstill import find_standstill
from evidence.services.assembly.trial import Tried, find_trace_to_try, try_reading
from evidence.services.assembly.values import find_large_values

__all__ = [
    "ASSEMBLER_VERSION",
    "MOST_AT_ONCE",
    "REFUSALS",
    "ReadAgain",
    "Tried",
    "assemble_backlog",
    "assemble_due_traces",
    "find_large_values",
    "find_standstill",
    "find_trace_to_try",
    "put_back",
    "read_again",
    "read_first_prompts",
    "replay_citation",
    "replay_trace",
    "trace_kept_still",
    "try_reading",
]
