"""Releases, and what they pin."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import link, short_digest
from evidence.admin.frame.filters import related
from evidence.models import Release, ReleasePin


@admin.register(Release)
class ReleaseAdmin(ReadOnlyModelAdmin):
    list_display = ["name", "system", "digest_start", "created_by", "created_at", "dossier"]
    list_filter = [related("system")]
    list_select_related = ["system"]
    search_fields = ["name", "digest"]
    ordering = ["-id"]
    change_form_template = "admin/evidence/release.html"
    change_list_template = "admin/evidence/releases.html"
    chain = [
        ChainLink("Pins", "evidence.releasepin", "release__id__exact"),
        ChainLink("Deployments", "evidence.deployment", "release__id__exact"),
        ChainLink("Assessments", "requirements.assessment", "release__id__exact"),
        ChainLink("Gate decisions", "evidence.gatedecision", "release__id__exact"),
        ChainLink("Waivers", "evidence.waiver", "release__id__exact"),
        ChainLink("Doubts that arose on it", "evidence.defeater", "release__id__exact"),
        ChainLink("Eval runs", "evidence.evalrun", "release__id__exact"),
        ChainLink("Traces", "evidence.trace", "release__id__exact"),
        ChainLink("Binders", "evidence.binder", "release__id__exact"),
        ChainLink("Probe runs", "interpret.proberun", "release__id__exact"),
    ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what may be told of findings beside the release's record."""
        release = self.get_object(request, object_id)
        told = [] if release is None else import_string(settings.SUPPORTING_EVIDENCE)(release)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "inside": told})

    @admin.display(description=gettext_lazy("All that stands behind it"))
    def dossier(self, release: Release) -> str:
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:dossier", args=[release.pk]),
            _("Dossier of %(release)s") % {"release": release.name},
        )

    @admin.display(description="Digest", ordering="digest")
    def digest_start(self, release: Release) -> str:
        return short_digest(release.digest)


@admin.register(ReleasePin)
class ReleasePinAdmin(ReadOnlyModelAdmin):
    list_display = ["slot", "release_link", "version_link"]
    list_filter = [related("release__system")]
    list_select_related = ["release__system", "version__artefact"]
    search_fields = ["slot", "version__artefact__key"]
    ordering = ["-id"]

    @admin.display(description="Release")
    def release_link(self, pin: ReleasePin) -> str:
        return link(pin.release)

    @admin.display(description="Version")
    def version_link(self, pin: ReleasePin) -> str:
        return link(pin.version)
