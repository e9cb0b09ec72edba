"""The nouns of `evidence`. One noun a file; only `base` is imported past this door, by models."""

from evidence.models.access import AccessConfirmation, AccessProposal
from evidence.models.admission import Admission
from evidence.models.artefact import (
    INSTRUMENT_KINDS,
    INTERNAL_KINDS,
    RELEASE_KINDS,
    Artefact,
    ArtefactKind,
    ArtefactVersion,
    Deployment,
    DigestBasis,
    Registration,
    Release,
    ReleasePin,
    SourceDocument,
)
from evidence.models.audit import (
    AuditEvent,
    AuditPayload,
    Checkpoint,
    CheckpointTimestamp,
    Cosignature,
    Leaf,
    OpenBinding,
    Tile,
)
from evidence.models.base import AppendOnlyModel, StoredModel
from evidence.models.binder import Binder, BinderRequest
from evidence.models.blob import Blob
from evidence.models.claim import Citation, Claim
from evidence.models.clock import Moment
from evidence.models.defeater import Defeater, DefeaterAnswer
from evidence.models.disposal import (
    BlobRemoval,
    Disposal,
    DisposedRows,
    Erasure,
    ErasureCertificate,
    LegalHold,
    LegalHoldRelease,
)
from evidence.models.evals import (
    EvalRemark,
    EvalRun,
    EvalSample,
    EvalScore,
    EvalTotal,
    Retraction,
    RetractionDismissal,
    RetractionRequest,
)
from evidence.models.gate import (
    GateDecision,
    GateState,
    GateTransition,
    ReleaseVerdict,
    Waiver,
    WaiverDismissal,
    WaiverRequest,
)
from evidence.models.gold import GoldAnswer, GoldDraw, GoldJudgement, GoldTask
from evidence.models.ingest import IngestBatch, PendingTrace, Reject, Span
from evidence.models.item import Evidence, EvidenceLink, Role
from evidence.models.label import Label, LabelSet
from evidence.models.person import Pseudonym
from evidence.models.reading import ReadingState, ReadingTransition
from evidence.models.review import Adjudication, ClaimJudgement, ReasonCode, Review, ReviewTask
from evidence.models.review_queue import QueuedTask, ReviewDraft
from evidence.models.review_work import QueuePause, ReviewerPause, ReviewerSkill, SavedFilter
from evidence.models.sampling import FrozenPopulation, SampleDraw, SamplingPlan
from evidence.models.second_factor import SecondFactor
from evidence.models.service_name import ServiceName
from evidence.models.sign_in_binding import SignInBinding
from evidence.models.system import AccessToken, Membership, Scope, System
from evidence.models.trace import (
    PolicyCheck,
    Retrieval,
    ToolCall,
    Trace,
    TraceDocument,
    TraceFacts,
    TraceVersion,
)
from evidence.vocabulary import Layer, RiskTier

__all__ = [
    "INSTRUMENT_KINDS",
    "INTERNAL_KINDS",
    "RELEASE_KINDS",
    "AccessConfirmation",
    "AccessProposal",
    "AccessToken",
    "Adjudication",
    "Admission",
    "AppendOnlyModel",
    "Artefact",
    "ArtefactKind",
    "ArtefactVersion",
    "AuditEvent",
    "AuditPayload",
    "Binder",
    "BinderRequest",
    "Blob",
    "BlobRemoval",
    "Checkpoint",
    "CheckpointTimestamp",
    "Citation",
    "Claim",
    "ClaimJudgement",
    "Cosignature",
    "Defeater",
    "DefeaterAnswer",
    "Deployment",
    "DigestBasis",
    "Disposal",
    "DisposedRows",
    "Erasure",
    "ErasureCertificate",
    "EvalRemark",
    "EvalRun",
    "EvalSample",
    "EvalScore",
    "EvalTotal",
    "Evidence",
    "EvidenceLink",
    "FrozenPopulation",
    "GateDecision",
    "GateState",
    "GateTransition",
    "GoldAnswer",
    "GoldDraw",
    "GoldJudgement",
    "GoldTask",
    "IngestBatch",
    "Label",
    "LabelSet",
    "Layer",
    "Leaf",
    "LegalHold",
    "LegalHoldRelease",
    "Membership",
    "Moment",
    "OpenBinding",
    "PendingTrace",
    "PolicyCheck",
    "Pseudonym",
    "QueuePause",
    "QueuedTask",
    "ReadingState",
    "ReadingTransition",
    "ReasonCode",
    "Registration",
    "Reject",
    "Release",
    "ReleasePin",
    "ReleaseVerdict",
    "Retraction",
    "RetractionDismissal",
    "RetractionRequest",
    "Retrieval",
    "Review",
    "ReviewDraft",
    "ReviewTask",
    "ReviewerPause",
    "ReviewerSkill",
    "RiskTier",
    "Role",
    "SampleDraw",
    "SamplingPlan",
    "SavedFilter",
    "Scope",
    "SecondFactor",
    "ServiceName",
    "SignInBinding",
    "SourceDocument",
    "Span",
    "StoredModel",
    "System",
    "Tile",
    "ToolCall",
    "Trace",
    "TraceDocument",
    "TraceFacts",
    "TraceVersion",
    "Waiver",
    "WaiverDismissal",
    "WaiverRequest",
]
