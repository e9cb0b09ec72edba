"""Dictionaries, their features and the labels of these by API. Without `interpret.view_internals` there are none."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of, visible_to
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input
from evidence.api.reading import ScopedDetail, ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.models import Scope
from evidence.problems import Problem
from interpret.models import Dictionary, Feature, FeatureLabel
from interpret.selectors.features import Tried, areas_to_choose_by, labels_that_count
from interpret.services.dictionaries import label_feature, register_dictionary


class DictionaryIn(Input):
    """Which dictionary of the store, for which system."""

    system = serializers.CharField()
    digest = serializers.CharField(max_length=64, help_text="Of its folder, as `make dictionary` printed it.")


class DictionaryOut(serializers.ModelSerializer[Dictionary]):
    """A dictionary, what it is worth, and what its features were described on."""

    system = serializers.CharField(source="system.key")
    digest = serializers.CharField(source="artefact_version.digest")
    model_digest = serializers.CharField(source="model_version.digest")

    class Meta:
        model = Dictionary
        fields = [
            "id", "system", "digest", "model_digest", "architecture", "layer", "width", "n_features", "n_tokens",
            "n_texts", "concepts", "card", "features_digest", "registered_by", "created_at",
        ]  # fmt: skip


class DictionaryFilter(FilterSet):
    """Narrow a list of dictionaries."""

    system = django_filters.CharFilter("system__key")
    digest = django_filters.CharFilter("artefact_version__digest")

    class Meta:
        model = Dictionary
        fields = ["layer"]


_DICTIONARIES = Dictionary.objects.select_related("system", "artefact_version", "model_version")


class Dictionaries(ScopedList[Dictionary]):
    """List dictionaries; put one of the store on record. The same again answers with the one on record."""

    scopes = {"GET": Scope.READ, "POST": Scope.PROBE}
    queryset = _DICTIONARIES
    serializer_class = DictionaryOut
    filterset_class = DictionaryFilter

    @extend_schema(
        request=DictionaryIn,
        responses={201: DictionaryOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        """Put a dictionary on record: its files, which the server has, are read, its card and its features kept."""
        principal = principal_of(request)
        data = DictionaryIn(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        system = find_system(principal, values["system"])
        found = register_dictionary(principal=principal, system=system, digest=values["digest"])
        return Response(DictionaryOut(found).data, status=201)


class DictionaryDetail(ScopedDetail[Dictionary]):
    """One dictionary. 404 without `interpret.view_internals`."""

    queryset = _DICTIONARIES
    serializer_class = DictionaryOut


class FeatureOut(serializers.ModelSerializer[Feature]):
    """What a feature does on texts that were held out."""

    chosen = serializers.SerializerMethodField(
        help_text="For each concept, the area under the curve on the words a label is chosen by; by what it is judged,"
        " a label tells."
    )

    class Meta:
        model = Feature
        fields = [
            "id", "dictionary", "number", "density", "in_texts", "largest", "examples", "raises", "lowers", "chosen",
        ]  # fmt: skip

    def get_chosen(self, feature: Feature) -> dict[str, float]:
        """Return the areas that may be looked at before a label is given."""
        return dict(areas_to_choose_by(feature))


class FeatureFilter(FilterSet):
    """Narrow a list of features."""

    class Meta:
        model = Feature
        fields = ["dictionary", "number"]


class FeatureList(ScopedList[Feature]):
    """Features that fire, newest first. Empty without `interpret.view_internals`."""

    queryset = Feature.objects.select_related("dictionary")
    serializer_class = FeatureOut
    filterset_class = FeatureFilter


class FeatureDetail(ScopedDetail[Feature]):
    """One feature. 404 without `interpret.view_internals`."""

    queryset = Feature.objects.select_related("dictionary")
    serializer_class = FeatureOut


class FeatureLabelIn(Input):
    """What a feature answers to."""

    concept = serializers.CharField(
        allow_blank=True, max_length=200, help_text="One of its dictionary's; empty takes your label back."
    )
    words = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)


class FeatureLabelOut(serializers.ModelSerializer[FeatureLabel]):
    """What a person says a feature answers to, and how it does on words they did not choose by."""

    class Meta:
        model = FeatureLabel
        fields = ["id", "feature", "concept", "words", "figures", "labelled_by", "created_at"]


class FeatureLabelFilter(FilterSet):
    """Narrow a list of labels."""

    class Meta:
        model = FeatureLabel
        fields = ["feature"]


class FeatureLabelList(ScopedList[FeatureLabel]):
    """Labels, newest first; of each person the newest counts, and an empty one was taken back."""

    queryset = FeatureLabel.objects.all()
    serializer_class = FeatureLabelOut
    filterset_class = FeatureLabelFilter


class CountedLabelOut(FeatureLabelOut):
    """A label that counts, and how often its dictionary was looked at for it: what it has to stand out from."""

    look = serializers.IntegerField(help_text="Which look at the dictionary first tried this concept here.")
    level = serializers.FloatField(help_text="What that look may leave to chance.")
    chance = serializers.FloatField(help_text="What it does.")
    stands_out = serializers.BooleanField(
        help_text="Whether chance would hardly give as much, and its author has tried no other concept here."
    )
    looks_by_author = serializers.IntegerField(help_text="At the dictionary, up to now.")
    looks_in_all = serializers.IntegerField(help_text="Of everybody, up to now.")

    class Meta(FeatureLabelOut.Meta):
        fields = [
            *FeatureLabelOut.Meta.fields,
            "look", "level", "chance", "stands_out", "looks_by_author", "looks_in_all",
        ]  # fmt: skip

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Show a label with what was tried before it, as the page of its feature does."""
        label, tried = cast("tuple[FeatureLabel, Tried]", instance)
        return {
            **FeatureLabelOut(label).data,
            "look": tried.look.number,
            "level": tried.look.level,
            "chance": tried.look.chance,
            "stands_out": tried.stands_out,
            "looks_by_author": tried.by_author,
            "looks_in_all": tried.in_all,
        }


class FeatureLabelling(ScopedView):
    """Label a feature, as a person who is signed in; see whether its labels stand out, as its page tells it."""

    scopes = {"GET": Scope.READ, "POST": Scope.PROBE}

    @extend_schema(responses={200: CountedLabelOut(many=True), 404: Problem})
    def get(self, request: Request, pk: int) -> Response:
        """Return the label of each person that counts, oldest first, with the looks that it has to stand out from."""
        found: Any = labels_that_count(_find(request, pk))
        return Response(CountedLabelOut(found, many=True).data)

    @extend_schema(
        request=FeatureLabelIn, responses={201: FeatureLabelOut, 403: Problem, 404: Problem, 422: Problem}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Label a feature; its figures on the words that nobody chose by are kept. The same again is on record."""
        data = FeatureLabelIn(data=request.data)
        data.is_valid(raise_exception=True)
        feature = _find(request, pk)
        label = label_feature(principal=principal_of(request), feature=feature, **data.validated_data)
        return Response(FeatureLabelOut(label).data, status=201)


def _find(request: Request, pk: int) -> Feature:
    rows = visible_to(Feature.objects.select_related("dictionary__system"), principal_of(request))
    feature = rows.filter(pk=pk).first()
    if feature is None:
        raise NotFound(f"There is no feature {pk} in the systems you may see.")
    return feature
