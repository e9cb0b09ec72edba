"""The directory as it is shown: whom the record means, and what they are called."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, F, QuerySet, Value, When

from evidence.models import Pseudonym


def directory() -> QuerySet[Any]:
    """Return everybody, as `as_shown` does."""
    return as_shown(Pseudonym.objects.all())


def as_shown(people: QuerySet[Pseudonym]) -> QuerySet[Any]:
    """Return people with their accounts and, as `was_called`, what rows from before pseudonyms call them.

    That is empty for later accounts, and for those whose names were erased: who that was is not told any more. Rules
    still ask `Pseudonym.formerly`, so that nobody becomes two people.
    """
    erased = When(user__username=F("actor"), then=Value(""))  # as `erase_names` leaves an account
    return people.select_related("user").annotate(was_called=Case(erased, default=F("formerly")))
