"""Claims of answers, and the citations under them."""

from __future__ import annotations

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, prose, shorten
from evidence.admin.frame.filters import related
from evidence.admin.review.answer import CitationCard
from evidence.claim_words import say_standing, say_why, show_score
from evidence.models import Citation, Claim
from evidence.selectors.citations import is_found


@admin.register(Claim)
class ClaimAdmin(ReadOnlyModelAdmin):
    list_display = ["claim", "trace_link", "ordinal", "material", "origin"]
    list_filter = [related("trace__system"), "material", "origin"]
    list_select_related = ["trace"]
    ordering = ["-id"]
    fields = [
        "trace",
        "exchange",
        "ordinal",
        "whole_text",
        "standing",
        "start",
        "end",
        "material",
        "origin",
        "extractor_version",
    ]
    chain = [
        ChainLink("Citations", "evidence.citation", "claim__id__exact"),
        ChainLink("Other claims of the answer", "evidence.claim", "trace__id__exact", "trace_id"),
        ChainLink("The trace's review", "evidence.reviewtask", "trace__id__exact", "trace_id"),
    ]

    @admin.display(description="Claim")
    def claim(self, claim: Claim) -> str:
        return shorten(claim.text, 120)

    @admin.display(description="Trace")
    def trace_link(self, claim: Claim) -> str:
        return link(claim.trace)

    @admin.display(description="Text")
    def whole_text(self, claim: Claim) -> str:
        return prose(claim.text, claim.trace.language)

    @admin.display(description="Standing")
    def standing(self, claim: Claim) -> str:
        citations = claim.citations.all()
        return say_standing(
            n_found=sum(map(is_found, citations)), n_citations=len(citations), material=claim.material
        )


@admin.register(Citation)
class CitationAdmin(ReadOnlyModelAdmin):
    list_display = ["quoted", "judged", "alignment", "document_link", "claim_link", "checker_version"]
    list_filter = [related("claim__trace__system"), "verdict"]
    list_select_related = ["claim", "document"]
    list_defer = ["document__text", "claim__text", "nearest_text"]
    search_fields = ["=document_ref"]
    search_help_text = _("A document id, as the application sent it.")
    ordering = ["-id"]
    chain_lookups = ["claim__trace__id__exact"]
    fields = [
        "claim", "ordinal", "judged", "alignment", "why", "document_ref", "document", "found_in",
        "whole_quote", "doc_start", "doc_end", "compared", "checker_version", "inputs_digest",
    ]  # fmt: skip
    chain = [
        ChainLink("The answer and its review", "evidence.reviewtask", "trace__id__exact", "claim.trace_id"),
        ChainLink("Other citations of the claim", "evidence.citation", "claim__id__exact", "claim_id"),
    ]

    @admin.display(description="Quote")
    def quoted(self, citation: Citation) -> str:
        return shorten(citation.quote) or gettext("(no quote)")

    @admin.display(description="Verdict", ordering="verdict")
    def judged(self, citation: Citation) -> str:
        return badge(citation.verdict)

    @admin.display(description="Alignment", ordering="score")
    def alignment(self, citation: Citation) -> str:
        told = {"score": show_score(citation.score), "least": f"{citation.threshold:.2f}"}
        return gettext("%(score)s of 1, found from %(least)s") % told

    @admin.display(description="Why")
    def why(self, citation: Citation) -> str:
        return say_why(citation)

    @admin.display(description="Against the nearest passage")
    def compared(self, citation: Citation) -> str:
        """Show quote and passage word by word."""
        if citation.nearest_text is None:
            return "–"
        return render_to_string("admin/evidence/nearest.html", {"card": CitationCard(citation, None)})

    @admin.display(description="Document")
    def document_link(self, citation: Citation) -> str:
        return (
            citation.document_ref
            if citation.document is None
            else link(citation.document, citation.document_ref)
        )

    @admin.display(description="Claim")
    def claim_link(self, citation: Citation) -> str:
        return link(citation.claim, gettext("claim %(n)s") % {"n": citation.claim.ordinal + 1})

    @admin.display(description="Quote")
    def whole_quote(self, citation: Citation) -> str:
        return prose(citation.quote)
