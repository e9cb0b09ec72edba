"""Every act with the doors it has, and who may take them: the rules as one table.

An act without an entry here fails `test_16_one_rule_one_room.py`. An act with several steps has an entry for each.
There is a file for each file of acts, as `evidence/acts/` has them.
"""

from __future__ import annotations

from typing import Final

from evidence.errors import AccessDenied, ConflictingContent, InvalidInput, NotFound
from requirements.errors import RequirementsError
from tests.invariants.act_doors import (
    answering,
    approving,
    exporting,
    gold,
    interpret,
    judging,
    keeping,
    people,
    proposals,
    recording,
    requirements,
    sampling,
)
from tests.invariants.act_doors.keeping import hold
from tests.invariants.act_doors.people import colleague, proposed
from tests.invariants.act_doors.proposals import gate, stored_trace
from tests.invariants.act_doors.recording import live_after_first, way_back
from tests.invariants.act_doors.taking import ALLOWED, Act, Door

__all__ = [
    "ACTS",
    "ALLOWED",
    "REFUSALS",
    "Act",
    "Door",
    "colleague",
    "gate",
    "hold",
    "live_after_first",
    "proposed",
    "stored_trace",
    "way_back",
]

ACTS: Final[list[Act]] = [
    *judging.ACTS,
    *approving.ACTS,
    *answering.ACTS,
    *recording.ACTS,
    *proposals.ACTS,
    *keeping.ACTS,
    *exporting.ACTS,
    *gold.ACTS,
    *sampling.ACTS,
    *people.ACTS,
    *requirements.ACTS,
    *interpret.ACTS,
]

REFUSALS: Final = (AccessDenied, ConflictingContent, InvalidInput, NotFound, RequirementsError)
