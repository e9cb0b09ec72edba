"""Citations with their verdicts, and the text of every document cited, so that a verdict can be replayed offline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evidence.any_of import any_of_keys
from evidence.binder.files import BinderFile, json_lines_file
from evidence.models import Citation, SourceDocument
from evidence.selectors.binder.shapes import (
    Shape,
    id_column,
    json_column,
    number_column,
    text_column,
    write_line,
)
from evidence.selectors.binder.trace_scope import TracePages

CITATIONS_PATH = "citations/citations.jsonl"
_CITATION: Final = Shape(
    {
        "id": text_column("pk"),
        "traceId": id_column("claim__trace__trace_id"),
        "traceRevision": "claim__trace__revision",
        "claim": "claim__ordinal",
        "ordinal": "ordinal",
        "document": "document_ref",
        "documentDigest": "document__digest",
        "indexKey": "document__index_version__artefact__key",
        "indexDigest": "document__index_version__digest",
        "quote": "quote",
        "docStart": "doc_start",
        "docEnd": "doc_end",
        "verdict": "verdict",
        "score": number_column("score"),
        "threshold": number_column("threshold"),
        "foundIn": "found_in__document_id",
        "reason": "reason",  # null, as what follows: it was checked before verdicts kept their reason
        "reasonTerms": json_column("reason_terms"),
        "nearestStart": "nearest_start",
        "nearestEnd": "nearest_end",
        "nearestText": "nearest_text",
        "checkerVersion": "checker_version",
        "inputsDigest": "inputs_digest",
    }
)
_SOURCE: Final = Shape(
    {
        "document": "document_id",
        "index": "index_version__artefact__key",
        "indexDigest": "index_version__digest",
        "title": "title",
        "language": "language",
        "digest": "digest",
        "text": "text",
    }
)
_DOCUMENTS: Final = 20  # held in memory at a time: one can be long
_READ_AT_ONCE: Final = 500  # rows


def citation_files(pages: TracePages) -> Iterator[BinderFile]:
    """Yield the citations of the traces in scope, and the documents they cite."""
    yield json_lines_file(
        CITATIONS_PATH,
        lambda: _citations(pages),
        title="Citations / 引文",
        schema="citation",
        population="citations",
    )
    yield json_lines_file(
        "citations/sources.jsonl",
        lambda: _sources(pages),
        title="Text of the documents cited / 被引文档正文",
        population="cited-documents",
    )


def _citations(pages: TracePages) -> Iterator[bytes]:
    for traces in pages:
        rows = Citation.objects.filter(any_of_keys("claim__trace_id", traces)).order_by("pk")
        for values in rows.values_list(*_CITATION.columns).iterator(chunk_size=_READ_AT_ONCE):
            yield write_line(_CITATION.document(values))


def _sources(pages: TracePages) -> Iterator[bytes]:
    """Yield each document once, by primary key; only the keys are held in memory."""
    cited: set[int | None] = set()
    for traces in pages:
        rows = Citation.objects.filter(any_of_keys("claim__trace_id", traces))
        for keys in rows.values_list("document_id", "found_in_id").distinct():
            cited.update(keys)
    ordered = sorted(key for key in cited if key is not None)
    for begin in range(0, len(ordered), _DOCUMENTS):
        documents = SourceDocument.objects.filter(pk__in=ordered[begin : begin + _DOCUMENTS])
        for values in documents.order_by("pk").values_list(*_SOURCE.columns):
            yield write_line(_SOURCE.document(values))
