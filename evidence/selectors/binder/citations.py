"""Citations with their verdicts, and the text of every document cited, so that a verdict can be replayed offline."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from evidence.binder.files import BinderFile, json_lines_file
from evidence.models import Citation, SourceDocument
from evidence.selectors.binder.scope import BinderScope, read_by_keyset
from evidence.selectors.binder.traces import traces_in_scope

CITATIONS_PATH = "citations/citations.jsonl"


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
    rows = Citation.objects.filter(claim__trace__in=traces_in_scope(scope)).select_related(
        "claim__trace", "document__index_version__artefact", "found_in"
    )
    return (_citation(row) for row in read_by_keyset(rows))


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
    cited = Citation.objects.filter(claim__trace__in=traces_in_scope(scope))
    documents = SourceDocument.objects.filter(
        Exists(cited.filter(document=OuterRef("pk"))) | Exists(cited.filter(found_in=OuterRef("pk")))
    ).select_related("index_version__artefact")
    for document in read_by_keyset(documents, size=20):
        yield {
            "document": document.document_id,
            "index": document.index_version.artefact.key,
            "indexDigest": document.index_version.digest,
            "title": document.title,
            "language": document.language,
            "digest": document.digest,
            "text": document.text,
        }
