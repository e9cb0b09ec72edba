"""The nouns of `requirements`."""

from requirements.models.baseline_sign_off import BaselineSignOff
from requirements.models.requirement import (
    AcceptanceCriterion,
    Assessment,
    Baseline,
    BaselineMember,
    Requirement,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)
from requirements.models.trace_link import LINK_ENDS, LinkKind, LinkOutcome, LinkReview, TraceLink

__all__ = [
    "LINK_ENDS",
    "AcceptanceCriterion",
    "Assessment",
    "Baseline",
    "BaselineMember",
    "BaselineSignOff",
    "LinkKind",
    "LinkOutcome",
    "LinkReview",
    "Requirement",
    "RequirementState",
    "RequirementTransition",
    "RequirementVersion",
    "TraceLink",
]
