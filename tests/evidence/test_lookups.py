"""What is looked for again and again is found by an index, however much there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from evidence.models import AuditEvent, Reject
from evidence.services.keys.binder_signer import SEAL_VERB, last_rotations
from evidence.vocabulary import RejectSource

pytestmark = pytest.mark.django_db


def rejects_of_a_run() -> QuerySet[Any]:
    """As `requirements.checks.evals` counts them."""
    return Reject.objects.filter(system_id=1, source=RejectSource.EVAL_SAMPLE, source_ref="ci/41")


def sealing_of_a_binder() -> QuerySet[Any]:
    """As `evidence.services.binders` looks for it."""
    return AuditEvent.objects.filter(system=1, verb=SEAL_VERB, object_digest="0" * 64)


@pytest.mark.parametrize(
    ("lookup", "index"),
    [
        (rejects_of_a_run, "evidence_reject_source"),
        (sealing_of_a_binder, "evidence_auditevent_sealed"),
        (last_rotations, "evidence_auditevent_rotated"),
    ],
)
def test_a_lookup_is_answered_from_its_index(lookup: Callable[[], QuerySet[Any]], index: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # the tables of a test are too small for any index
    assert f"using {index}" in lookup().explain() or f"on {index}" in lookup().explain()
