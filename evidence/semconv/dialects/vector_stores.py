"""Vector stores as OpenLLMetry's instrumentations report them: a query, and an event for each document it found."""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import Dialect, Documents, Operation, OperationNames

VECTOR_STORES: Final = Dialect(
    title="Vector stores",
    operations=OperationNames(
        events=dict.fromkeys(("db.query.result", "db.search.result"), Operation.RETRIEVAL)
    ),
    documents=Documents(
        events={"db.query.result": "db.query.result.", "db.search.result": "db.search.result."}
    ),
)
