"""Links, the reviews of each, and the way to the pages on which they are made, cleared and withdrawn."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link
from evidence.admin.frame.filters import related
from requirements.models import LinkReview, TraceLink


@admin.register(TraceLink)
class TraceLinkAdmin(ReadOnlyModelAdmin):
    list_display = ["kind", "upstream_link", "downstream_link", "system", "created_by", "created_at"]
    list_filter = [related("system"), "kind"]
    list_select_related = ["upstream", "downstream", "system"]
    search_fields = ["upstream__key", "downstream__key"]
    ordering = ["-id"]
    change_form_template = "admin/requirements/trace_link.html"
    chain = [ChainLink("Reviews", "requirements.linkreview", "link__id__exact")]

    @admin.display(description=_("Upstream"))
    def upstream_link(self, row: TraceLink) -> str:
        return link(row.upstream)

    @admin.display(description=_("Downstream"))
    def downstream_link(self, row: TraceLink) -> str:
        return link(row.downstream)


@admin.register(LinkReview)
class LinkReviewAdmin(ReadOnlyModelAdmin):
    list_display = ["link_link", "said", "upstream_at", "downstream_at", "reviewed_by", "created_at"]
    list_filter = [related("link__system"), "outcome"]
    list_select_related = [
        "link__upstream", "link__downstream", "upstream_version__artefact", "downstream_version__artefact",
    ]  # fmt: skip
    ordering = ["-id"]

    @admin.display(description=_("Link"))
    def link_link(self, row: LinkReview) -> str:
        return link(row.link)

    @admin.display(description=_("Outcome"), ordering="outcome")
    def said(self, row: LinkReview) -> str:
        return badge(row.outcome)

    @admin.display(description=_("Upstream at"))
    def upstream_at(self, row: LinkReview) -> str:
        return link(row.upstream_version)

    @admin.display(description=_("Downstream at"))
    def downstream_at(self, row: LinkReview) -> str:
        return link(row.downstream_version)
