"""Exporting a binder: everything in its scope, sealed in the log, signed, and kept as a blob.

The statement's digest is recorded and sequenced before the ZIP is finished, so that the proof of it travels in the
binder. That event stands even if the export then fails: the next export of the same evidence finds it and carries
the same proof, so that the bytes are the same.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from evidence import acts, clock
from evidence.access import Principal
from evidence.binder.bag import LogProof, WrittenBinder, write_binder
from evidence.binder.files import BinderFile
from evidence.binder.statement import PRODUCER_VERSION, BinderFacts, binder_uuid
from evidence.digests import sha256_hex
from evidence.errors import EvidenceError, InvalidInput, NotFound
from evidence.models import AuditEvent, Binder, Checkpoint, Leaf
from evidence.selectors.binder.audit_slice import last_checkpoint
from evidence.selectors.binder.redactions import is_redacted
from evidence.selectors.binder.scope import AskedScope, BinderScope
from evidence.selectors.log_proofs import export_log_proof
from evidence.services import audit, log
from evidence.services.blobs import blob_store, incoming_file, store_blob_file
from evidence.services.bound_scope import check_scope_is_bound
from evidence.services.keys.binder_signer import (
    SEAL_VERB,
    KeySigner,
    check_not_replaced,
    load_binder_signer,
)
from evidence.services.keys.log_signer import load_log_verifier
from evidence.services.people.pseudonyms import identify_whom_binders_name
from evidence.services.previous_binders import name_previous
from evidence.time_budget import TimeBudget
from evidence.worded import Worded, worded

PRODUCER_ID: Final = "tracebinder"
_LOG_WAIT: Final = 60  # seconds that an export waits for the log to take what it needs
_LOG_PAUSE: Final = 0.2  # seconds


@dataclass(slots=True)
class ExportProgress:
    """How far an export is; another thread may look."""

    n_files: int = 0
    n_bytes: int = 0

    def watch(self, files: Iterable[BinderFile]) -> Iterator[BinderFile]:
        """Yield the files, counting them."""
        for file in files:
            self.n_files += 1
            yield file

    def add(self, n_bytes: int) -> int:
        """Count bytes that were written, and return their number."""
        self.n_bytes += n_bytes
        return n_bytes


class BinderOvertaken(EvidenceError):
    """What is packed changed between the statement about it and the reading; trying again is safe."""

    code = "binder_overtaken"
    http_status = 503
    title = "The evidence changed while it was packed"


def export_binder(
    *, principal: Principal, asked: AskedScope, progress: ExportProgress | None = None
) -> Binder:
    """Write one binder and return its row; the same scope over the same evidence returns the first row.

    Args:
        progress: is told how far it is.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_export_binder` does.
        InvalidInput: the period is empty, `as_of` is in the future, or the release is another system's.
        EvidenceNotAsLogged: something in the scope is not as it was put on record.
        LogBusy: the log did not sign the export in time.
        LogForked: the log does not continue the one that the binder before this proves.
        SignerKeyReplaced: the binder key was replaced meanwhile.
    """
    scope = scope_asked_for(principal, asked)
    path, signer = incoming_file(), load_binder_signer()
    try:
        with blob_store():
            written = _write(scope, path, principal.actor, signer, progress or ExportProgress())
        return _store(scope, path, written, principal.actor, signer)
    finally:
        path.unlink(missing_ok=True)


def scope_asked_for(principal: Principal, asked: AskedScope) -> BinderScope:
    """Return what somebody asks to have packed, once the log has taken what is on record.

    Raises:
        AccessDenied, NotFound, InvalidInput, LogBusy: as `export_binder` does.
    """
    _checked_scope(principal, asked)
    log.bring_log_up_to_date(TimeBudget.of(_LOG_WAIT))
    return _checked_scope(principal, asked)  # "now" is after the checkpoint just signed, which belongs to it


def find_binder(*, principal: Principal, binder_id: uuid.UUID, digest: str = "") -> Binder:
    """Return the newest export with this id in the principal's systems.

    The id is that of its scope. What was erased since, or attested by others, is another export of the same id.

    Args:
        digest: SHA-256 of the ZIP of the export that is meant; empty: the newest.

    Raises:
        NotFound: there is none, or a worker has not exported it yet.
        AccessDenied: as `acts.check_can_read_binder` does.
    """
    binder = newest_export(principal, binder_id, digest)
    if binder is None:
        raise NotFound(_no_digest(binder_id, digest) if digest else _no_binder(binder_id))
    acts.check_can_read_binder(principal, binder)
    return binder


def newest_export(principal: Principal, binder_id: uuid.UUID, digest: str = "") -> Binder | None:
    """Return the newest export with this id, and digest where one is given, of the principal's systems; None: none."""
    found = Binder.objects.filter(binder_uuid=binder_id, system_id__in=principal.system_ids)
    if digest:
        found = found.filter(archive_id=digest)
    return found.select_related("system", "release", "archive").order_by("-pk").first()


def _no_binder(binder_id: uuid.UUID) -> Worded:
    return worded(
        "There is no binder %(binder_id)s among your systems, or it is still being exported.",
        binder_id=binder_id,
    )


def _no_digest(binder_id: uuid.UUID, digest: str) -> Worded:
    return worded(
        "No export of a binder %(binder_id)s among your systems has the digest %(digest)s; GET /api/v1/binders lists "
        "what there is.",
        binder_id=binder_id,
        digest=digest,
    )


def _checked_scope(principal: Principal, asked: AskedScope) -> BinderScope:
    scope = asked.as_of_then(clock.as_of_asked_for(asked.as_of))
    acts.check_can_export_binder(principal, scope)
    if asked.release.system_id != asked.system.pk:
        raise InvalidInput(
            worded(
                "Release %(release_name)s is not a release of %(system_key)s.",
                release_name=repr(asked.release.name),
                system_key=repr(asked.system.key),
            )
        )
    if scope.period_from >= scope.period_to:
        raise InvalidInput(worded("The period is empty: period_from must be before period_to."))
    return scope


def _write(
    scope: BinderScope, path: Path, actor: str, signer: KeySigner, progress: ExportProgress
) -> WrittenBinder:
    # Closed whatever happens: the traceback of a failure keeps the generator, and with it the transaction it reads in.
    facts = _facts(scope)
    with path.open("wb") as stream, closing(_sections(scope, facts)) as sections:
        return write_binder(
            progress.watch(sections),
            facts=facts,
            signers=(signer,),
            sink=lambda data: progress.add(stream.write(data)),
            prove=partial(_seal, scope, actor),
        )


def _sections(scope: BinderScope, facts: BinderFacts) -> Generator[BinderFile, None, None]:
    """Yield the files of every section in the order of the settings, which puts counter evidence first.

    The writer has read a file to its end before it asks for the next one, so all of them are read in one snapshot.
    """
    identify_whom_binders_name()
    with _one_snapshot():
        if is_redacted(scope) != facts.redacted:
            raise BinderOvertaken(worded("What it packs was erased or disposed of just now; ask again."))
        check_scope_is_bound(scope)
        for dotted in settings.BINDER_SECTIONS:
            module, _, name = dotted.rpartition(".")
            yield from cast("Iterator[BinderFile]", getattr(import_module(module), name)(scope))


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """Read everything as of one moment and write nothing; inside a caller's transaction, read as it reads."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _facts(scope: BinderScope) -> BinderFacts:
    checkpoint = last_checkpoint(scope)
    vkey = load_log_verifier().vkey
    return BinderFacts(
        binder_id=binder_uuid(scope.digest),
        system=scope.system.key,
        purpose=f"Evidence for release {scope.release.name} of {scope.system.name}",
        period_from=scope.period_from,
        period_to=scope.period_to,
        as_of=scope.as_of.at,
        producer_id=PRODUCER_ID,
        producer_version=f"binder/{PRODUCER_VERSION}",
        redacted=is_redacted(scope),
        previous=name_previous(scope),
        log={
            "origin": settings.LOG_ORIGIN,
            "vkey": vkey,
            "treeSize": checkpoint.size if checkpoint else 0,
            "rootHash": bytes(checkpoint.root).hex() if checkpoint else None,
        },
    )


def _seal(scope: BinderScope, actor: str, statement: bytes) -> LogProof:
    """Record that this statement was made, and return the proof under the first checkpoint that covers it."""
    event = _sealing_event(scope, sha256_hex(statement), actor)
    budget = TimeBudget.of(_LOG_WAIT)
    while not budget.is_spent():
        log.bring_log_up_to_date(budget)
        leaf = Leaf.objects.filter(event=event).first()
        covering = Checkpoint.objects.filter(size__gt=leaf.seq) if leaf else Checkpoint.objects.none()
        if covering.exists():
            return _attested_proof(event, covering)
        time.sleep(_LOG_PAUSE)
    raise log.LogBusy("The log did not sign the export in time; ask again.")


def _attested_proof(event: AuditEvent, covering: QuerySet[Checkpoint]) -> LogProof:
    """Return the proof under the first checkpoint that others attested, or else under the first of all.

    Both are the same for a second export, unless others attested it meanwhile.
    """
    chosen = cast("Checkpoint", log.bring_attestations(covering, TimeBudget.of(settings.WITNESS_WAIT)))
    stamp = chosen.timestamps.filter(authority=settings.TSA_URL).first()
    proof = export_log_proof(event, size=chosen.size).encode()
    return LogProof(bytes(event.entry), proof, bytes(stamp.response) if stamp else None)


@transaction.atomic
def _sealing_event(scope: BinderScope, digest: str, actor: str) -> AuditEvent:
    known = AuditEvent.objects.filter(system=scope.system, verb=SEAL_VERB, object_digest=digest)
    event = known.order_by("pk").first()
    if event is not None:
        return event
    return audit.record(verb=SEAL_VERB, actor=actor, obj=scope.release, system=scope.system, digest=digest)


@transaction.atomic
def _store(scope: BinderScope, path: Path, written: WrittenBinder, actor: str, signer: KeySigner) -> Binder:
    check_not_replaced(signer)
    blob = store_blob_file(path, digest=written.digest, media_type="application/zip")
    binder, created = Binder.objects.get_or_create(
        system=scope.system,
        archive=blob,
        defaults={
            "binder_uuid": binder_uuid(scope.digest),
            "release": scope.release,
            "baseline": scope.baseline,
            "period_from": scope.period_from,
            "period_to": scope.period_to,
            "as_of": scope.as_of.at,
            "file_name": written.file_name,
            "sidecar": written.sidecar.decode(),
            "tagmanifest_digest": written.tag_manifest_digest,
            "created_by": actor,
        },
    )
    if created:
        audit.record(
            verb="binder.exported", actor=actor, obj=binder, system=scope.system, digest=written.digest
        )
    return binder
