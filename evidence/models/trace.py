"""A trace as assembled from its spans, and what was done inside it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from evidence.models.artefact import ArtefactVersion, Release, SourceDocument
from evidence.models.base import KEY_LENGTH, LABEL_LENGTH, AppendOnlyModel, ErasableModel, digest_field
from evidence.models.system import System
from evidence.semconv.draft import PolicyDecision, TraceStatus
from evidence.vocabulary import RiskTier


class Trace(ErasableModel):
    """One revision of one answer's trace: sealed, digested. A late span makes the next revision."""

    Status = TraceStatus

    SYSTEM_PATH = "system"
    PII = "payload"
    EVENT_PATH = ""

    # Where a foreign key is the first column of another index, it has none of its own: fewer to write a trace.
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="traces", db_index=False)
    trace_id = models.UUIDField()
    revision = models.PositiveIntegerField()  # 1, 2, 3 … ; the highest is current
    digest = digest_field()  # over the sorted (span id, span digest) pairs
    # The spans it was sealed from, sorted; null before traces named them.
    span_ids = ArrayField(models.CharField(max_length=16), null=True)
    status = models.CharField(max_length=10, choices=TraceStatus.choices())
    name = models.TextField()
    root_span_id = models.CharField(max_length=16, blank=True)
    environment = models.CharField(max_length=KEY_LENGTH, blank=True)
    release = models.ForeignKey(
        Release, on_delete=models.PROTECT, null=True, related_name="traces", db_index=False
    )
    started_at = models.DateTimeField()  # the sender's clock
    ended_at = models.DateTimeField()
    span_count = models.PositiveIntegerField()
    question = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    language = models.CharField(max_length=35, blank=True)  # BCP 47
    risk_tier = models.CharField(max_length=10, choices=RiskTier.choices())
    confidence_factors = models.JSONField(default=list)  # as declared; no probability of being right
    limitations = models.JSONField(default=list)
    flags = models.JSONField(default=list)  # what the assembler noticed: [{code, detail}]
    assembler_version = models.CharField(max_length=KEY_LENGTH)
    sealed_at = models.DateTimeField()  # our clock

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["system", "trace_id", "revision"], name="evidence_trace_revision"
            ),
        ]
        indexes = [
            models.Index(fields=["system", "-id"], name="evidence_trace_newest"),
            models.Index(fields=["release", "-id"], name="evidence_trace_by_release"),
            models.Index(fields=["trace_id"], name="evidence_trace_by_id"),
        ]

    def __str__(self) -> str:
        return f"{self.trace_id.hex} r{self.revision}"


class TraceVersion(AppendOnlyModel):
    """A version the trace says it used, in the slot it used it for."""

    SYSTEM_PATH = "trace__system"
    PII = "none"
    EVENT_PATH = "trace"

    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="versions", db_index=False)
    slot = models.CharField(max_length=LABEL_LENGTH)  # as in ReleasePin
    version = models.ForeignKey(
        ArtefactVersion, on_delete=models.PROTECT, related_name="traces", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trace", "slot", "version"], name="evidence_traceversion_once"),
        ]
        # Walks the traces of one version, newest first, without sorting them.
        indexes = [models.Index(fields=["version", "trace"], name="evidence_traceversion_newest")]


class Retrieval(ErasableModel):
    """A document the trace retrieved, whether or not the answer cites it."""

    SYSTEM_PATH = "trace__system"
    PII = "payload"
    EVENT_PATH = "trace"

    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="retrievals")
    span_id = models.CharField(max_length=16)
    query = models.TextField(blank=True)
    rank = models.PositiveIntegerField()  # 0 is first
    score = models.FloatField(null=True)  # the retriever's own scale
    document_ref = models.CharField(max_length=LABEL_LENGTH)  # the id as sent
    document = models.ForeignKey(
        SourceDocument, on_delete=models.PROTECT, null=True, related_name="retrievals"
    )


class TraceDocument(AppendOnlyModel):
    """A document the trace relied on, once for each trace: "which answers relied on this document?" by index.

    The document is named by the digest of its text, which is the same in every index version that holds it.
    """

    SYSTEM_PATH = "trace__system"
    PII = "none"
    EVENT_PATH = "trace"

    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="documents")
    digest = digest_field()  # as SourceDocument.digest
    cited = models.BooleanField()  # by a claim of the answer; otherwise it was retrieved only

    class Meta:
        constraints = [
            # Also the index that walks the answers of one document, newest first, without sorting them.
            models.UniqueConstraint(fields=["digest", "trace"], name="evidence_tracedocument_once"),
        ]


class PolicyCheck(ErasableModel):
    """A policy gate inside the trace: what it decided, by which rule, and why."""

    Decision = PolicyDecision

    SYSTEM_PATH = "trace__system"
    PII = "payload"
    EVENT_PATH = "trace"

    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="policy_checks")
    span_id = models.CharField(max_length=16)
    rule = models.CharField(max_length=LABEL_LENGTH)
    decision = models.CharField(max_length=10, choices=PolicyDecision.choices())
    reason = models.TextField(blank=True)
    version = models.ForeignKey(
        ArtefactVersion, on_delete=models.PROTECT, null=True, related_name="policy_checks"
    )


class ToolCall(ErasableModel):
    """A tool the trace called."""

    SYSTEM_PATH = "trace__system"
    PII = "payload"
    EVENT_PATH = "trace"

    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="tool_calls")
    span_id = models.CharField(max_length=16)
    tool = models.CharField(max_length=LABEL_LENGTH)
    arguments = models.JSONField(null=True)
    result = models.JSONField(null=True)
    version = models.ForeignKey(
        ArtefactVersion, on_delete=models.PROTECT, null=True, related_name="tool_calls"
    )


class TraceFacts(AppendOnlyModel):
    """What assessments count, stored once per trace revision so that they never loop over traces."""

    SYSTEM_PATH = "trace__system"
    PII = "none"
    EVENT_PATH = "trace"

    trace = models.OneToOneField(Trace, on_delete=models.PROTECT, primary_key=True, related_name="facts")
    n_claims = models.PositiveIntegerField()
    n_material = models.PositiveIntegerField()  # claims that state amounts, dates, obligations, eligibility …
    n_material_cited = models.PositiveIntegerField()  # of those, with at least one citation
    n_material_supported = models.PositiveIntegerField()  # of those, with a citation found in its document
    n_citations = models.PositiveIntegerField()
    n_citations_found = models.PositiveIntegerField()  # verbatim, normalised, or fuzzy above the threshold
    has_prompt = models.BooleanField()
    has_sources = models.BooleanField()
    has_tools = models.BooleanField()
    has_confidence = models.BooleanField()
    has_limitations = models.BooleanField()
    n_policy_checks = models.PositiveIntegerField()
    n_policy_denied = models.PositiveIntegerField()
    n_policy_escalated = models.PositiveIntegerField()
    has_model_version = models.BooleanField()
    has_prompt_version = models.BooleanField()
    has_index_version = models.BooleanField()
    n_unregistered_versions = models.PositiveIntegerField()  # at sealing time

    class Meta:
        verbose_name_plural = "trace facts"
