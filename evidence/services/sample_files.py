"""All that an auditor needs to draw a sample again offline, as one file: documents, log entries and their proofs."""

from __future__ import annotations

from evidence.digests import canonical_json
from evidence.models import SampleDraw
from evidence.sampling import FILE_FORMAT
from evidence.selectors.log_proofs import prove_event_inclusion
from evidence.selectors.sampling import document_of, draw_document_of, event_of
from evidence.services.blobs import read_blob


def sample_file(draw: SampleDraw) -> bytes:
    """Return the file that `tracebinder redraw` reads (docs/reference/sampling.md).

    Each document stands in it as text: digests are over these very bytes.

    Raises:
        BlobMissing, DigestMismatch: the list of the answers is not there, or not as it was frozen.
    """
    plan, size = draw.population.plan, draw.checkpoint.size
    events = {"plan": event_of(plan), "population": event_of(draw.population)}
    logged = {
        name: {
            "entry": bytes(event.entry).decode(),
            "proof": prove_event_inclusion(event, size=size).to_text(),
        }
        for name, event in events.items()
    }
    return canonical_json(
        {
            "format": FILE_FORMAT,
            "plan": canonical_json(document_of(plan)).decode(),
            "population": read_blob(draw.population.answers_id).decode(),
            "draw": canonical_json(draw_document_of(draw)).decode(),
            "log": logged,
        }
    )
