"""Dictionaries and their features, as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db.models import Count, QuerySet

from evidence.models import System
from interpret.models import Dictionary, Feature, FeatureLabel

ANSWERS: Final = 0.8  # area under the curve, as `interpret.dictionaries.polysemanticity` counts


def dictionaries_of(rows: QuerySet[Dictionary], system: System) -> QuerySet[Dictionary]:
    """Return a system's dictionaries, newest first, each with `n_described`: how many of its features fire."""
    related = rows.filter(system=system).select_related("artefact_version", "model_version")
    return with_described(related).order_by("-pk")


def with_described(rows: QuerySet[Dictionary]) -> QuerySet[Dictionary]:
    """Add to each dictionary `n_described`: how many of its features fire on the texts held out."""
    return rows.annotate(n_described=Count("features"))


def features_that_may_answer(dictionary: Dictionary, concept: str) -> QuerySet[Feature]:
    """Return the features that tell a concept on the words a label may be chosen by; best first."""
    place = dictionary.concepts["names"].index(concept)
    rows = dictionary.features.filter(**{f"answers__{place}__0__gte": ANSWERS})
    return rows.order_by(f"-answers__{place}__0", "number")


def labels_that_count(feature: Feature) -> Sequence[FeatureLabel]:
    """Return the newest label of each person who has not taken it back, oldest first."""
    newest = {label.labelled_by: label for label in feature.labels.order_by("pk")}
    return [label for label in newest.values() if label.concept]
