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
from requirements.models.watch import AssessmentWatch

__all__ = [
    "AcceptanceCriterion",
    "Assessment",
    "AssessmentWatch",
    "Baseline",
    "BaselineMember",
    "Requirement",
    "RequirementState",
    "RequirementTransition",
    "RequirementVersion",
    "TraceLink",
]
