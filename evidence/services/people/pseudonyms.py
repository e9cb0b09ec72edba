"""Pseudonyms: given to an account once, and never changed."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from evidence.models import Pseudonym
from evidence.services import audit

ACTOR: Final = "system:directory"


@transaction.atomic
def ensure_pseudonym(user: User) -> Pseudonym:
    """Return the pseudonym of an account, which is given one where it has none.

    Of several at once who ask for a new account, one gives it and the others wait for that.
    """
    pseudonym, created = Pseudonym.objects.get_or_create(user_id=user.pk)
    if created:
        audit.record(verb="person.identified", actor=ACTOR, obj=pseudonym)
    return pseudonym
