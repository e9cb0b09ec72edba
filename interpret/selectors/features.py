"""Dictionaries and their features, as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db.models import Count, QuerySet

from interpret.dictionaries.described import Answer
from interpret.models import Dictionary, Feature, FeatureLabel

ANSWERS: Final = 0.8  # area under the curve, as `interpret.dictionaries.polysemanticity` counts


def with_described(rows: QuerySet[Dictionary]) -> QuerySet[Dictionary]:
    """Add to each dictionary `n_described`: how many of its features fire on the texts held out."""
    return rows.annotate(n_described=Count("features"))


def features_that_may_answer(dictionary: Dictionary, concept: str) -> QuerySet[Feature]:
    """Return the features that tell a concept on the words a label may be chosen by; best first."""
    place = dictionary.concepts["names"].index(concept)
    rows = dictionary.features.filter(**{f"answers__{place}__0__gte": ANSWERS})
    return rows.order_by(f"-answers__{place}__0", "number")


def areas_to_choose_by(feature: Feature) -> Sequence[tuple[str, float]]:
    """Return how well a feature tells each concept on the words a label is chosen by, best first."""
    names: list[str] = feature.dictionary.concepts["names"]
    areas = [Answer(*each).chosen for each in feature.answers]
    return sorted(zip(names, areas, strict=True), key=lambda one: -one[1])


def labels_that_count(feature: Feature) -> Sequence[tuple[FeatureLabel, int]]:
    """Return the newest label of each person who has not taken it back, oldest first.

    Beside each stands how many concepts the person has tried on the feature: each was a look at what judges labels.
    """
    newest: dict[str, FeatureLabel] = {}
    tried: dict[str, set[str]] = {}
    for label in feature.labels.order_by("pk"):
        newest[label.labelled_by] = label
        tried.setdefault(label.labelled_by, set()).add(label.concept)
    return [(label, len(tried[person] - {""})) for person, label in newest.items() if label.concept]


def label_of(feature: Feature, actor: str) -> FeatureLabel | None:
    """Return the label of a person that counts; None: they gave none, or took it back."""
    newest = feature.labels.filter(labelled_by=actor).order_by("pk").last()
    return newest if newest is not None and newest.concept else None
