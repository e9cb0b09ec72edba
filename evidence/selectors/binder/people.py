"""Who the actors of a binder are: the one file with names in it, as the directory has them while it is exported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypedDict

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Q

from evidence import clock
from evidence.actors import actor_of_token, actor_of_user
from evidence.binder.files import BinderFile, json_file
from evidence.internals import speaks_of_internals
from evidence.models import AccessToken, AuditEvent, Evidence, Waiver
from evidence.models.base import SYSTEM_IDS, ActorField, AppendOnlyModel
from evidence.selectors.binder.redactions import actors_of_redactions
from evidence.selectors.binder.scope import BinderScope
from evidence.selectors.people import directory

PEOPLE_PATH: Final = "people.json"
# Columns of our clock's time.
_RECORDED: Final = ("created_at", "received_at", "decided_at", "erased_at", "at")


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
    acted = events.exclude(speaks_of_internals(AuditEvent)).values_list("actor", flat=True)
    asked = Waiver.objects.filter(knew("created_at"), system=system).values_list("requested_by", flat=True)
    own = Evidence.objects.filter(knew("received_at"), system=system).values_list("owner", flat=True)
    return {
        *acted.distinct(),
        *_actors_of_events_after(scope),
        *asked.distinct(),
        *own.distinct(),
        *actors_of_redactions(scope),
    }


def _actors_of_events_after(scope: BinderScope) -> set[str]:
    """Return who did what is packed and was recorded by an event with a time after the scope's.

    A row and its event are written in one transaction, the event a moment later: a scope may be as of a time between.
    What the export itself puts on record is not packed.
    """
    committed = AuditEvent.objects.filter(scope.as_of.knew(), system=scope.system)
    events = committed.exclude(scope.as_of.knew("occurred_at")).exclude(speaks_of_internals(AuditEvent))
    acted = set(events.values_list("xact_id", "actor"))
    transactions = {transaction for transaction, _ in acted} - {clock.own_transaction()}
    wrote = _transactions_packed(scope, transactions) if transactions else set()
    return {actor for transaction, actor in acted if transaction in wrote}


def _transactions_packed(scope: BinderScope, transactions: set[int | None]) -> set[int | None]:
    """Return which transactions wrote a row of the system that says who did it, and was on record."""
    wrote: set[int | None] = set()
    for model, time in _rows_that_name_somebody():
        rows = model._default_manager.filter(
            scope.as_of.knew(time), xact_id__in=transactions, **{str(model.SYSTEM_PATH): scope.system.pk}
        )
        wrote.update(rows.values_list("xact_id", flat=True))
    return wrote


def _rows_that_name_somebody() -> Iterator[tuple[type[AppendOnlyModel], str]]:
    """Yield the models of which a row of one system says who made it, with the column of our clock's time."""
    for model in apps.get_models():
        if not issubclass(model, AppendOnlyModel) or model is AuditEvent:
            continue
        if model.SYSTEM_PATH in {None, SYSTEM_IDS}:
            continue
        fields = {field.name: field for field in model._meta.concrete_fields}
        time = next((name for name in _RECORDED if name in fields), None)
        if time and any(isinstance(one, ActorField) or one.related_model is User for one in fields.values()):
            yield model, time


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
