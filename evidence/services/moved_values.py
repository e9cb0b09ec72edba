"""Which values requests moved out of rows, as the requests themselves prove.

A row names a moved value by digest, and what stands in a row was once written by a sender. So its word alone opens no
blob and removes none: a digest counts only where the request that brought the row had those very bytes in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

import orjson
from django.db import connection

from evidence.digests import sha256_hex
from evidence.models import IngestBatch
from evidence.otlp.body import PlainBody
from evidence.otlp.decode import decode_traces
from evidence.otlp.errors import OtlpError
from evidence.otlp.records import Encoding, Signal, SpanRecord
from evidence.otlp.remainder import NO_LIMITS
from evidence.services.blobs import GONE, read_what_is_left

# Rows that name a digest, one a request, with what that request moved. There is no index for it: ingest would pay.
_NAMED_BY: Final = """
SELECT DISTINCT ON (batch.id) held.system_id, held.trace_id, batch.id, batch.moved FROM (
    SELECT system_id, trace_id::text, batch_id, NULL::bigint AS refused,
        concat(attributes::text, events::text, links::text, resource::text, scope::text) AS content
    FROM evidence_span
    UNION ALL SELECT system_id, trace_id, batch_id, id, item::text FROM evidence_reject
    WHERE item IS NOT NULL AND batch_id IS NOT NULL
) AS held JOIN evidence_ingestbatch AS batch ON batch.id = held.batch_id
WHERE strpos(content, 'sha256:' || %(digest)s) > 0 AND coalesce(refused <> ALL(%(but_refused)s), true) AND NOT (
    coalesce(system_id = %(but_system)s, true) AND replace(trace_id, '-', '') = ANY(%(but_traces)s))
    AND (batch.moved IS NULL OR %(digest)s = ANY(batch.moved))
ORDER BY batch.id
"""
# Of requests from before they said what they moved, their rows have to say it.
_MAY_BE_VALUES: Final = """
SELECT DISTINCT digest FROM evidence_ingestbatch AS batch CROSS JOIN LATERAL unnest(batch.moved) AS digest
WHERE batch.moved && %(digests)s::varchar[] AND digest = ANY(%(digests)s)
UNION SELECT DISTINCT named[1] FROM (
    SELECT batch_id, concat(attributes::text, events::text, links::text, resource::text, scope::text) AS content
    FROM evidence_span
    UNION ALL SELECT batch_id, item::text FROM evidence_reject WHERE item IS NOT NULL
) AS held JOIN evidence_ingestbatch AS batch ON batch.id = held.batch_id AND batch.moved IS NULL
CROSS JOIN LATERAL regexp_matches(content, 'sha256:([0-9a-f]{64})', 'g') AS named
WHERE named[1] = ANY(%(digests)s)
"""


@dataclass(frozen=True, slots=True)
class MovedValues:
    """What a request moved."""

    digests: frozenset[str]
    known: bool = True  # False: it is of before this was kept, and its body is gone

    def has(self, digest: str) -> bool:
        """Whether it is proven that the request had these bytes."""
        return digest in self.digests

    def may_have(self, digest: str) -> bool:
        """Whether it is not disproven."""
        return not self.known or digest in self.digests


NOTHING_MOVED: Final = MovedValues(frozenset())


def moved_by(batch_ids: Collection[int]) -> Mapping[int, MovedValues]:
    """Return what each request moved; one that there is not, nothing."""
    batches = IngestBatch.objects.filter(pk__in=batch_ids)
    found = dict.fromkeys(batch_ids, NOTHING_MOVED)
    for batch in batches.only("moved", "signal", "encoding", "body_digest"):
        found[batch.pk] = _moved_by(batch)
    return found


def digests_in(span: SpanRecord) -> Iterator[str]:
    """Yield the digest of each attribute value of a span as its request had it, whether it was moved or not."""
    parts = (*orjson.loads(span.events), *orjson.loads(span.links), orjson.loads(span.scope))
    holders = [part.get("attributes", {}) for part in parts]
    for attributes in (orjson.loads(span.attributes), orjson.loads(span.resource), *holders):
        for value in attributes.values():
            yield sha256_hex(value.encode() if isinstance(value, str) else orjson.dumps(value))


def may_be_values(digests: Collection[str]) -> set[str]:
    """Return those that a request moved, or may have moved: `find_user_of_value` says whether somebody has them still.

    Costs one pass over the requests for all of them, where that question costs one over the spans for each.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MAY_BE_VALUES, {"digests": list(digests)})
        return {digest for (digest,) in cursor.fetchall()}


def find_user_of_value(
    digest: str, *, but: tuple[int, Sequence[UUID]] | None = None, but_refused: Sequence[int] = ()
) -> tuple[int | None, str] | None:
    """Return system and trace id of a span, or refused span, whose value was moved out under this digest.

    Where an older request's body is gone, its span's word has to do: better a value stays that nobody has.

    Args:
        but: traces that do not count, with their system; so do refused spans of it whose system cannot be told.
        but_refused: keys of refused spans that do not count.
    """
    system_id, traces = but or (None, ())
    asked = {
        "digest": digest,
        "but_refused": list(but_refused),
        "but_system": system_id,
        "but_traces": [trace_id.hex for trace_id in traces],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NAMED_BY, asked)
        for user_system, trace_id, batch_id, moved in cursor.fetchall():
            if moved is not None or moved_by([batch_id])[batch_id].may_have(digest):
                return user_system, trace_id.replace("-", "")
    return None


def _moved_by(batch: IngestBatch) -> MovedValues:
    if batch.moved is not None:
        return MovedValues(frozenset(batch.moved))
    if batch.signal != Signal.TRACES:
        return NOTHING_MOVED
    try:
        body = PlainBody(read_what_is_left(batch.body_digest), cast("Encoding", batch.encoding))
        return MovedValues(frozenset(_values_in(body)))
    except (*GONE, OtlpError):
        return MovedValues(frozenset(), known=False)


def _values_in(body: PlainBody) -> Iterator[str]:
    """Yield the digest of each value in a body that could have been moved, whatever the limit was then."""
    for span in decode_traces(body, NO_LIMITS).spans:
        yield from digests_in(span)
