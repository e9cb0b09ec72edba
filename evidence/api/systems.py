"""The systems of whoever asks: the name by which everything else of the API asks for one is its key."""

from __future__ import annotations

from rest_framework import serializers

from evidence.actors import actor_of_user
from evidence.api.filtering import FilterSet
from evidence.api.reading import ScopedList
from evidence.models import System


class SystemOut(serializers.ModelSerializer[System]):
    """A system under governance."""

    owner = serializers.SerializerMethodField(help_text="The actor; /api/v1/people says who that is.")

    class Meta:
        model = System
        fields = ["key", "name", "risk_tier", "owner", "created_at"]

    def get_owner(self, system: System) -> str:
        """Return who owns it."""
        return actor_of_user(system.owner)


class SystemFilter(FilterSet):
    """Narrow a list of systems."""

    class Meta:
        model = System
        fields = ["key", "risk_tier"]


class SystemList(ScopedList[System]):
    """Systems, newest first: those that you, or the token that asks, may read."""

    queryset = System.objects.select_related("owner__pseudonym")
    serializer_class = SystemOut
    filterset_class = SystemFilter
