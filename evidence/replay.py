"""What a replay says: the verdict that was stored, and the one the stored facts give today. Free of Django."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Replay:
    """One stored verdict, computed again from what is stored, as of the time it was given."""

    kind: str  # "assessment", "gate_decision", ...
    ref: str  # which one, e.g. its primary key
    stored_verdict: str
    replayed_verdict: str
    stored_inputs: str  # digest
    replayed_inputs: str  # digest
    stored_code: str
    current_code: str
    gone: str = ""  # why it cannot be given again: "its payload was erased on 2026-11-22 (request 17)"

    @property
    def agrees(self) -> bool:
        """Whether verdict and inputs are the same."""
        return (self.stored_verdict, self.stored_inputs) == (self.replayed_verdict, self.replayed_inputs)

    @property
    def differs(self) -> bool:
        """Whether it was given again and came out otherwise; what is gone, on record, neither agrees nor differs."""
        return not self.agrees and not self.gone

    def explain(self) -> str:
        """Say in words what agrees and what does not."""
        if self.gone:
            return f"{self.kind} {self.ref}: {self.stored_verdict}, {self.replayed_verdict}: {self.gone}"
        if self.agrees:
            return f"{self.kind} {self.ref}: {self.stored_verdict}, replayed the same"
        found = []
        if self.stored_verdict != self.replayed_verdict:
            found.append(f"stored {self.stored_verdict}, replayed {self.replayed_verdict}")
        if self.stored_inputs != self.replayed_inputs:
            found.append("the inputs are not the same")
        if self.stored_code != self.current_code:
            found.append(f"the code is now {self.current_code}, it was {self.stored_code}")
        return f"{self.kind} {self.ref}: {'; '.join(found)}"
