"""The life of a requirement version as one table: which state leads where, by whom, and what they must say.

`requirements.acts` asks it, `requirements.services` obey it, and docs/reference/states.md is written from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evidence.worded import Worded, worded
from requirements.models import RequirementState


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a state to another."""

    from_state: RequirementState
    to_state: RequirementState
    by: str  # in words, for readers
    needs_reason: bool = False
    # Whether whoever takes it judges what another wrote, and so names the text (its digest) and the state they read.
    names_what_was_read: bool = False
    # Why the step is not taken by moving a version there, and what is done instead; empty where it is.
    instead: Worded | str = ""


_TWO_PEOPLE: Final = "asked by an author or an approver, granted by an approver who did not ask"
_ASK: Final = worded(
    "A version is retired by two people: ask for its retirement with a reason, and another person grants it."
)

STEPS: Final = (
    Step(
        RequirementState.DRAFT,
        RequirementState.IN_REVIEW,
        "an author, or a token with the scope `import`",
    ),
    Step(
        RequirementState.IN_REVIEW,
        RequirementState.APPROVED,
        "an approver, in person, who neither proposed the version nor asked for its review",
        names_what_was_read=True,
    ),
    Step(
        RequirementState.IN_REVIEW,
        RequirementState.DRAFT,
        "an approver, in person; or whoever proposed the version or asked for its review",
        needs_reason=True,
        names_what_was_read=True,
    ),
    Step(
        RequirementState.APPROVED,
        RequirementState.SUPERSEDED,
        "nobody: approving a newer version does it",
        instead=worded("A version is superseded by approving a newer one, not by hand."),
    ),
    *(
        Step(
            state,
            RequirementState.RETIRED,
            _TWO_PEOPLE,
            needs_reason=True,
            names_what_was_read=True,
            instead=_ASK,
        )
        for state in (RequirementState.DRAFT, RequirementState.IN_REVIEW, RequirementState.APPROVED)
    ),
)
VALID_TRANSITIONS: Final[dict[RequirementState, frozenset[RequirementState]]] = {
    state: frozenset(step.to_state for step in STEPS if step.from_state == state)
    for state in RequirementState
}
NEEDS_REASON: Final = frozenset(step.to_state for step in STEPS if step.needs_reason)
NAMES_WHAT_WAS_READ: Final = frozenset(step.to_state for step in STEPS if step.names_what_was_read)
INSTEAD: Final = {step.to_state: step.instead for step in STEPS if step.instead}

# A version that stands in an older one's way: approving the older one would replace it, or race with its approval.
AHEAD: Final = frozenset({RequirementState.IN_REVIEW, RequirementState.APPROVED})
