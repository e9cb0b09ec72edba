"""A trace as assembled from its spans, and what was done inside it."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q

from evidence.models.artefact import ArtefactVersion, Release, SourceDocument
from evidence.models.base import KEY_LENGTH, LABEL_LENGTH, AppendOnlyModel, ErasableModel, digest_field
from evidence.models.system import System
from evidence.semconv.draft import PolicyDecision, TraceStatus
from evidence.vocabulary import RiskTier
from evidence.word_rules import STRETCH_BITS, TRACE_KEYS


class TraceKeys(Func):
    """The keys of a trace's words, as `evidence.word_rules` has them."""

    function = TRACE_KEYS
    output_field = ArrayField(models.BigIntegerField())

    def __init__(self, *columns: str, **extra: Any) -> None:
        super().__init__(*(columns or ("system", "id", "question", "answer", "exchanges")), **extra)


class Stretch(Func):
    """Which stretch of rows a trace lies in, by its primary key; a search goes through them one after another."""

    template = f"(%(expressions)s >> {STRETCH_BITS})"
    arity = 1
    output_field = models.BigIntegerField()


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
    # Each turn, with where it was read and what else could have been it, as `evidence.semconv.exchange_json` writes it.
    # Question and answer above are those of the last. Null, as all that follows: before traces told it.
    exchanges = models.JSONField(null=True)
    sources = models.JSONField(null=True)  # {field: {span_id, attribute, rule}} of what is not in an exchange
    conversation_ids = models.JSONField(null=True)  # as given, each once; the first is the outermost span's
    session_ids = models.JSONField(null=True)
    user_ids = models.JSONField(null=True)
    input_tokens = models.BigIntegerField(null=True)  # over all model calls, as sent
    output_tokens = models.BigIntegerField(null=True)
    cost = models.DecimalField(max_digits=30, decimal_places=12, null=True)  # as sent, never computed
    currency = models.CharField(max_length=KEY_LENGTH, blank=True, db_default="")  # of `cost`, ISO 4217
    finish_reasons = models.JSONField(null=True)  # of the model calls that answered, each once
    errors = models.JSONField(null=True)  # steps that failed: [{span_id, step, message}]
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
            # Of hashes, so that an id may be as long as its sender likes. One index: most traces have one of the three.
            GinIndex(
                fields=["user_ids", "session_ids", "conversation_ids"],
                opclasses=["jsonb_path_ops"] * 3,
                name="evidence_trace_by_given_ids",
            ),
            # Entered at once: what waits in a list would be read through for each stretch that is searched.
            GinIndex(TraceKeys(), name="evidence_trace_words", fastupdate=False),
            # Which stretches hold traces of a system and a period.
            models.Index(F("system"), Stretch("id"), F("started_at"), name="evidence_trace_stretches"),
            *(
                models.Index(
                    fields=[number],
                    name=f"evidence_trace_{number}",
                    condition=Q(**{f"{number}__isnull": False}),
                )
                for number in ("input_tokens", "output_tokens", "cost")
            ),
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
    document_ref = models.CharField(
        max_length=LABEL_LENGTH, blank=True
    )  # the id as sent; empty: it came without
    document = models.ForeignKey(
        SourceDocument, on_delete=models.PROTECT, null=True, related_name="retrievals"
    )
    # As sent, where no known index version holds the document: it stands nowhere else. Cut where it is long.
    text = models.TextField(null=True, blank=True)
    source = models.JSONField(null=True)  # {attribute, rule} of the span it was read from


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
    # These three are null before tool calls told them.
    call_id = models.TextField(null=True, blank=True)  # as the model called it
    error = models.TextField(null=True, blank=True)  # what its span or its response says went wrong
    source = models.JSONField(null=True)  # {attribute, rule} of the span it was read from


class TraceFacts(AppendOnlyModel):
    """What assessments count, stored once per trace revision so that they never loop over traces."""

    SYSTEM_PATH = "trace__system"
    PII = "none"
    EVENT_PATH = "trace"

    trace = models.OneToOneField(Trace, on_delete=models.PROTECT, primary_key=True, related_name="facts")
    n_claims = models.PositiveIntegerField()
    # Of the claims that the application declared; the others were found by our extractor, which misses some, and a
    # claim that is missed flatters every share. Null: before they were counted apart.
    n_declared = models.PositiveIntegerField(null=True)
    n_material_declared = models.PositiveIntegerField(null=True)
    n_material = models.PositiveIntegerField()  # claims that state what a source could confirm
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
    # A pseudonym of the conversation that the trace names, which outlives its erasure: traces of one conversation
    # depend on each other, and are one unit. Null: it names none or several, or was sealed before this was told.
    conversation = models.UUIDField(null=True)

    class Meta:
        verbose_name_plural = "trace facts"
