"""Citations with their verdicts, and the text of every document cited, so that a verdict can be replayed offline."""

from __future__ import annotations

from collections.abc import Iterator

from evidence.binder.files import BinderFile, json_lines_file
from evidence.models import Citation, SourceDocument
from evidence.selectors.binder.scope import BinderScope
from evidence.selectors.binder.traces import trace_pages

CITATIONS_PATH = "citations/citations.jsonl"
# All that a citation's line holds: the texts and times that its rows lead to would be most of the work.
_READ = (
    "document_ref", "ordinal", "quote", "doc_start", "doc_end", "verdict", "score", "threshold", "checker_version",
    "inputs_digest", "claim__ordinal", "claim__trace__trace_id", "claim__trace__revision", "document__digest",
    "document__index_version__digest", "document__index_version__artefact__key", "found_in__document_id",
)  # fmt: skip
_DOCUMENTS = 20  # held in memory at a time: one can be long


def citation_files(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield the citations of the traces in scope, and the documents they cite."""
    yield json_lines_file(
        CITATIONS_PATH,
        lambda: _citations(scope),
        title="Citations / 引文",
        schema="citation",
        population="citations",
    )
    yield json_lines_file(
        "citations/sources.jsonl",
        lambda: _sources(scope),
        title="Text of the documents cited / 被引文档正文",
        population="cited-documents",
    )


def _citations(scope: BinderScope) -> Iterator[dict[str, object]]:
    for traces in trace_pages(scope):
        rows = (
            Citation.objects.filter(claim__trace__in=traces)
            .select_related("claim__trace", "document__index_version__artefact", "found_in")
            .only(*_READ)
        )
        yield from (_citation(row) for row in rows.order_by("pk"))


def _citation(row: Citation) -> dict[str, object]:
    document, trace = row.document, row.claim.trace
    return {
        "id": str(row.pk),
        "traceId": trace.trace_id.hex,
        "traceRevision": trace.revision,
        "claim": row.claim.ordinal,
        "ordinal": row.ordinal,
        "document": row.document_ref,
        "documentDigest": document.digest if document else None,
        "indexKey": document.index_version.artefact.key if document else None,
        "indexDigest": document.index_version.digest if document else None,
        "quote": row.quote,
        "docStart": row.doc_start,
        "docEnd": row.doc_end,
        "verdict": row.verdict,
        "score": row.score,
        "threshold": row.threshold,
        "foundIn": row.found_in.document_id if row.found_in else None,
        "checkerVersion": row.checker_version,
        "inputsDigest": row.inputs_digest,
    }


def _sources(scope: BinderScope) -> Iterator[dict[str, object]]:
    """Yield each document once, by primary key; only the keys are held in memory."""
    cited: set[int] = set()
    for traces in trace_pages(scope):
        rows = Citation.objects.filter(claim__trace__in=traces)
        for row in rows.only("document", "found_in"):
            cited.update(key for key in (row.document_id, row.found_in_id) if key is not None)
    ordered = sorted(cited)
    for begin in range(0, len(ordered), _DOCUMENTS):
        keys = ordered[begin : begin + _DOCUMENTS]
        documents = SourceDocument.objects.filter(pk__in=keys).select_related("index_version__artefact")
        yield from (_source(document) for document in documents.order_by("pk"))


def _source(document: SourceDocument) -> dict[str, object]:
    return {
        "document": document.document_id,
        "index": document.index_version.artefact.key,
        "indexDigest": document.index_version.digest,
        "title": document.title,
        "language": document.language,
        "digest": document.digest,
        "text": document.text,
    }
