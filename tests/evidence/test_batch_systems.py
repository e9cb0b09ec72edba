"""A request is shown to those who are members of every system that it held items of, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.access import Principal, principal_of_command_line, principal_of_token
from evidence.models import AuditEvent, IngestBatch, Reject, Scope
from evidence.services import ingest
from evidence.services.people import memberships, tokens
from tests.evidence.otlp_bodies import JSON, PROTOBUF, START_NS, make_request, make_span
from tests.evidence.test_otlp_logs import EVENT, make_logs
from tests.factories import World, make_person, make_world

MINE, OTHER, BOTH = "credit-assistant", "aml-copilot", "both"
MALFORMED = make_span(span_id=bytes(8))  # refused for what it is, whoever sends it


@dataclass(frozen=True)
class Shared:
    """Two systems, one sender that writes to both, and a person who reads them both."""

    mine: World
    other: World
    sender: Principal
    reader: User

    def send(self, system: str, *spans: Any) -> IngestBatch:
        """Send spans that name this system; none, for a request without any."""
        body = make_request(*spans, system=system) if spans else make_request(system=system)
        return ingest.ingest_traces(
            body=body.SerializeToString(), content_type=PROTOBUF, content_encoding="", principal=self.sender
        ).batch

    def readers(self) -> dict[str, User]:
        """Return who may read: a member of the one, of the other, of both."""
        return {MINE: self.mine.people["auditor"], OTHER: self.other.people["auditor"], BOTH: self.reader}


@pytest.fixture
def shared(world: World) -> Shared:
    other = make_world(OTHER)
    owner, reader = make_person("sender", "author"), make_person("reads-both", "auditor")
    for system in (world.system, other.system):
        for person in (owner, reader):
            memberships.grant_membership(principal=principal_of_command_line(), system=system, user=person)
    issued = tokens.issue_token(
        principal=principal_of_command_line(), name="two", owner=owner, scopes=[Scope.INGEST],
        systems=[world.system, other.system], expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    return Shared(world, other, principal_of_token(issued.token), reader)


def listed(person: User, **query: str) -> set[int]:
    """Return the requests that the API lists for a person."""
    api = APIClient()
    api.force_login(person)
    return {row["id"] for row in api.get("/api/v1/batches", query).json()["results"]}


def in_admin(person: User, batch: IngestBatch) -> tuple[bool, bool]:
    """Return whether the admin lists a request for a person, and opens it."""
    client = Client()
    client.force_login(person)
    rows = client.get(reverse("admin:evidence_ingestbatch_changelist")).context["cl"].result_list
    page = client.get(reverse("admin:evidence_ingestbatch_change", args=[batch.pk]))
    return batch in rows, page.status_code == 200


def test_a_request_wholly_of_one_system_is_shown_to_its_people_alone(shared: Shared) -> None:
    batch = shared.send(OTHER, make_span(), MALFORMED)
    assert (batch.n_accepted, batch.n_rejected) == (1, 1)
    for whose, person in shared.readers().items():
        mine = whose != MINE
        assert (batch.pk in listed(person), *in_admin(person, batch)) == (mine,) * 3, whose


def send_two(shared: Shared, second: str = OTHER) -> IngestBatch:
    body = make_request(make_span())
    body.MergeFrom(make_request(make_span(span_id=bytes(range(2, 10))), system=second))
    return ingest.ingest_traces(
        body=body.SerializeToString(), content_type=PROTOBUF, content_encoding="", principal=shared.sender
    ).batch


SEVERAL: dict[str, Callable[[Shared], IngestBatch]] = {
    "of two systems": send_two,
    "of one, and one that names no system": lambda shared: send_two(shared, ""),
    "of one, and one of a system that the token does not write to": lambda shared: send_two(shared, "else"),
    "all refused, naming no system": lambda shared: shared.send("", make_span()),
    "empty": lambda shared: shared.send(MINE),
}


@pytest.mark.parametrize("send", SEVERAL.values(), ids=SEVERAL.keys())
def test_a_request_that_may_speak_of_both_is_shown_to_who_has_both(
    shared: Shared, send: Callable[[Shared], IngestBatch]
) -> None:
    batch = send(shared)
    for whose, person in shared.readers().items():
        assert (batch.pk in listed(person), *in_admin(person, batch)) == (whose == BOTH,) * 3, whose


def test_a_refusal_in_a_shared_request_is_still_shown_to_its_own_people(shared: Shared) -> None:
    shared.send(MINE, make_span())
    send_two(shared)  # a duplicate of mine
    clash = make_request(make_span(start_time_unix_nano=START_NS - 1))
    clash.MergeFrom(make_request(make_span(span_id=bytes(range(3, 11))), system=OTHER))
    batch = ingest.ingest_traces(
        body=clash.SerializeToString(), content_type=PROTOBUF, content_encoding="", principal=shared.sender
    ).batch
    assert Reject.objects.get().system == shared.mine.system
    api = APIClient()
    api.force_login(shared.mine.people["auditor"])
    assert len(api.get("/api/v1/rejects").json()["results"]) == 1
    assert batch.pk not in listed(shared.mine.people["auditor"])


def test_evaluation_events_are_told_apart_as_spans_are(shared: Shared) -> None:
    batch = ingest.ingest_logs(
        body=make_logs(EVENT).replace(MINE.encode(), OTHER.encode()),
        content_type=JSON,
        content_encoding="",
        principal=shared.sender,
    ).batch
    assert (batch.n_accepted, batch.n_rejected) == (1, 0)
    assert [batch.pk in listed(person) for person in shared.readers().values()] == [False, True, True]


def test_the_filter_by_system_finds_what_held_items_of_it(shared: Shared) -> None:
    one = shared.send(MINE, make_span())
    other = shared.send(OTHER, make_span(trace_id=bytes([7] * 16)))
    two = send_two(shared).pk
    assert listed(shared.reader, system=MINE) == {one.pk, two}
    assert listed(shared.reader, system=OTHER) == {other.pk, two}
    assert listed(shared.mine.people["auditor"], system=MINE) == {one.pk}
    stranger = make_world("third").people["auditor"]
    for key in (MINE, "no-such-system"):
        assert listed(stranger, system=key) == set()


def test_the_event_of_a_request_of_one_system_is_that_systems(shared: Shared) -> None:
    shared.send(OTHER, make_span())
    assert AuditEvent.objects.get(verb="ingest_batch.stored").system == shared.other.system


def test_a_request_of_a_token_that_writes_to_nothing_is_nobodys(shared: Shared) -> None:
    nothing = replace(shared.sender, system_ids=frozenset())
    batch = replace(shared, sender=nothing).send(MINE, make_span())
    assert (batch.n_accepted, batch.system_ids) == (0, [])
    assert not [whose for whose, person in shared.readers().items() if batch.pk in listed(person)]


@pytest.mark.django_db(transaction=True)
def test_an_old_request_is_shown_to_who_has_all_systems_of_its_token(shared: Shared) -> None:
    batch = shared.send(OTHER, make_span())
    fill = import_module("evidence.migrations.0007_batch_systems").FILL
    added = "UPDATE evidence_ingestbatch SET system_ids = '{0}'"  # as the column is added
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")  # a migration runs as the owner
        cursor.execute(f"ALTER TABLE evidence_ingestbatch DISABLE TRIGGER USER; {added}")
        cursor.execute(fill.format(after=0, step=2**31))
        cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')
    assert [batch.pk in listed(person) for person in shared.readers().values()] == [False, False, True]
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("RESET ROLE; UPDATE evidence_ingestbatch SET n_items = 0")
