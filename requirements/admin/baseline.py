"""Baselines and their members."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import link, short_digest
from evidence.admin.frame.filters import related
from requirements.models import Baseline, BaselineMember, BaselineSignOff


@admin.register(Baseline)
class BaselineAdmin(ReadOnlyModelAdmin):
    list_display = ["name", "system", "digest_start", "created_by", "created_at"]
    list_filter = [related("system")]
    list_select_related = ["system"]
    search_fields = ["name"]
    ordering = ["-id"]
    change_form_template = "admin/requirements/baseline.html"
    chain = [
        ChainLink("Members", "requirements.baselinemember", "baseline__id__exact"),
        ChainLink("Signed off by", "requirements.baselinesignoff", "baseline__id__exact"),
    ]

    @admin.display(description="Digest")
    def digest_start(self, baseline: Baseline) -> str:
        return short_digest(baseline.digest)


@admin.register(BaselineMember)
class BaselineMemberAdmin(ReadOnlyModelAdmin):
    list_display = ["version_link", "baseline_link"]
    list_filter = [related("baseline__system"), related("baseline")]
    list_select_related = ["version__requirement", "baseline__system"]
    ordering = ["-id"]

    @admin.display(description="Version")
    def version_link(self, member: BaselineMember) -> str:
        return link(member.version)

    @admin.display(description="Baseline")
    def baseline_link(self, member: BaselineMember) -> str:
        return link(member.baseline)


@admin.register(BaselineSignOff)
class BaselineSignOffAdmin(ReadOnlyModelAdmin):
    list_display = ["baseline_link", "signed_by", "reason", "created_at"]
    list_filter = [related("baseline__system"), related("baseline")]
    list_select_related = ["baseline__system"]
    ordering = ["-id"]

    @admin.display(description="Baseline")
    def baseline_link(self, row: BaselineSignOff) -> str:
        return link(row.baseline)
