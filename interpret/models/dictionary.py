"""Dictionaries of what is inside a model, their features, and what people call these. All of it describes."""

from __future__ import annotations

from django.db import models

from evidence.models import ArtefactVersion, System
from evidence.models.base import LABEL_LENGTH, AppendOnlyModel, actor_field, digest_field


class Dictionary(AppendOnlyModel):
    """A sparse autoencoder of one place in one model, with its card: what it is worth beside its rivals."""

    SYSTEM_PATH = "system"
    PII = "actor"
    EVENT_PATH = ""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="dictionaries")
    artefact_version = models.OneToOneField(
        ArtefactVersion, on_delete=models.PROTECT, related_name="dictionary"
    )
    model_version = models.ForeignKey(ArtefactVersion, on_delete=models.PROTECT, related_name="+")
    architecture = models.CharField(max_length=LABEL_LENGTH)  # as sae-lens names it
    layer = models.PositiveIntegerField()  # from 0; the residual stream after it
    width = models.PositiveIntegerField()  # of the residual stream
    n_features = models.PositiveIntegerField()
    card = models.JSONField()  # as interpret.dictionaries.card makes it
    # What its features were described on: interpret.dictionaries.described.Concepts, and how many held-out tokens of
    # how many texts.
    concepts = models.JSONField()
    n_tokens = models.PositiveIntegerField()
    n_texts = models.PositiveIntegerField()
    features_digest = digest_field()  # of what was read of its features
    registered_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "dictionaries"

    def __str__(self) -> str:
        return f"dictionary {self.artefact_version.digest[:12]} of layer {self.layer}"


class Feature(AppendOnlyModel):
    """One feature of a dictionary that fires on texts that were held out."""

    SYSTEM_PATH = "dictionary__system"
    PII = "none"
    EVENT_PATH = "dictionary"

    dictionary = models.ForeignKey(Dictionary, on_delete=models.PROTECT, related_name="features")
    number = models.PositiveIntegerField()  # its place in the dictionary, from 0
    density = models.FloatField()  # share of the ordinary tokens on which it fires, in (0, 1]
    in_texts = models.PositiveIntegerField()
    largest = models.FloatField()  # of its values
    examples = models.JSONField()  # interpret.dictionaries.described.Example, over quantiles of its values
    raises = models.JSONField()  # tokens whose logits it raises most, by the unembedding alone
    lowers = models.JSONField()
    answers = (
        models.JSONField()
    )  # interpret.dictionaries.described.Answer as lists, in the order of the concepts

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dictionary", "number"], name="interpret_feature_once"),
        ]

    def __str__(self) -> str:
        return f"feature {self.number}"


class FeatureLabel(AppendOnlyModel):
    """What a person says a feature answers to, and how it does so on words they did not choose by.

    A changed mind is a new row; the newest of each person counts. Nothing but its page reads a label.
    """

    SYSTEM_PATH = "feature__dictionary__system"
    PII = "actor"
    EVENT_PATH = ""

    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="labels")
    concept = models.CharField(max_length=LABEL_LENGTH, blank=True)  # of the dictionary's; empty: taken back
    words = models.TextField(blank=True)  # what the person adds to it
    # interpret.dictionaries.described.Answer without `chosen`, and the bag of tokens; empty: taken back.
    figures = models.JSONField(default=dict)
    labelled_by = actor_field()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.concept or "no label"
