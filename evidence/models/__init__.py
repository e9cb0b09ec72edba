"""The nouns of `evidence`. One noun a file; only `base` is imported past this door, by models."""

from evidence.models.artefact import (
    INTERNAL_KINDS,
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
    Tile,
)
from evidence.models.base import AppendOnlyModel, StoredModel
from evidence.models.binder import Binder, BinderRequest
from evidence.models.blob import Blob
from evidence.models.claim import Citation, Claim
from evidence.models.clock import Moment
from evidence.models.disposal import (
    BlobRemoval,
    Disposal,
    Erasure,
    ErasureCertificate,
    LegalHold,
    LegalHoldRelease,
)
from evidence.models.evals import EvalRun, EvalSample, EvalScore, Retraction
from evidence.models.gate import GateDecision, ReleaseVerdict, Waiver
from evidence.models.ingest import IngestBatch, PendingTrace, Reject, Span
from evidence.models.item import Evidence, EvidenceLink, Role
from evidence.models.person import Pseudonym
from evidence.models.review import Adjudication, ReasonCode, Review, ReviewTask
from evidence.models.second_factor import SecondFactor
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
    "INTERNAL_KINDS",
    "AccessToken",
    "Adjudication",
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
    "Cosignature",
    "Deployment",
    "DigestBasis",
    "Disposal",
    "Erasure",
    "ErasureCertificate",
    "EvalRun",
    "EvalSample",
    "EvalScore",
    "Evidence",
    "EvidenceLink",
    "GateDecision",
    "IngestBatch",
    "Layer",
    "Leaf",
    "LegalHold",
    "LegalHoldRelease",
    "Membership",
    "Moment",
    "PendingTrace",
    "PolicyCheck",
    "Pseudonym",
    "ReasonCode",
    "Registration",
    "Reject",
    "Release",
    "ReleasePin",
    "ReleaseVerdict",
    "Retraction",
    "Retrieval",
    "Review",
    "ReviewTask",
    "RiskTier",
    "Role",
    "Scope",
    "SecondFactor",
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
]
