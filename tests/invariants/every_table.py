"""A row in every append-only table, for what walks all of them."""

from __future__ import annotations

from django.db import connection, transaction
from rest_framework.test import APIClient

from evidence.models import AuditEvent, Blob, BlobRemoval, Erasure, Scope
from evidence.models.base import AppendOnlyModel
from evidence.row_schemas import bound_models
from evidence.services import audit
from tests.evidence.binder_world import fill
from tests.evidence.filled import Filler
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.evidence.test_log_api import publish
from tests.factories import World, make_world

BOUND = list(bound_models())


def fill_every_table() -> World:
    """Store a row in every table, with an event of its system beside it; where services leave none, by hand."""
    world = make_world()
    fill(world)
    # Spans as they are sent, whose digests are over their content, and one that is refused.
    spans = [make_span(), make_span(span_id=bytes(range(8))), make_span(span_id=b"short")]
    body = make_request(*spans).SerializeToString()
    answer = APIClient().post("/v1/traces", body, content_type=PROTOBUF, **world.headers(Scope.INGEST))
    assert answer.status_code == 200
    publish()  # what is drawn from a checkpoint needs one, which the log alone writes
    filler = Filler(connection.connection)
    of_events = AuditEvent.objects.filter(system=world.system).values("xact_id")
    tables: list[type[AppendOnlyModel]] = [Erasure, *BOUND]
    for model in tables:  # a removal of a blob has one cause, which is this erasure
        if not model._default_manager.filter(xact_id__in=of_events).exists():
            with transaction.atomic():
                row = remove_a_blob() if model is BlobRemoval else _fill(filler, model)
                audit.record(verb="row.filled", actor="system:test", obj=row, system=world.system)
    assert all(model._default_manager.filter(xact_id__in=of_events).exists() for model in BOUND)
    return world


def _fill(filler: Filler, model: type[AppendOnlyModel]) -> AppendOnlyModel:
    filler.fill(model._meta.db_table, 1, salt="of an event")
    return model._default_manager.order_by("-xact_id")[0]


def remove_a_blob() -> BlobRemoval:
    blob, erasure = Blob.objects.earliest("pk"), Erasure.objects.latest("pk")
    return BlobRemoval.objects.create(blob=blob, erasure=erasure, removed_by="system:test")
