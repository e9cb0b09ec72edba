"""The versions that a runner says it used: on record with what it says of them, and not vouched for by that."""

from __future__ import annotations

from typing import Final

from evidence.digests import digest_of
from evidence.evals.contracts import VersionClaim
from evidence.models import ArtefactKind, ArtefactVersion, DigestBasis, System
from evidence.services import registry

ROLES: Final = {
    "suite": ArtefactKind.SUITE,
    "evaluator": ArtefactKind.EVALUATOR,
    "dataset": ArtefactKind.DATASET,
}


def ensure_claimed_version(
    *, system: System, kind: ArtefactKind, claim: VersionClaim, actor: str
) -> ArtefactVersion:
    """Return the version a runner says it used. It is not vouched for by this: `registry.register_version` does.

    Where only a label is given the digest is over kind, key and label, so that even this version has an identity.
    """
    return registry.ensure_version(
        system=system,
        kind=kind,
        key=claim.key,
        label=claim.label or "",
        digest=digest_of_claim(kind, claim),
        basis=DigestBasis.CONTENT if claim.digest is not None else DigestBasis.LABEL,
        actor=actor,
    )


def digest_of_claim(kind: ArtefactKind, claim: VersionClaim) -> str:
    return claim.digest or digest_of({"kind": kind.value, "key": claim.key, "label": claim.label})
