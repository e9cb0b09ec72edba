"""The nouns of `requirements`."""

from requirements.models.requirement import (
    AcceptanceCriterion,
    Assessment,
    Baseline,
    BaselineMember,
    Change,
    Requirement,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
    TraceLink,
)
from requirements.models.retirement import RetirementDismissal, RetirementRequest

__all__ = [
    "AcceptanceCriterion",
    "Assessment",
    "Baseline",
    "BaselineMember",
    "Change",
    "Requirement",
    "RequirementState",
    "RequirementTransition",
    "RequirementVersion",
    "RetirementDismissal",
    "RetirementRequest",
    "TraceLink",
]
