"""The nouns of `requirements`."""

from requirements.models.requirement import (
    AcceptanceCriterion,
    Assessment,
    Baseline,
    BaselineMember,
    Requirement,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
    TraceLink,
)

__all__ = [
    "AcceptanceCriterion",
    "Assessment",
    "Baseline",
    "BaselineMember",
    "Requirement",
    "RequirementState",
    "RequirementTransition",
    "RequirementVersion",
    "TraceLink",
]
