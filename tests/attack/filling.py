"""A row in every append-only table: by the services where they write one, by hand where not."""

from __future__ import annotations

from django.db import connection
from django.test import Client

from evidence.models import Blob, BlobRemoval, Erasure, Scope
from tests.attack.wire import bearer
from tests.evidence.binder_world import fill
from tests.evidence.filled import Filler
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.factories import make_world
from tests.invariants.test_13_the_log_binds_every_row import BOUND


def fill_every_table() -> None:
    """Fill an empty database."""
    world = make_world()
    fill(world)
    filler = Filler(connection.connection)
    for model in BOUND:
        if model is not BlobRemoval and not model._default_manager.exists():
            filler.fill(model._meta.db_table, 1)
    filler.fill(Erasure._meta.db_table, 1)
    BlobRemoval.objects.create(
        blob=Blob.objects.earliest("pk"), erasure=Erasure.objects.earliest("pk"), removed_by="system:test"
    )
    body = make_request(make_span(), make_span(span_id=bytes(range(8)))).SerializeToString()
    Client().post("/v1/traces", body, content_type=PROTOBUF, headers=bearer(world.token(Scope.INGEST)))
