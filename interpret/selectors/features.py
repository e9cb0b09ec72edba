"""Dictionaries and their features, as pages show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

from django.db.models import Count, QuerySet

from interpret.dictionaries.described import Answer
from interpret.dictionaries.looks import Look, looks
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


@dataclass(frozen=True, slots=True)
class Tried:
    """How often a dictionary was looked at before a label, which says how sure the label has to be of itself.

    Attributes:
        look: the one that tried this concept on this feature first, of all looks at the dictionary.
        by_author: looks of the label's author at the dictionary, up to now.
        in_all: looks of everybody, up to now.
        on_feature: concepts that the author has tried on the feature.
    """

    look: Look
    by_author: int
    in_all: int
    on_feature: int

    @property
    def stands_out(self) -> bool:
        """Whether chance would hardly give as much, and the author has tried nothing else on the feature."""
        return self.on_feature == 1 and self.look.stands_out


def looks_at(dictionary: Dictionary) -> Mapping[tuple[int, str], Look]:
    """Return each look at a dictionary, by feature and concept: whoever labelled it so first, and whatever came of it.

    A label that was taken back, or changed, was a look; the same of another person is none: the figure is known.
    """
    words: int = dictionary.concepts["words"]
    rows = FeatureLabel.objects.filter(feature__dictionary=dictionary).exclude(concept="").order_by("pk")
    tried = rows.values_list("feature_id", "concept", "figures")
    return looks(((feature, concept), _chance(figures, words)) for feature, concept, figures in tried)


def labels_that_count(feature: Feature) -> Sequence[tuple[FeatureLabel, Tried]]:
    """Return the newest label of each person who has not taken it back, oldest first, and how often was looked.

    Each pair of a feature of the dictionary and a concept was a look at what judges labels.
    """
    newest = {label.labelled_by: label for label in feature.labels.order_by("pk")}
    counting = [label for label in newest.values() if label.concept]
    if not counting:
        return []
    found = looks_at(feature.dictionary)
    pairs = _pairs_by_person(feature.dictionary)
    return [
        (
            label,
            Tried(
                found[feature.pk, label.concept],
                by_author=len(pairs[label.labelled_by]),
                in_all=len(found),
                on_feature=sum(number == feature.pk for number, _ in pairs[label.labelled_by]),
            ),
        )
        for label in counting
    ]


def _pairs_by_person(dictionary: Dictionary) -> Mapping[str, set[tuple[int, str]]]:
    """Return which concepts each person has tried on which features."""
    rows = FeatureLabel.objects.filter(feature__dictionary=dictionary).exclude(concept="")
    found = defaultdict[str, set[tuple[int, str]]](set)
    for person, feature, concept in rows.values_list("labelled_by", "feature_id", "concept"):
        found[person].add((feature, concept))
    return found


def _chance(figures: Mapping[str, float], words: int) -> float:
    given = dict(figures)
    bag = given.pop("bag_of_tokens")
    return Answer(chosen=nan, **given).chance(bag, words)


def label_of(feature: Feature, actor: str) -> FeatureLabel | None:
    """Return the label of a person that counts; None: they gave none, or took it back."""
    newest = feature.labels.filter(labelled_by=actor).order_by("pk").last()
    return newest if newest is not None and newest.concept else None
