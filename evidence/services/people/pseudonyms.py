"""Pseudonyms: given to an account once, and never changed."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from evidence.models import AccessToken, Adjudication, Pseudonym, Review
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


def identify_whom_binders_name() -> None:
    """Give a pseudonym to each account that judged, or owns a token, and has none.

    A process of an earlier version may have made such rows during an upgrade; an export reads them and may write
    nothing.
    """
    judged = Q(Exists(Review.objects.filter(reviewer=OuterRef("pk")))) | Q(
        Exists(Adjudication.objects.filter(adjudicator=OuterRef("pk")))
    )
    owning = Q(Exists(AccessToken.objects.filter(owner=OuterRef("pk"))))
    for user in User.objects.filter(judged | owning, pseudonym=None):
        ensure_pseudonym(user)
