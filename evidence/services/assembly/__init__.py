"""Traces out of spans: queued, read, checked, sealed, and replayed. This is the only door to it."""

from evidence.services.assembly.prompts import read_first_prompts
from evidence.services.assembly.queue import trace_kept_still
from evidence.services.assembly.refusals import REFUSALS
from evidence.services.assembly.replay import replay_citation, replay_trace
from evidence.services.assembly.rows import ASSEMBLER_VERSION
from evidence.services.assembly.sealing import assemble_backlog, assemble_due_traces
from evidence.services.assembly.set_aside import put_back
from evidence.services.assembly.standstill import find_standstill

__all__ = [
    "ASSEMBLER_VERSION",
    "REFUSALS",
    "assemble_backlog",
    "assemble_due_traces",
    "find_standstill",
    "put_back",
    "read_first_prompts",
    "replay_citation",
    "replay_trace",
    "trace_kept_still",
]
