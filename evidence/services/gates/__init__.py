"""Gates: defined, decided, and let past by waivers. This is the only door to them."""

from evidence.services.gates.decision import (
    GATE_CODE_VERSION,
    CriterionFinding,
    decide_gate,
    replay_gate_decision,
)
from evidence.services.gates.definition import CriterionReference, define_gate, read_references
from evidence.services.gates.waivers import LONGEST, record_waiver

__all__ = [
    "GATE_CODE_VERSION",
    "LONGEST",
    "CriterionFinding",
    "CriterionReference",
    "decide_gate",
    "define_gate",
    "read_references",
    "record_waiver",
    "replay_gate_decision",
]
