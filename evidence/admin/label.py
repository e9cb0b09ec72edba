"""Labels: what people said of answers that a judge scored. They are given on a page of their own, the label sheet."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import link
from evidence.admin.frame.filters import recent, related
from evidence.models import Label, LabelSet


@admin.register(LabelSet)
class LabelSetAdmin(ReadOnlyModelAdmin):
    list_display = ["run_link", "labelled_by", "made_from", "created_at"]
    list_filter = [related("run__system"), "made_from"]
    list_select_related = ["run"]
    ordering = ["-id"]
    chain = [ChainLink("Labels", "evidence.label", "label_set__id__exact")]

    @admin.display(description=_("Run"))
    def run_link(self, label_set: LabelSet) -> str:
        return link(label_set, label_set.run)


@admin.register(Label)
class LabelAdmin(ReadOnlyModelAdmin):
    list_display = ["sample_id", "metric", "value", "set_link"]
    list_filter = [related("label_set__run__system"), recent("metric")]
    list_select_related = ["label_set__run"]
    search_fields = ["=sample_id"]
    ordering = ["-id"]

    @admin.display(description=_("Labels of one person"))
    def set_link(self, label: Label) -> str:
        return link(label.label_set)
