"""Gates: proposed, approved, decided, and let past by waivers. This is the only door to them."""

from evidence.services.gates.binding import UNBOUND
from evidence.services.gates.decision import (
    GATE_CODE_VERSION,
    CriterionFinding,
    decide_gate,
    replay_gate_decision,
)
from evidence.services.gates.definition import (
    CriterionReference,
    compare_references,
    find_gate_version,
    propose_gate,
    read_references,
)
from evidence.services.gates.transitions import SETTLED, settle_gate_proposal
from evidence.services.gates.waivers import GRANTED, LONGEST, WAIVER_STEPS, ask_waiver, settle_waiver

__all__ = [
    "GATE_CODE_VERSION",
    "GRANTED",
    "LONGEST",
    "SETTLED",
    "UNBOUND",
    "WAIVER_STEPS",
    "CriterionFinding",
    "CriterionReference",
    "ask_waiver",
    "compare_references",
    "decide_gate",
    "find_gate_version",
    "propose_gate",
    "read_references",
    "replay_gate_decision",
    "settle_gate_proposal",
    "settle_waiver",
]
