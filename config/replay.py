"""Every kind of verdict, and how to give it again from what is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from django.utils.module_loading import import_string

from evidence.replay import Replay

REPLAYERS: Final = {
    "evidence.Trace": "evidence.services.assembly.replay_trace",
    "evidence.Citation": "evidence.services.assembly.replay_citation",
    "evidence.GateDecision": "evidence.services.gates.replay_gate_decision",
    "evidence.Admission": "evidence.services.gates.replay_admission",
    "requirements.Assessment": "requirements.services.assessment.replay_assessment",
    "interpret.Finding": "interpret.services.replay.replay_finding",
}


def replayer_of(label: str) -> Callable[[Any], Replay]:
    """Return the function that gives a verdict of this model again.

    Raises:
        KeyError: the model holds no verdict.
    """
    return cast("Callable[[Any], Replay]", import_string(REPLAYERS[label]))
