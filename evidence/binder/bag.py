"""A BagIt 1.0 bag (RFC 8493) in a ZIP64, written front to back without holding a file in memory.

Order in the ZIP: the payload as the sections give it, its schemas, the front page, the RO-Crate, the
manifests, and last the attestations, because each is made of digests of what stands before it. Dates in the
ZIP are constant, so the same files give the same bytes (with the same zlib; the bag inside, with any).
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, cast

from stream_zip import ZIP_64, Method, stream_zip

from evidence.binder.contents import Contents, manifest_lines
from evidence.binder.crate import CRATE_PATH, crate_metadata
from evidence.binder.deflate import DeflateBeside
from evidence.binder.dsse import BinderSigner, seal_envelope
from evidence.binder.files import HTML_TYPE, BinderFile
from evidence.binder.front_page import front_page
from evidence.binder.schemas import schema_file
from evidence.binder.statement import (
    FORMAT_VERSION,
    TAG_MANIFEST,
    BinderFacts,
    binder_statement,
    container_statement,
    iso_utc,
)
from evidence.digests import sha256_hex

BAGIT_TXT: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
ZIP_DATE: Final = datetime(1980, 1, 1)  # noqa: DTZ001  # ZIP dates have no zone; the first date the format has
_MODE: Final = stat.S_IFREG | 0o644
_OF_DIGEST: Final = 12  # digits of the ZIP's digest in its file name

Member = tuple[str, Iterable[bytes]]
ZipMember = tuple[str, datetime, int, Method, Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class LogProof:
    """That this export is in the log: the entry's exact bytes, and the C2SP tlog-proof of its inclusion.

    `timestamp` is the RFC 3161 response over the text of the proof's checkpoint, where there is one.
    """

    entry: bytes
    proof: bytes
    timestamp: bytes | None = None


Prover = Callable[[bytes], LogProof | None]


@dataclass(frozen=True, slots=True)
class WrittenBinder:
    """What came out. `digest` is the SHA-256 of the ZIP, `statement_digest` that of the signed statement."""

    file_name: str  # two exports of one scope have one folder, and are told apart by the digest in this
    digest: str
    size: int  # bytes of the ZIP
    n_files: int  # payload files
    statement: bytes
    statement_digest: str
    tag_manifest_digest: str  # what the statement is about
    sidecar: bytes
    logged: bool


def no_log(_: bytes) -> LogProof | None:
    """Prove nothing: for a binder written before there is a log."""
    return None


def write_binder(
    files: Iterable[BinderFile],
    *,
    facts: BinderFacts,
    signers: Sequence[BinderSigner],
    sink: Callable[[bytes], object],
    prove: Prover = no_log,
) -> WrittenBinder:
    """Write one binder to `sink`, chunk by chunk, and return its digests and its sidecar.

    Args:
        files: the payload; each file's chunks are read once, in this order.
        signers: at least one; each signs the statement and the sidecar.
        sink: takes the ZIP's bytes in order, e.g. the `write` of an open file.
        prove: called with the signed statement's bytes once they are known; returns the log proof or None.

    Raises:
        UnsafePath: a path that is unsafe or taken.
        UnknownSchema: a file names a schema that does not exist.
    """
    work = _Work(facts=facts, signers=signers, prove=prove, contents=Contents())
    digest, size = hashlib.sha256(), 0
    for chunk in _packed(_zip_members(work, files)):
        digest.update(chunk)
        size += len(chunk)
        sink(chunk)
    outer = container_statement(facts=facts, zip_digest=digest.hexdigest())
    return WrittenBinder(
        file_name=f"{facts.name}-{digest.hexdigest()[:_OF_DIGEST]}.zip",
        digest=digest.hexdigest(),
        size=size,
        n_files=len(work.contents.listings),
        statement=work.statement,
        statement_digest=sha256_hex(work.statement),
        tag_manifest_digest=work.tag_manifest_digest,
        sidecar=seal_envelope(outer, signers),
        logged=work.logged,
    )


@dataclass(slots=True)
class _Work:
    facts: BinderFacts
    signers: Sequence[BinderSigner]
    prove: Prover
    contents: Contents
    statement: bytes = b""
    tag_manifest_digest: str = ""
    logged: bool = False


def _packed(members: Iterator[ZipMember]) -> Iterator[bytes]:
    with ThreadPoolExecutor(1, "deflate") as thread:
        # Typed as zlib's own class, of which it needs the two methods alone.
        deflate = cast("Callable[[], Any]", partial(DeflateBeside, thread))
        yield from stream_zip(members, get_compressobj=deflate, extended_timestamps=False)


def _zip_members(work: _Work, files: Iterable[BinderFile]) -> Iterator[ZipMember]:
    for path, chunks in _members(work, files):
        yield f"{work.facts.name}/{path}", ZIP_DATE, _MODE, ZIP_64, chunks


def _members(work: _Work, files: Iterable[BinderFile]) -> Iterator[Member]:
    contents = work.contents
    schemas: set[str] = set()
    for file in files:
        schemas.update({file.schema} - {""})
        yield _payload(contents, file)
    for name in sorted(schemas):
        yield _payload(contents, schema_file(name))
    yield _payload(contents, _front_page_file(work))
    yield _payload(contents, _crate_file(work))
    yield from _tag_files(work)


def _payload(contents: Contents, file: BinderFile) -> Member:
    return f"data/{contents.claim(file.path)}", contents.record(file)


def _front_page_file(work: _Work) -> BinderFile:
    page = front_page(work.facts, work.contents)
    return BinderFile(path="index.html", chunks=(page,), media_type=HTML_TYPE, title="Front page / 首页")


def _crate_file(work: _Work) -> BinderFile:
    crate = crate_metadata(work.facts, work.contents.listings)
    return BinderFile(
        path=CRATE_PATH, chunks=(crate,), media_type="application/ld+json", title="RO-Crate description"
    )


def _tag_files(work: _Work) -> Iterator[Member]:
    manifest = work.contents.manifest()
    tags = {
        "bag-info.txt": _bag_info(work),
        "bagit.txt": BAGIT_TXT,
        "manifest-sha256.txt": manifest,
    }
    tag_manifest = manifest_lines([(name, sha256_hex(content)) for name, content in tags.items()])
    for name, content in (*tags.items(), (TAG_MANIFEST, tag_manifest)):
        yield name, (content,)
    work.tag_manifest_digest = sha256_hex(tag_manifest)
    work.statement = binder_statement(
        facts=work.facts,
        tag_manifest_digest=work.tag_manifest_digest,
        populations=work.contents.populations,
        requirements=work.contents.requirements,
    )
    yield "attest/binder.intoto.jsonl", (seal_envelope(work.statement, work.signers),)
    logged = work.prove(work.statement)
    if logged is not None:
        work.logged = True
        yield "attest/binder.log-entry.json", (logged.entry,)
        yield "attest/binder.tlog-proof", (logged.proof,)
        if logged.timestamp is not None:
            yield "attest/binder.tsr", (logged.timestamp,)


def _bag_info(work: _Work) -> bytes:
    listings = work.contents.listings
    rows = {
        "External-Identifier": work.facts.binder_id.urn,
        "Payload-Oxum": f"{sum(listing.size for listing in listings)}.{len(listings)}",
        "Bagging-Date": iso_utc(work.facts.as_of)[:10],
        "Binder-Format": FORMAT_VERSION,
    }
    return "".join(f"{label}: {value}\n" for label, value in rows.items()).encode()
