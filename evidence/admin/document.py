"""Source documents: what citations are checked against."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import link, prose, short_digest
from evidence.admin.frame.filters import recent, related
from evidence.models import SourceDocument


@admin.register(SourceDocument)
class SourceDocumentAdmin(ReadOnlyModelAdmin):
    list_display = ["document_id", "title", "language", "index", "digest_start"]
    list_filter = [related("index_version__artefact__system"), recent("language")]
    list_select_related = ["index_version__artefact"]
    list_defer = ["text"]
    search_fields = ["document_id", "title"]
    ordering = ["-id"]
    fields = ["document_id", "title", "language", "index_version", "digest", "created_at", "whole_text"]
    chain = [
        ChainLink("Citations of it", "evidence.citation", "document__id__exact"),
        ChainLink("Citations whose quote stands here instead", "evidence.citation", "found_in__id__exact"),
        ChainLink("Retrievals of it", "evidence.retrieval", "document__id__exact"),
    ]

    @admin.display(description="Index version")
    def index(self, document: SourceDocument) -> str:
        return link(document.index_version)

    @admin.display(description="Digest")
    def digest_start(self, document: SourceDocument) -> str:
        return short_digest(document.digest)

    @admin.display(description="Text")
    def whole_text(self, document: SourceDocument) -> str:
        return prose(document.text, document.language)
