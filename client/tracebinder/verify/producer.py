"""Which version wrote a binder: what an older one did not tell is not asked of it, so none is older than it may be."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from tracebinder.verify.bag import ENVELOPE
from tracebinder.verify.errors import TrustNotMet
from tracebinder.verify.strict_json import JsonObject, object_at, time_at
from tracebinder.verify.tlog import TlogProof
from tracebinder.verify.trust import Trust, TrustedProducer

_VERSION: Final = re.compile(r"binder/([0-9]{1,4})")


def version_of(predicate: JsonObject) -> int:
    """Return what the producer says that it wrote, binder/N; 0 where it says nothing of the kind."""
    version = object_at(predicate, "producer", member=ENVELOPE).get("version")
    named = _VERSION.fullmatch(version) if isinstance(version, str) else None
    return int(named[1]) if named else 0


def check_producer(predicate: JsonObject, proof: TlogProof | None, trust: Trust) -> None:
    """Check that a binder is not of an older version than was seen before it was made.

    A binder was made later where its `asOf` says so, or where it was logged behind the leaves that the trust file
    counts: an `asOf` of long ago helps nobody.

    Raises:
        TrustNotMet: it is; both versions are named.
    """
    least = trust.producer
    if least is None or version_of(predicate) >= least.minimum_version:
        return
    as_of = time_at(predicate, "asOf", member=ENVELOPE)
    if _is_later(as_of, least) or _is_logged_later(proof, trust):
        raise TrustNotMet(
            f"{_told(version_of(predicate))} wrote it, and binder/{least.minimum_version} was seen before: what that "
            "tells, this one need not",
            member=ENVELOPE,
        )


def check_not_downgraded(old: JsonObject, new: JsonObject) -> None:
    """Check that the later of two binders is not of an older version than the earlier.

    Raises:
        TrustNotMet: it is; both versions are named.
    """
    if version_of(new) < version_of(old):
        raise TrustNotMet(
            f"{_told(version_of(new))} wrote it, and the previous binder is of {_told(version_of(old))}: what that "
            "tells, this one need not",
            member=ENVELOPE,
        )


def _is_later(as_of: datetime, least: TrustedProducer) -> bool:
    return least.seen_at is None or as_of >= least.seen_at


def _is_logged_later(proof: TlogProof | None, trust: Trust) -> bool:
    return proof is not None and trust.log is not None and proof.index >= trust.log.minimum_size > 0


def _told(version: int) -> str:
    return f"binder/{version}" if version else "an unnamed version"
