"""The certificate of an erasure: what went, what stayed and why, what cannot be reached, and where the log stood.

It names digests, ids and counts, and nothing that the subject said. Its digest is in the log, as that of an event of
its own. The checkpoint that covers that event is signed later, so it is read beside the certificate.
"""

from __future__ import annotations

from typing import Any, Final

from evidence.digests import digest_of
from evidence.models import AuditEvent, Checkpoint, Erasure, ErasureCertificate
from evidence.selectors.log_proofs import count_leaves
from evidence.services import audit
from evidence.services.disposal.planning import NEVER_REACHED, ErasurePlan

FORMAT: Final = "tracebinder.erasure/1"
VERB: Final = "erasure.certified"


def certify(erasure: Erasure, plan: ErasurePlan, *, n_details: int) -> ErasureCertificate:
    """Store the certificate of an erasure with its event, inside the erasure's transaction.

    Args:
        n_details: details of audit events that were deleted with their salts.
    """
    document = {
        "format": FORMAT,
        "erasure": erasure.pk,
        "system": plan.system.key,
        "trace_id": plan.trace_id.hex,
        "reason": erasure.reason,
        "erased_by": erasure.erased_by,
        "erased_at": erasure.erased_at.isoformat(),
        "rows": plan.rows,
        "copies": erasure.copies,
        "event_details": n_details,
        "blobs": [
            {"role": blob.role.value, "digest": blob.digest, "left": blob.remainder, "others": blob.others}
            for blob in plan.blobs
        ],
        "stays": [{"what": stay.what, "why": stay.why} for stay in plan.stays],
        "not_reached": [
            *(f"binder {name}" for name in plan.binders),
            *(f"{what}: of a kind that cannot be searched" for what in plan.unread),
            *NEVER_REACHED,
        ],
        "log": {
            "tree_size": count_leaves(),
            "checkpoint": _describe(Checkpoint.objects.order_by("-size").first()),
        },
    }
    certificate = ErasureCertificate.objects.create(
        erasure=erasure, document=document, digest=digest_of(document)
    )
    audit.record(
        verb=VERB,
        actor=erasure.erased_by,
        obj=certificate,
        system=plan.system,
        digest=certificate.digest,
    )
    return certificate


def read_certificate(certificate: ErasureCertificate) -> dict[str, Any]:
    """Return the certificate with its digest, its place in the log and the first checkpoint that covers it."""
    event = AuditEvent.objects.select_related("leaf").get(
        object_type=ErasureCertificate._meta.label, object_id=str(certificate.pk), verb=VERB
    )
    leaf = getattr(event, "leaf", None)
    after = Checkpoint.objects.filter(size__gt=leaf.seq).order_by("size").first() if leaf else None
    return {
        "certificate": certificate.document,
        "digest": certificate.digest,
        "event": str(event.event_uuid),
        "leaf": leaf.seq if leaf else None,
        "checkpoint": _describe(after),
    }


def _describe(checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    if checkpoint is None:
        return None
    return {"size": checkpoint.size, "root_hash": bytes(checkpoint.root).hex()}
