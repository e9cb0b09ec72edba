"""The nouns of `requirements`."""

from requirements.models.baseline_sign_off import BaselineSignOff
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
)
from requirements.models.retirement import RetirementDismissal, RetirementRequest
from requirements.models.source_file import SourceFile, SourceFileEntry, SourceFileImport
from requirements.models.trace_link import LINK_ENDS, LinkKind, LinkOutcome, LinkReview, TraceLink
from requirements.models.watch import AssessmentWatch

__all__ = [
    "LINK_ENDS",
    "AcceptanceCriterion",
    "Assessment",
    "AssessmentWatch",
    "Baseline",
    "BaselineMember",
    "BaselineSignOff",
    "Change",
    "LinkKind",
    "LinkOutcome",
    "LinkReview",
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
