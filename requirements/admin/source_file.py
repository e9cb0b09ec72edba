"""The files that requirements come from, and what each import of one changed."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import link, short_digest
from evidence.admin.frame.filters import related
from requirements.models import SourceFile, SourceFileEntry, SourceFileImport


@admin.register(SourceFile)
class SourceFileAdmin(ReadOnlyModelAdmin):
    list_display = ["name", "system", "created_at"]
    list_filter = [related("system")]
    list_select_related = ["system"]
    search_fields = ["name"]
    ordering = ["-id"]
    chain = [ChainLink("Imports", "requirements.sourcefileimport", "source_file__id__exact")]


@admin.register(SourceFileImport)
class SourceFileImportAdmin(ReadOnlyModelAdmin):
    list_display = ["source_file", "digest_start", "imported_by", "created_at"]
    list_filter = [related("source_file__system")]
    list_select_related = ["source_file__system"]
    search_fields = ["source_file__name"]
    ordering = ["-id"]
    chain = [ChainLink("What it changed", "requirements.sourcefileentry", "file_import__id__exact")]

    @admin.display(description="Digest")
    def digest_start(self, file_import: SourceFileImport) -> str:
        return short_digest(file_import.digest)


@admin.register(SourceFileEntry)
class SourceFileEntryAdmin(ReadOnlyModelAdmin):
    list_display = ["version_link", "change", "line", "import_link"]
    list_filter = [related("file_import__source_file__system"), "change"]
    list_select_related = ["version__requirement", "file_import__source_file__system"]
    search_fields = ["requirement__key", "file_import__source_file__name"]
    ordering = ["-id"]

    @admin.display(description="Version")
    def version_link(self, entry: SourceFileEntry) -> str:
        return link(entry.version)

    @admin.display(description="Import")
    def import_link(self, entry: SourceFileEntry) -> str:
        return link(entry.file_import)
