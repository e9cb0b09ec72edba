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
from requirements.models.source_file import SourceFile, SourceFileEntry, SourceFileImport

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
    "SourceFile",
    "SourceFileEntry",
    "SourceFileImport",
    "TraceLink",
]
