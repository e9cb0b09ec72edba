"""The binder of the same scope that was exported before, which the next one names and whose log it must continue."""

from __future__ import annotations

import zipfile

from evidence.binder.statement import PreviousBinder
from evidence.errors import EvidenceError
from evidence.log.errors import LogError
from evidence.log.proof import parse_log_proof
from evidence.models import Binder
from evidence.selectors.binder.scope import BinderScope
from evidence.selectors.log_proofs import count_leaves, read_live_root
from evidence.services.blobs import check_blob
from evidence.services.log import LogForked, open_published
from evidence.worded import worded

_PROOF = "attest/binder.tlog-proof"


def find_previous(scope: BinderScope) -> Binder | None:
    """Return the last binder of the same scope as of an earlier time that was on record at `as_of`."""
    same = Binder.objects.filter(
        scope.as_of.knew("created_at"),
        system=scope.system,
        release=scope.release,
        baseline=scope.baseline,
        period_from=scope.period_from,
        period_to=scope.period_to,
        as_of__lt=scope.as_of.at,
    )
    return same.order_by("-as_of", "-pk").first()


def name_previous(scope: BinderScope) -> PreviousBinder | None:
    """Return what a binder says of the one before it.

    Raises:
        LogForked: the log does not continue the one that the binder before it proves.
    """
    previous = find_previous(scope)
    if previous is None:
        return None
    _check_log_continues(previous)
    return PreviousBinder(previous.binder_uuid, previous.as_of, previous.archive_id)


def _check_log_continues(previous: Binder) -> None:
    note = _note_of(previous)
    if note is None:
        return
    head, size = open_published(note), count_leaves()
    try:
        root = read_live_root(size=head.size) if head.size <= size else None
    except LogError:
        root = None
    if root != head.root:
        raise LogForked(
            worded(
                "The log does not continue the one that the binder of %(as_of)s UTC proves: %(size)s "
                "leaves with the root %(root_hex)s. It has %(size_here)s; the root of as many is "
                "%(root_here)s. Nothing is exported; `manage.py verify_log` says where the fault is.",
                as_of=f"{previous.as_of:%Y-%m-%d %H:%M}",
                size=f"{head.size:,}",
                root_hex=head.root.hex(),
                size_here=f"{size:,}",
                root_here=root.hex() if root else worded("none"),
            )
        )


def _note_of(binder: Binder) -> str | None:
    """Return the checkpoint under which a binder was logged; None where its bytes are no longer there."""
    try:
        path = check_blob(binder.archive_id)
    except EvidenceError:
        return None  # `verify_blobs` and `readyz` say so
    with zipfile.ZipFile(path) as archive:
        proofs = [name for name in archive.namelist() if name.endswith(_PROOF)]
        return parse_log_proof(archive.read(proofs[0]).decode()).checkpoint if proofs else None
