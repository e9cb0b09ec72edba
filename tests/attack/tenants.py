"""Two tenants of one server, and whose each row and word is: told by when a row came, not by our own scoping."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Final
from uuid import uuid4

from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from evidence.access import principal_of_command_line
from evidence.models import AccessToken, AuditEvent, Scope
from evidence.roles import ROLES
from evidence.services import evals, reviews
from evidence.services.assembly import assemble_due_traces
from evidence.services.keys.trust import describe_trust
from evidence.services.people import memberships, tokens
from tests.attack.wire import bearer, session_of
from tests.e2e.cases import make_task
from tests.evidence.binder_world import Filled, eval_file, export
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_admin import store_what_other_parts_store
from tests.evidence.test_assembly import spans_of
from tests.evidence.test_log_api import publish
from tests.evidence.token_expiry import set_expiry
from tests.factories import World, acting, make_person, make_world
from tests.invariants.act_doors import colleague, gate, hold, proposed
from tests.invariants.walk import our_models

# What belongs to no tenant and may be read by anybody: the tree, which is of hashes alone.
_OF_ALL: Final = {"Leaf", "Tile", "Checkpoint", "Cosignature", "CheckpointTimestamp"}
_WORD: Final = re.compile(r"[\w-]+")
_DATE: Final = re.compile(r"20\d{6}(T\d+)?")  # of days on which both did something
_SHORTEST: Final = 8  # characters of a word that can be nobody else's by chance


@dataclass(frozen=True)
class Tenant:
    """A system with its people, and what is its alone."""

    world: World
    keys: Mapping[str, list[str]]  # label of a model -> keys of its rows
    words: frozenset[str]

    def first(self, model: type[Model]) -> str:
        """Return the key of one of its rows; that of none where it has none."""
        return next(iter(self.keys.get(model._meta.label, [])), "1")


@dataclass(frozen=True)
class Caller:
    """Somebody who sends requests."""

    name: str
    of: str  # "own": of the tenant that is attacked, "other": of another, "nobody"
    role: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tenants:
    """The one that is attacked, and the one whose people attack."""

    victim: Tenant
    attacker: Tenant
    internals: frozenset[str]  # words of the victim that only those may see who see internals


def make_tenants() -> Tenants:
    """Fill two tenants, with texts of their own in all that is stored."""
    before, victim = _rows(), make_world()
    _fill_victim(victim)
    between, attacker = _rows(), make_world("aml-copilot")
    make_task(attacker)
    attacker.token(Scope.READ)
    for prepare in (gate, hold):
        prepare(attacker)
    after = _rows()
    theirs = words_of(_texts(_less(after, between)))
    mine = _less(between, before)
    hidden = {label: rows for label, rows in mine.items() if label.startswith("interpret.")}
    shown = {
        label: rows for label, rows in mine.items() if label not in hidden and label != AuditEvent._meta.label
    }
    return Tenants(
        Tenant(victim, _keys(mine), words_of(_texts(mine), victim.system.key) - theirs - _of_nobody()),
        Tenant(attacker, _keys(_less(after, between)), theirs),
        words_of(_texts(hidden)) - words_of(_texts(shown)),
    )


def _fill_victim(world: World) -> None:
    # Rows are put in place without their acts. Only the transaction that writes them may seal them: elsewhere an
    # export finds rows that nothing on record explains, and refuses.
    with transaction.atomic():
        _store_and_export(world)
    publish()


def _store_and_export(world: World) -> None:
    store_what_other_parts_store(world)
    store_spans(world.system, uuid4(), spans_of(world))
    assemble_due_traces(limit=10)
    evals.record_eval_run(
        system=world.system, raw=eval_file(), format_name="native", principal=acting(), release="r1"
    )
    task = make_task(world)
    reviews.record_review(
        principal=world.principal("reviewer"), trace=task.trace, decision="reject", reason_code="unclear",
        rationale="rationale-4711-of-a-colleague",
    )  # fmt: skip
    for prepare in (gate, hold, proposed, colleague):
        prepare(world)
    world.token(Scope.READ)
    export(Filled(world, task.trace, timezone.now()))


def _of_nobody() -> frozenset[str]:
    """Return what all auditors read: the server's keys, and events of no system, which hold pseudonyms and digests."""
    events = AuditEvent.objects.filter(system=None)
    told = events.values_list("event_uuid", "actor", "object_id", "object_digest", "payload_commitment")
    return words_of([json.dumps(describe_trust()), *(str(value) for row in told for value in row)])


def _tables() -> list[type[Model]]:
    return [*our_models(), User]


Rows = dict[str, dict[str, str]]  # label of a model -> key of a row -> all that it says


def _rows() -> Rows:
    """Return every row there is, as text."""
    found: Rows = {}
    with connection.cursor() as cursor:
        for model in _tables():
            if model.__name__ in _OF_ALL:
                continue
            cursor.execute(
                f'SELECT "{model._meta.pk.column}"::text, one::text FROM {model._meta.db_table} AS one'
            )
            found[model._meta.label] = dict(cursor.fetchall())
    return found


def _less(rows: Rows, without: Rows) -> Rows:
    return {
        label: {key: text for key, text in those.items() if key not in without.get(label, {})}
        for label, those in rows.items()
    }


def _keys(rows: Rows) -> dict[str, list[str]]:
    return {label: list(those) for label, those in rows.items()}


def _texts(rows: Rows) -> Iterable[str]:
    return (text for those in rows.values() for text in those.values())


def words_of(texts: Iterable[str], *names: str) -> frozenset[str]:
    """Return what tells whose a text is: ids, digests, names with a number in them, what contains one of `names`."""
    found = {word.replace("-", "") for text in texts for word in _WORD.findall(text)}
    plain = tuple(name.replace("-", "") for name in names)
    return frozenset(
        word
        for word in found
        if len(word) >= _SHORTEST
        and not _DATE.fullmatch(word)
        and (
            any(sign.isdigit() for sign in word) or not word.isascii() or any(name in word for name in plain)
        )
    )


def callers_of(tenants: Tenants) -> list[Caller]:
    """Return everybody who asks: people of each role on both sides, tokens of every kind, and nobody."""
    victim, attacker = tenants.victim.world, tenants.attacker.world
    own = [Caller(f"own {role}", "own", role, session_of(victim.people[role])) for role in ROLES]
    others = [Caller(f"other {role}", "other", role, session_of(attacker.people[role])) for role in ROLES]
    mighty = attacker.join("of-all-roles", *ROLES)
    root = User.objects.create_superuser("root-of-another-system")
    memberships.grant_membership(principal=principal_of_command_line(), system=attacker.system, user=root)
    return [
        *own,
        Caller("own token of every scope", "own", "researcher", bearer(victim.token(*Scope))),
        *others,
        Caller("other person of every role", "other", "", session_of(mighty)),
        Caller("other superuser", "other", "", session_of(root)),
        Caller("other token of every scope", "other", "", bearer(attacker.token(*Scope))),
        Caller("person without a system", "other", "", session_of(make_person("lonely", *ROLES))),
        *_used_up(victim),
        Caller("made-up token", "nobody", "", bearer("tb_" + "0" * 43)),
        Caller("anonymous", "nobody"),
    ]


def _used_up(world: World) -> list[Caller]:
    """Return tokens of the victim that open nothing any more: revoked, expired, of somebody who left or lost a role."""
    found = []
    for how in ("revoked", "expired", "whose owner left", "whose owner lost the role"):
        owner = world.join(f"formerly-{how.replace(' ', '-')}", "author")
        issued = tokens.issue_token(
            principal=principal_of_command_line(), name=how, owner=owner, scopes=[Scope.READ, Scope.IMPORT],
            systems=[world.system], expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
        token = AccessToken.objects.filter(pk=issued.token.pk)
        if how == "revoked":
            tokens.revoke_token(principal=principal_of_command_line(), token=token.get())
        elif how == "expired":
            set_expiry(issued.token, timezone.now() - timedelta(minutes=1))
        elif how == "whose owner left":
            owner.memberships.get().delete()
        else:
            owner.groups.remove(Group.objects.get(name="author"))
        found.append(Caller(f"token {how}", "nobody", "", bearer(issued.text)))
    return found


# What comes with a reading too: a moment that is fixed, and payload of a sign-in that failed.
_MOVING: Final = {"AuditPayload", "OpenBinding", "Moment"}
# Noted with whatever a token asks.
_NOTED: Final[Mapping[type[Model], list[str]]] = {AccessToken: ["last_used_at", "last_used_for"]}
_PAIRS: Final = (AccessToken.systems.through, User.groups.through)


def state_of_the_store(labels: Collection[str] | None = None) -> dict[str, str]:
    """Return a digest of each table: what a request that may write nothing must leave as it was.

    Of the audit log only what is of a system counts: a sign-in that failed is on record, and of none.

    Args:
        labels: of the models to look at, by default all.
    """
    looks = _looks()
    parts = [looks[label] for label in (looks if labels is None else labels)]
    if not parts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


@cache
def _looks() -> dict[str, str]:
    """Return how each table is looked at: a query of its label and digest."""
    looks = {}
    for model in _tables():
        table, label, only = model._meta.db_table, model._meta.label, ""
        if model is AuditEvent:
            only = "WHERE system_id IS NOT NULL"
        elif model.__name__ in _MOVING | _OF_ALL:
            continue
        noted = _NOTED.get(model)
        row = f"md5((to_jsonb(one) - ARRAY{noted})::text)" if noted else "md5(one::text)"
        looks[label] = (
            f"SELECT '{label}', count(*) || coalesce(md5(string_agg({row}, '' ORDER BY {row})), '')"
            f" FROM {table} AS one {only}"
        )
    for pairs in _PAIRS:
        looks[pairs._meta.label] = (
            f"SELECT '{pairs._meta.label}', coalesce(string_agg(one::text, '' ORDER BY one::text), '')"
            f" FROM {pairs._meta.db_table} AS one"
        )
    return looks


@dataclass
class StoreWatch:
    """Tells which tables are others than at the last look.

    Where all that is asked is carried out in one transaction of this connection, as `in_process` does it, PostgreSQL
    counts what that wrote, also what it took back: a table without more of it is not read again, which each time
    would take longer than most requests. A copy that runs by itself is read whole.
    """

    seen: dict[str, str]
    written: dict[str, int]

    @classmethod
    def begin(cls) -> StoreWatch:
        """Look at everything."""
        return cls(state_of_the_store(), rows_written())

    def again(self) -> StoreWatch:
        """Return another that begins now, where all is as when this one began."""
        return StoreWatch(dict(self.seen), rows_written())

    def changed(self) -> list[str]:
        """Return the labels of the models whose rows are others than at the last look; this is the next."""
        written = rows_written()
        looks = state_of_the_store(_written_between(self.written, written))
        before, self.seen, self.written = self.seen, {**self.seen, **looks}, written
        return sorted(label for label, digest in looks.items() if digest != before[label])


def rows_written() -> dict[str, int]:
    """Return how many rows of each table this transaction wrote, by label; nothing where there is none."""
    if not connection.in_atomic_block:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(whole.relname, one.relname), sum(pg_stat_get_xact_tuples_inserted(one.oid)"
            " + pg_stat_get_xact_tuples_updated(one.oid) + pg_stat_get_xact_tuples_deleted(one.oid))::bigint"
            " FROM pg_class AS one LEFT JOIN pg_inherits ON inhrelid = one.oid LEFT JOIN pg_class AS whole"
            " ON whole.oid = inhparent WHERE one.relnamespace = 'public'::regnamespace AND one.relkind = 'r' GROUP BY 1"
        )
        written = dict(cursor.fetchall())
    return {model._meta.label: written[model._meta.db_table] for model in (*_tables(), *_PAIRS)}


def _written_between(before: Mapping[str, int], after: Mapping[str, int]) -> list[str] | None:
    """Return the labels of the models to look at again; None for all."""
    if not after:
        return None
    return [label for label in _looks() if after[label] != before.get(label)]


def unwatched() -> list[type[Model]]:
    """Return the models that no look is at: their rows may come with a reading, too."""
    return [model for model in _tables() if model._meta.label not in _looks()]
