"""Releases: those there are, and registering one."""

from __future__ import annotations

import django_filters
from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet, MomentFilter
from evidence.api.inputs import FreeValue, Input
from evidence.api.reading import ScopedList
from evidence.models import ArtefactKind, Release, ReleasePin, Scope
from evidence.problems import Problem
from evidence.services import registry


class DocumentIn(Input):
    """A document of an index."""

    document_id = serializers.CharField(max_length=200)
    title = serializers.CharField(max_length=500)
    language = serializers.CharField(max_length=35)
    text = serializers.CharField(trim_whitespace=False)


class PinIn(Input):
    """A pin of the release."""

    slot = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(choices=ArtefactKind.choices)
    key = serializers.CharField(max_length=200)
    label = serializers.CharField(max_length=200)  # type: ignore[assignment]  # shadows Field.label, as DRF allows
    digest = serializers.RegexField(r"^[0-9a-f]{64}$", required=False, default="")
    name = serializers.CharField(max_length=200, required=False, default="")
    metadata = FreeValue(required=False, default=dict)
    documents = DocumentIn.listed(limit="MAX_DOCUMENTS", required=False, default=list)


class ReleaseIn(Input):
    """A release to freeze."""

    system = serializers.CharField()
    name = serializers.CharField(max_length=100)
    pins = PinIn.listed(limit="MAX_PINS")

    def manifest(self) -> registry.ReleaseManifest:
        """Return the validated data as the service takes it."""
        pins = [
            registry.PinSpec(
                **{**pin, "documents": [registry.DocumentSpec(**spec) for spec in pin["documents"]]}
            )
            for pin in self.validated_data["pins"]
        ]
        return registry.ReleaseManifest(name=self.validated_data["name"], pins=pins)


class UnregisteredOut(serializers.ModelSerializer[ReleasePin]):
    """A pinned version that nobody registered yet, as its registration names it."""

    kind = serializers.CharField(source="version.artefact.kind")
    key = serializers.CharField(source="version.artefact.key")
    digest = serializers.CharField(source="version.digest")

    class Meta:
        model = ReleasePin
        fields = ["slot", "kind", "key", "digest"]


class ReleaseOut(serializers.ModelSerializer[Release]):
    """A frozen release. While a version that it pins is unregistered, no gate lets it through."""

    system = serializers.CharField(source="system.key")
    pins = serializers.SerializerMethodField()
    unregistered = serializers.SerializerMethodField()

    class Meta:
        model = Release
        fields = ["system", "name", "digest", "pins", "unregistered", "created_at", "created_by"]

    def get_pins(self, release: Release) -> dict[str, str]:
        """Return the digest in each slot."""
        return {pin.slot: pin.version.digest for pin in release.pins.all()}

    @extend_schema_field(UnregisteredOut(many=True))
    def get_unregistered(self, release: Release) -> list[dict[str, str]]:
        """Return the pins whose versions wait to be registered (`POST /versions/registrations`)."""
        waiting = [pin for pin in release.pins.all() if not hasattr(pin.version, "registration")]
        return list(UnregisteredOut(waiting, many=True).data)


class ReleaseFilter(FilterSet):
    """Narrow a list of releases."""

    system = django_filters.CharFilter("system__key")
    since = MomentFilter("created_at", "gte")
    until = MomentFilter("created_at", "lt")

    class Meta:
        model = Release
        fields = ["name", "digest"]


class Releases(ScopedList[Release]):
    """List releases, newest first; put one on record."""

    scopes = {"GET": Scope.READ, "POST": Scope.IMPORT}
    queryset = Release.objects.select_related("system").prefetch_related(
        Prefetch(
            "pins",
            ReleasePin.objects.select_related("version__artefact", "version__registration").order_by("slot"),
        )
    )
    serializer_class = ReleaseOut
    filterset_class = ReleaseFilter

    @extend_schema(request=ReleaseIn, responses={201: ReleaseOut, 409: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Freeze a release: versions, documents and pins, all or nothing. The same again answers the same."""
        data = ReleaseIn(data=request.data)
        data.is_valid(raise_exception=True)
        principal = principal_of(request)
        system = find_system(principal, data.validated_data["system"])
        release = registry.register_release(principal=principal, system=system, manifest=data.manifest())
        return Response(ReleaseOut(Releases.queryset.get(pk=release.pk)).data, status=201)
