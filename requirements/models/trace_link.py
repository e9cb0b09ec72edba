"""Links between what must hold and what answers to it, and what people said of each when they last looked."""

from __future__ import annotations

from typing import Final

from django.db import models

from evidence.models import Artefact, ArtefactKind, ArtefactVersion, System
from evidence.models.base import LABEL_LENGTH, AppendOnlyModel, actor_field, digest_field


class LinkKind(models.TextChoices):
    DERIVES = "derives"
    REFINES = "refines"
    VERIFIES = "verifies"
    SATISFIES = "satisfies"
    MITIGATES = "mitigates"


_PARTS: Final = frozenset(
    {
        ArtefactKind.MODEL, ArtefactKind.PROMPT, ArtefactKind.INDEX, ArtefactKind.DOCUMENT, ArtefactKind.POLICY,
        ArtefactKind.TOOL, ArtefactKind.GATE, ArtefactKind.READING,
    }
)  # fmt: skip
_INSTRUMENTS: Final = frozenset(
    {
        ArtefactKind.SUITE, ArtefactKind.DATASET, ArtefactKind.EVALUATOR, ArtefactKind.JUDGE, ArtefactKind.GATE,
    }
)  # fmt: skip
# What each kind of link may lead from and to: upstream is what is asked, downstream what answers to it. Shown in
# docs/guides/author.md. No kind leads both ways between two kinds of end, so that a file need not say which is which.
LINK_ENDS: Final[dict[LinkKind, dict[ArtefactKind, frozenset[ArtefactKind]]]] = {
    LinkKind.DERIVES: {ArtefactKind.REQUIREMENT: frozenset({ArtefactKind.REQUIREMENT})},
    LinkKind.REFINES: {ArtefactKind.REQUIREMENT: frozenset({ArtefactKind.REQUIREMENT})},
    LinkKind.VERIFIES: {ArtefactKind.REQUIREMENT: _INSTRUMENTS, ArtefactKind.CRITERION: _INSTRUMENTS},
    LinkKind.SATISFIES: {ArtefactKind.REQUIREMENT: _PARTS, ArtefactKind.CRITERION: _PARTS},
    LinkKind.MITIGATES: {ArtefactKind.REQUIREMENT: _PARTS},
}


class TraceLink(AppendOnlyModel):
    """What answers to what, whichever versions of both there are. The newest of its reviews says whether it holds."""

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = "reviews"

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="trace_links")
    kind = models.CharField(max_length=10, choices=LinkKind.choices)
    upstream = models.ForeignKey(Artefact, on_delete=models.PROTECT, related_name="links_down")
    downstream = models.ForeignKey(Artefact, on_delete=models.PROTECT, related_name="links_up")
    created_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["system", "kind", "upstream", "downstream"], name="requirements_tracelink_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(upstream=models.F("downstream")), name="requirements_tracelink_two_ends"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.upstream.key} > {self.downstream.key} ({self.kind})"


class LinkOutcome(models.TextChoices):
    HOLDS = "holds"
    WITHDRAWN = "withdrawn"


class LinkReview(AppendOnlyModel):
    """A named person looked at both ends of a link and said that it holds, or withdrew it: at which versions, and why.

    The link is suspect as soon as either end is at another version whose fingerprint differs.
    """

    SYSTEM_PATH = "link__system"
    PII = "actor"
    EVENT_PATH = ""

    link = models.ForeignKey(TraceLink, on_delete=models.PROTECT, related_name="reviews")
    outcome = models.CharField(max_length=10, choices=LinkOutcome.choices)
    upstream_version = models.ForeignKey(
        ArtefactVersion, on_delete=models.PROTECT, related_name="reviewed_upstream"
    )
    downstream_version = models.ForeignKey(
        ArtefactVersion, on_delete=models.PROTECT, related_name="reviewed_downstream"
    )
    upstream_fingerprint = digest_field()
    downstream_fingerprint = digest_field()
    # Whether the release live in production pinned the version then.
    upstream_live = models.BooleanField()
    downstream_live = models.BooleanField()
    # Attributes of a requirement that its fingerprint covered then, sorted: "criteria,layer,risk_tier,statement".
    counted = models.CharField(max_length=LABEL_LENGTH)
    moved = models.JSONField(default=list)  # since the review before, in words: ["P: v1 -> v2"]
    reason = models.TextField(blank=True)
    reviewed_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.link}: {self.outcome}"
