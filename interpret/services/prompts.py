"""The prompts a release was really asked, frozen as a version that a probe can name."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.db import transaction

from evidence.digests import canonical_json, sha256_hex
from evidence.erased import ERASED_TEXT
from evidence.models import ArtefactKind, ArtefactVersion, Release
from evidence.selectors.traces import current_traces
from evidence.services import registry
from evidence.services.assembly import read_first_prompts
from evidence.services.blobs import read_blob, read_blob_file, store_blob
from evidence.vocabulary import PROBE_INPUTS_MEDIA_TYPE
from evidence.worded import worded
from interpret.contracts import ProbeInput
from interpret.errors import BadSpecification
from interpret.services.claims import ClaimedRun

DATASET_KEY = "answer-prompts"
NEWEST = 60  # traces of a release that a dataset takes


def collect_answer_prompts(release: Release) -> tuple[ProbeInput, ...]:
    """Return what the model was asked first in each of the release's newest traces, in the order of trace ids.

    Read as a trace is read when it is sealed, whatever its convention; where it kept no messages, its question stands
    for the prompt. Traces that were asked the same text after different instructions are a cluster, by the first's id;
    those with the same instruction too need none: to a probe they are one text.
    """
    traces = list(current_traces().filter(release=release).order_by("-pk")[:NEWEST])
    prompts = read_first_prompts(traces)
    inputs = []
    for trace in sorted(traces, key=lambda each: each.trace_id.hex):
        instruction, text = prompts.get((trace.system_id, trace.trace_id), ("", ""))
        text = text or trace.question
        if text and text != ERASED_TEXT:
            language = trace.language or "und"  # BCP 47: undetermined
            inputs.append(ProbeInput(trace.trace_id.hex, text, language, instruction=instruction))
    return tuple(_with_same_text_together(inputs))


def _with_same_text_together(inputs: Sequence[ProbeInput]) -> Iterator[ProbeInput]:
    alike: dict[str, list[ProbeInput]] = defaultdict(list)
    for item in inputs:
        alike[item.text].append(item)
    for item in inputs:
        others = alike[item.text]
        differ = len({each.instruction for each in others}) > 1
        yield replace(item, cluster=others[0].id) if differ else item


@transaction.atomic
def store_inputs(
    *, release: Release, inputs: Sequence[ProbeInput], actor: str, key: str = DATASET_KEY
) -> ArtefactVersion:
    """Keep the inputs as a version of the release's dataset; the same inputs are kept once.

    Raises:
        BadSpecification: there are none.
    """
    if not inputs:
        raise BadSpecification(
            worded(
                "Release %(release_name)s has no traces to take prompts from: send some, or give `inputs`.",
                release_name=release.name,
            )
        )
    data = _bytes_of(inputs)
    return registry.ensure_version(
        system=release.system,
        kind=ArtefactKind.PROBE_INPUTS,
        key=key,
        label=f"{release.name}, {len(inputs)} prompts",
        digest=sha256_hex(data),
        actor=actor,
        name="Prompts that probes read",
        metadata={"inputs": len(inputs)},
        blob=store_blob(data, PROBE_INPUTS_MEDIA_TYPE),
    )


def digest_of_inputs(inputs: Sequence[ProbeInput]) -> str:
    """Return the digest of the version that keeps these inputs."""
    return sha256_hex(_bytes_of(inputs))


def read_inputs(version: ArtefactVersion) -> tuple[ProbeInput, ...]:
    """Return the inputs of a dataset version, from bytes that were checked against its digest.

    Raises:
        BadSpecification: the version keeps no bytes.
        BlobMissing, DigestMismatch: as `read_blob`.
    """
    if not version.blob_id:
        raise BadSpecification(
            worded("%(version)s keeps no inputs: a probe cannot read it.", version=version)
        )
    return _inputs_in(read_blob(version.blob_id))


def read_claimed_inputs(run: ClaimedRun) -> tuple[ProbeInput, ...]:
    """Return the inputs of a claimed run, of which its worker may ask the database nothing more; none if it reads none.

    Raises:
        BadSpecification, BlobMissing, DigestMismatch: as `read_inputs` does.
    """
    if not run.dataset_digest:
        return ()
    if not run.dataset_blob:
        raise BadSpecification(
            worded(
                "Dataset %(dataset_digest)s keeps no inputs: a probe cannot read it.",
                dataset_digest=run.dataset_digest,
            )
        )
    return _inputs_in(read_blob_file(run.dataset_blob, removed_at=run.dataset_removed_at))


def _bytes_of(inputs: Sequence[ProbeInput]) -> bytes:
    return canonical_json([item.as_json() for item in inputs])


def _inputs_in(data: bytes) -> tuple[ProbeInput, ...]:
    return tuple(ProbeInput(**item) for item in json.loads(data))
