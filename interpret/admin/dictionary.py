"""Dictionaries, their features and labels, as records."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.filters import related
from interpret.models import Dictionary, Feature, FeatureLabel
from interpret.pages.addresses import dictionary_url


@admin.register(Dictionary)
class DictionaryAdmin(ReadOnlyModelAdmin):
    list_display = ["__str__", "system", "architecture", "n_features", "registered_by", "created_at"]
    list_filter = [related("system")]
    list_select_related = ["system", "artefact_version"]
    list_defer = ["card", "concepts"]
    ordering = ["-id"]
    chain = [ChainLink("Features", "interpret.feature", "dictionary__id__exact")]

    def chain_of(self, request: HttpRequest, object_id: str | None) -> list[tuple[str, str]]:
        """Lead to the page that shows what it is worth."""
        chain = super().chain_of(request, object_id)
        found = self.get_object(request, object_id) if object_id else None
        return chain if found is None else [(gettext("What it is worth"), dictionary_url(found)), *chain]


@admin.register(Feature)
class FeatureAdmin(ReadOnlyModelAdmin):
    list_display = ["number", "dictionary", "density", "in_texts", "largest"]
    list_select_related = ["dictionary__artefact_version"]
    list_defer = ["examples", "raises", "lowers", "answers"]
    exclude = ["answers"]  # by what a label is judged, it alone tells
    ordering = ["-id"]
    chain = [ChainLink("Labels", "interpret.featurelabel", "feature__id__exact")]

    def chain_of(self, request: HttpRequest, object_id: str | None) -> list[tuple[str, str]]:
        """Lead to the page that shows where it fires."""
        chain = super().chain_of(request, object_id)
        return (
            chain
            if not object_id
            else [(gettext("Where it fires"), reverse("admin:feature", args=[object_id])), *chain]
        )


@admin.register(FeatureLabel)
class FeatureLabelAdmin(ReadOnlyModelAdmin):
    list_display = ["__str__", "feature", "words", "labelled_by", "created_at"]
    list_select_related = ["feature"]
    ordering = ["-id"]
