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
from requirements.models.source_file import SourceFile, SourceFileEntry, SourceFileImport

__all__ = [
    "AcceptanceCriterion",
    "Assessment",
    "Baseline",
    "BaselineMember",
    "Requirement",
    "RequirementState",
    "RequirementTransition",
    "RequirementVersion",
    "SourceFile",
    "SourceFileEntry",
    "SourceFileImport",
    "TraceLink",
]
