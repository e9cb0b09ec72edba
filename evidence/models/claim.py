"""What an answer claims, and where it says that it got it from."""

from __future__ import annotations

from django.db import models

from evidence.citations.verdict import Reason
from evidence.citations.verdict import Verdict as CitationVerdict
from evidence.models.artefact import SourceDocument
from evidence.models.base import KEY_LENGTH, LABEL_LENGTH, ErasableModel, digest_field
from evidence.models.trace import Trace


class Claim(ErasableModel):
    """A statement in the answer of one exchange, at [start, end) of it."""

    class Origin(models.TextChoices):
        DECLARED = "declared"  # the application said so
        DERIVED = "derived"  # our extractor found it

    SYSTEM_PATH = "trace__system"
    PII = "payload"
    EVENT_PATH = "trace"

    # Claims and citations are found by the unique index that begins with the same column.
    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="claims", db_index=False)
    ordinal = models.PositiveIntegerField()  # 0 is first
    exchange = models.PositiveIntegerField(
        null=True
    )  # its number; null: the trace had one answer and told no more
    text = models.TextField()
    start = models.PositiveIntegerField()  # code points into the answer of its exchange
    end = models.PositiveIntegerField()  # exclusive
    material = models.BooleanField()
    origin = models.CharField(max_length=10, choices=Origin.choices)
    # Also decides materiality where it was not declared.
    extractor_version = models.CharField(max_length=KEY_LENGTH)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trace", "ordinal"], name="evidence_claim_ordinal")]


class Citation(ErasableModel):
    """A claim's quote from a document, and whether it stands there."""

    Verdict = CitationVerdict
    Reason = Reason

    SYSTEM_PATH = "claim__trace__system"
    PII = "payload"
    EVENT_PATH = "claim__trace"

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="citations", db_index=False)
    ordinal = models.PositiveIntegerField()
    document_ref = models.CharField(max_length=LABEL_LENGTH)  # the id as sent
    document = models.ForeignKey(
        SourceDocument, on_delete=models.PROTECT, null=True, related_name="citations"
    )
    quote = models.TextField()
    verdict = models.CharField(max_length=15, choices=CitationVerdict.choices())
    score = models.FloatField()  # alignment in [0, 1]; 1 is verbatim or normalised
    threshold = models.FloatField()  # the alignment above which a quote counted as found
    doc_start = models.PositiveIntegerField(null=True)  # code points into the document where it was found
    doc_end = models.PositiveIntegerField(null=True)  # exclusive
    found_in = models.ForeignKey(
        SourceDocument, on_delete=models.PROTECT, null=True, related_name="misattributed_citations"
    )
    # Why the verdict is what it is (`evidence.verdict_reasons`). Null, as all of these: before verdicts said it.
    reason = models.CharField(max_length=30, choices=Reason.choices(), null=True)
    reason_terms = models.JSONField(null=True)  # the numbers or words it is about; null where it names none
    # The passage of the cited document that is most like the quote, where that says more than `doc_start` does: null
    # for a quote that stands there, and for one that is like nothing. The text is cut where it is long.
    nearest_start = models.PositiveIntegerField(null=True)  # code points into the document
    nearest_end = models.PositiveIntegerField(null=True)  # exclusive
    nearest_text = models.TextField(null=True)
    checker_version = models.CharField(max_length=KEY_LENGTH)
    inputs_digest = digest_field()  # quote, document digests, threshold: what a replay needs

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim", "ordinal"], name="evidence_citation_ordinal")]
        indexes = [models.Index(fields=["verdict", "id"], name="evidence_citation_by_verdict")]
