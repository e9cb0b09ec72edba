"""Gates: proposed, approved, decided, let past by waivers, looked at by deployments. This is the only door to them."""

from evidence.services.gates.admitting import (
    KEPT_OUT,
    GateLook,
    find_protecting,
    look_at_gate,
    make_admission,
    protected_environments,
    replay_admission,
    unmet_reasons,
)
from evidence.services.gates.binding import UNBOUND
from evidence.services.gates.decision import (
    GATE_CODE_VERSION,
    CriterionFinding,
    decide_gate,
    replay_gate_decision,
)
from evidence.services.gates.definition import (
    EVERYWHERE,
    CriterionReference,
    compare_references,
    find_gate_version,
    propose_gate,
    read_environments,
    read_references,
)
from evidence.services.gates.transitions import SETTLED, settle_gate_proposal
from evidence.services.gates.waivers import GRANTED, LONGEST, WAIVER_STEPS, ask_waiver, settle_waiver

__all__ = [
    "EVERYWHERE",
    "GATE_CODE_VERSION",
    "GRANTED",
    "KEPT_OUT",
    "LONGEST",
    "SETTLED",
    "UNBOUND",
    "WAIVER_STEPS",
    "CriterionFinding",
    "CriterionReference",
    "GateLook",
    "ask_waiver",
    "compare_references",
    "decide_gate",
    "find_gate_version",
    "find_protecting",
    "look_at_gate",
    "make_admission",
    "propose_gate",
    "protected_environments",
    "read_environments",
    "read_references",
    "replay_admission",
    "replay_gate_decision",
    "settle_gate_proposal",
    "settle_waiver",
    "unmet_reasons",
]
