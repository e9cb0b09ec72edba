"""The directory: who the people are that rows and log entries call by pseudonyms."""

from __future__ import annotations

from typing import ClassVar

import django_filters
from rest_framework import serializers

from evidence.api.filtering import FilterSet
from evidence.api.reading import ScopedList
from evidence.models import Pseudonym
from evidence.selectors.people import directory


class PersonFilter(FilterSet):
    """Narrow a list of people."""

    id = django_filters.CharFilter("actor")
    name = django_filters.CharFilter("user__username")

    formerly = django_filters.CharFilter("was_called")

    class Meta:
        model = Pseudonym
        fields: ClassVar[list[str]] = []


class PersonOut(serializers.ModelSerializer[Pseudonym]):
    """A person: what the record calls them, and what they are called today."""

    id = serializers.CharField(
        source="actor", help_text="The actor on rows and in the log; it never changes."
    )
    name = serializers.CharField(source="user.username", help_text="Today's user name.")
    active = serializers.BooleanField(source="user.is_active")
    formerly = serializers.CharField(
        source="was_called",
        help_text="What rows from before pseudonyms call them; empty where there are none, or names were erased.",
    )

    class Meta:
        model = Pseudonym
        fields = ["id", "name", "active", "formerly"]


class People(ScopedList[Pseudonym]):
    """People who are members of your systems, and have acted or been named."""

    queryset = directory()
    serializer_class = PersonOut
    filterset_class = PersonFilter
