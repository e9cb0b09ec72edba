"""Artefacts, their versions, and who vouched for them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, short_digest
from evidence.admin.frame.filters import related
from evidence.models import Artefact, ArtefactVersion, Registration


@admin.register(Artefact)
class ArtefactAdmin(ReadOnlyModelAdmin):
    list_display = ["__str__", "name", "kind", "system", "created_at"]
    list_filter = [related("system"), "kind"]
    list_select_related = ["system"]
    search_fields = ["key", "name"]
    ordering = ["-id"]
    chain = [ChainLink("Versions", "evidence.artefactversion", "artefact__id__exact")]


class RegisteredFilter(admin.SimpleListFilter):
    """Versions that somebody vouched for, or that were only seen in a trace."""

    title = "registered"
    parameter_name = "registered"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, str]]:
        del request, model_admin
        return [("yes", "Registered"), ("no", "Only seen")]

    def queryset(self, request: object, queryset: QuerySet[ArtefactVersion]) -> QuerySet[ArtefactVersion]:
        del request
        if self.value() is None:
            return queryset
        return queryset.filter(registration__isnull=self.value() == "no")


@admin.register(ArtefactVersion)
class ArtefactVersionAdmin(ReadOnlyModelAdmin):
    list_display = ["__str__", "kind", "system", "digest_start", "basis", "standing", "created_at"]
    list_filter = [related("artefact__system"), "artefact__kind", RegisteredFilter]
    list_select_related = ["artefact__system", "registration"]
    list_defer = ["metadata"]
    search_fields = ["label", "artefact__key", "digest"]
    ordering = ["-id"]
    fields = [
        "artefact", "number", "label", "digest", "digest_basis", "standing", "metadata_as_json", "blob",
        "created_at", "created_by",
    ]  # fmt: skip
    chain = [
        ChainLink("Releases that pin it", "evidence.releasepin", "version__id__exact"),
        ChainLink("Traces that used it", "evidence.traceversion", "version__id__exact"),
        ChainLink("Documents (of an index)", "evidence.sourcedocument", "index_version__id__exact"),
        ChainLink("Evidence measured on it", "evidence.evidencelink", "version__id__exact"),
        ChainLink("Registration", "evidence.registration", "version__id__exact"),
        ChainLink("Requirement version", "requirements.requirementversion", "artefact_version__id__exact"),
        ChainLink("Gate decisions", "evidence.gatedecision", "gate_version__id__exact"),
        ChainLink(
            "All versions of the artefact", "evidence.artefactversion", "artefact__id__exact", "artefact_id"
        ),
    ]

    @admin.display(description="System", ordering="artefact__system")
    def system(self, version: ArtefactVersion) -> str:
        return version.artefact.system.key

    @admin.display(description="Kind", ordering="artefact__kind")
    def kind(self, version: ArtefactVersion) -> str:
        return version.artefact.kind

    @admin.display(description="Digest", ordering="digest")
    def digest_start(self, version: ArtefactVersion) -> str:
        return short_digest(version.digest)

    @admin.display(description="Digest over", ordering="digest_basis")
    def basis(self, version: ArtefactVersion) -> str:
        return version.get_digest_basis_display()

    @admin.display(description="Standing")
    def standing(self, version: ArtefactVersion) -> str:
        return badge("registered" if hasattr(version, "registration") else "unregistered")


@admin.register(Registration)
class RegistrationAdmin(ReadOnlyModelAdmin):
    list_display = ["version_link", "registered_by", "reason", "created_at"]
    list_filter = [related("version__artefact__system")]
    list_select_related = ["version__artefact"]
    search_fields = ["registered_by", "version__artefact__key"]
    ordering = ["-id"]

    @admin.display(description="Version")
    def version_link(self, registration: Registration) -> str:
        return link(registration.version)
