"""Who the actors of a binder are: the one file with names in it, as the directory has them while it is exported."""

from __future__ import annotations

from typing import Final, TypedDict

from django.db.models import Q

from evidence.actors import actor_of_token, actor_of_user
from evidence.binder.files import BinderFile, json_file
from evidence.models import AccessToken, AuditEvent, Evidence, Waiver
from evidence.selectors.binder.redactions import actors_of_redactions
from evidence.selectors.binder.scope import BinderScope
from evidence.selectors.people import directory

PEOPLE_PATH: Final = "people.json"
_INTERNALS: Final = "interpret."  # entries about the inside of a model are withheld, and so is who made them


class PersonDocument(TypedDict):
    """A person: what the binder calls them, what they were called, and what rows from before pseudonyms say."""

    actor: str
    name: str
    formerly: str | None


class TokenDocument(TypedDict):
    """A token, and the person it acts for: two actors of one person are no four eyes."""

    actor: str
    actsFor: str


def people_file(scope: BinderScope) -> BinderFile:
    """Return whom the actors of the system's events, waivers and findings name.

    Whoever put the system's evidence on record has an event of it; nobody else is named.
    """
    actors = _actors(scope)
    tokens = _tokens(actors)
    people = _people(actors | {token["actsFor"] for token in tokens})
    return json_file(
        PEOPLE_PATH,
        {"people": people, "tokens": tokens},
        title="Who the actors are / 人员名录",
        schema="people",
    )


def _actors(scope: BinderScope) -> set[str]:
    system, knew = scope.system, scope.as_of.knew
    events = AuditEvent.objects.filter(knew("occurred_at"), system=system)
    acted = events.exclude(object_type__startswith=_INTERNALS).values_list("actor", flat=True)
    asked = Waiver.objects.filter(knew("created_at"), system=system).values_list("requested_by", flat=True)
    own = Evidence.objects.filter(knew("received_at"), system=system).values_list("owner", flat=True)
    return {*acted.distinct(), *asked.distinct(), *own.distinct(), *actors_of_redactions(scope)}


def _tokens(actors: set[str]) -> list[TokenDocument]:
    prefixes = {actor.partition(":")[2] for actor in actors if actor.startswith("token:")}
    rows = (
        AccessToken.objects.filter(prefix__in=prefixes).select_related("owner__pseudonym").order_by("prefix")
    )
    return [{"actor": actor_of_token(row), "actsFor": actor_of_user(row.owner)} for row in rows]


def _people(actors: set[str]) -> list[PersonDocument]:
    rows = directory().filter(Q(actor__in=actors) | Q(was_called__in=actors - {""})).order_by("actor")
    return [
        {"actor": actor, "name": name, "formerly": formerly or None}
        for actor, name, formerly in rows.values_list("actor", "user__username", "was_called")
    ]
