"""Dictionaries put on record with what they are worth, and the labels that people give their features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from evidence.access import Principal
from evidence.digests import digest_of
from evidence.errors import InvalidInput
from evidence.locks import Lock, hold
from evidence.models import ArtefactKind, ArtefactVersion, System
from evidence.nearest import hint_at, nearest_name
from evidence.services import audit, registry
from evidence.worded import worded
from interpret import acts
from interpret.dictionaries import files
from interpret.dictionaries.about import About
from interpret.dictionaries.described import Answer, Described, DescribedFeature
from interpret.errors import DictionaryMisfit, DictionaryMissing
from interpret.models import Dictionary, Feature, FeatureLabel
from interpret.selectors.models import models_of


def register_dictionary(*, principal: Principal, system: System, digest: str) -> Dictionary:
    """Put a dictionary of the store, its card and its features on record; one that is there already is answered with.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_register_dictionary` does.
        DictionaryMissing: no store has it, or it has no card or no described features.
        DictionaryChanged, DictionaryUnreadable: its files are not what they say.
        DictionaryMisfit: the system has no model of which it is.
    """
    acts.check_can_register_dictionary(principal, system)
    store = _store_of(digest)
    about = files.about_of(files.verified(store, digest))
    card, described = files.card_of(store, digest), files.features_of(store, digest)
    if described.features != about.features:
        raise DictionaryMisfit(
            worded(
                "%(described)s features were described, and the dictionary has %(features)s",
                described=described.features,
                features=about.features,
            )
        )
    with transaction.atomic():
        hold(Lock.DICTIONARY, system.pk)
        model = _model_of(system, about)
        version = _version_of(system, digest, about, actor=principal.actor)
        found = Dictionary.objects.filter(artefact_version=version).first()
        return found or _store(version, model, about, card, described, actor=principal.actor)


@transaction.atomic
def label_feature(*, principal: Principal, feature: Feature, concept: str, words: str = "") -> FeatureLabel:
    """Put on record what a person says a feature answers to, with how it does on words they did not choose by.

    The same again, if it is what the person said last, is answered with the label on record.

    Args:
        concept: one of the dictionary's; empty: the person takes their label back.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_label_feature` does.
        InvalidInput: the dictionary's features were not held against such a concept, or there is no label to take back.
    """
    acts.check_can_label_feature(principal, feature)
    hold(Lock.DICTIONARY, feature.dictionary.system_id)
    last = feature.labels.filter(labelled_by=principal.actor).order_by("-pk").first()
    if last is not None and (last.concept, last.words) == (concept, words):
        return last
    if not concept and (last is None or not last.concept):
        raise InvalidInput(worded("concept: you have no label here that could be taken back."))
    figures = figures_of(feature, concept) if concept else {}
    label = FeatureLabel.objects.create(
        feature=feature, concept=concept, words=words, figures=figures, labelled_by=principal.actor
    )
    audit.record(
        verb="feature.labelled" if concept else "feature.label_taken_back",
        actor=principal.actor,
        obj=label,
        system=feature.dictionary.system,
        digest=digest_of({"feature": feature.pk, "concept": concept, "words": words, "figures": figures}),
        payload={"number": feature.number, "concept": concept},
    )
    return label


def figures_of(feature: Feature, concept: str) -> dict[str, float]:
    """Return how a feature does on the words of a concept that nobody chose by, and what it is held against.

    Raises:
        InvalidInput: the dictionary's features were not held against such a concept.
    """
    concepts = feature.dictionary.concepts
    names: list[str] = concepts["names"]
    if concept not in names:
        raise InvalidInput(
            worded(
                "concept: %(concept)s is none of %(version)s; %(hint)s",
                concept=repr(concept),
                version=concepts["version"],
                hint=hint_at(nearest_name(concept, names)),
            )
        )
    place = names.index(concept)
    judged = Answer(*feature.answers[place]).judged()
    return {**judged, "bag_of_tokens": concepts["bag_of_tokens"][place]}


def _store_of(digest: str) -> Path:
    """Return the store that has a dictionary: the installation's, or the one that comes with the code."""
    stores: Iterable[Path] = (settings.DICTIONARY_STORE, files.SHIPPED)
    for store in stores:
        if digest in files.stored(store):
            return store
    raise DictionaryMissing(
        worded(
            "no dictionary %(digest)s in %(store)s, and none such comes with Tracebinder",
            digest=repr(digest),
            store=settings.DICTIONARY_STORE,
        )
    )


def _model_of(system: System, about: About) -> ArtefactVersion:
    model = models_of(system).filter(digest=about.site.model).first()
    if model is None:
        raise DictionaryMisfit(
            worded(
                "it is of model %(model)s, of which system %(system_key)s has no version: register "
                "the model first",
                model=about.site.model,
                system_key=system.key,
            )
        )
    return model


def _version_of(system: System, digest: str, about: About, *, actor: str) -> ArtefactVersion:
    return registry.ensure_version(
        system=system,
        kind=ArtefactKind.SAE,
        key=f"{about.site.model[:12]}-layer-{about.site.layer}",
        label=f"{about.architecture}, {about.features} features",
        digest=digest,
        actor=actor,
        name=f"Dictionary of layer {about.site.layer}",
        metadata={"model": about.site.model, "layer": about.site.layer, "width": about.site.width},
    )


def _store(
    version: ArtefactVersion,
    model: ArtefactVersion,
    about: About,
    card: Mapping[str, Any],
    described: Described,
    *,
    actor: str,
) -> Dictionary:
    system = version.artefact.system
    features_digest = digest_of(described.as_json())
    dictionary = Dictionary.objects.create(
        system=system,
        artefact_version=version,
        model_version=model,
        architecture=about.architecture,
        layer=about.site.layer,
        width=about.site.width,
        n_features=about.features,
        card=card,
        concepts=asdict(described.concepts),
        n_tokens=described.tokens,
        n_texts=described.texts,
        features_digest=features_digest,
        registered_by=actor,
    )
    Feature.objects.insert_as_arrays([_row(dictionary, each) for each in described.described])
    audit.record(
        verb="dictionary.registered",
        actor=actor,
        obj=dictionary,
        system=system,
        digest=digest_of({"dictionary": version.digest, "card": card, "features": features_digest}),
        payload={"features": len(described.described)},
    )
    return dictionary


def _row(dictionary: Dictionary, each: DescribedFeature) -> Feature:
    return Feature(
        dictionary=dictionary,
        number=each.number,
        density=each.density,
        in_texts=each.in_texts,
        largest=each.largest,
        examples=[example.as_json() for example in each.examples],
        raises=list(each.raises),
        lowers=list(each.lowers),
        answers=[list(answer) for answer in each.answers],
    )
