"""`trust.json`: whom the person who verifies trusts. It comes from anywhere but the binder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracebinder.verify.encoding import decode_base64
from tracebinder.verify.errors import BinderMalformed
from tracebinder.verify.keys import keyid_of
from tracebinder.verify.note import COSIGNATURE_V1, ED25519, NoteKey, parse_vkey
from tracebinder.verify.strict_json import JsonObject, object_at, objects_at, parse_object, text_at, whole_at

TRUST_FORMAT: Final = "tracebinder.trust/1"
_MEMBER: Final = "trust file"


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """The log the export must be in. `minimum_size` is the largest tree seen: a smaller one is a rollback."""

    origin: str
    key: NoteKey
    minimum_size: int
    required: bool


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe, and how much is enough.

    Attributes:
        signers: raw Ed25519 public keys by keyid.
        threshold: how many of them must have signed, at least 1.
        quorum: how many witnesses must have cosigned the checkpoint, 0 for none.
        maximum_age_days: how old `asOf` may be when verifying; None for any age.
    """

    signers: dict[str, bytes]
    threshold: int
    predicate_types: frozenset[str]
    log: TrustedLog | None
    witnesses: tuple[NoteKey, ...]
    quorum: int
    maximum_age_days: int | None


def load_trust(path: Path) -> Trust:
    """Read a trust file.

    Raises:
        BinderMalformed: it cannot be read, or does not say what a trust file must.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise BinderMalformed(f"cannot be read: {exc}", member=_MEMBER) from exc
    return parse_trust(data)


def parse_trust(data: bytes) -> Trust:
    """Return the policy of a trust file's bytes. Raises `BinderMalformed` as `load_trust`."""
    value = parse_object(data, member=_MEMBER)
    if value.get("format") != TRUST_FORMAT:
        raise BinderMalformed(f"'format' must be {TRUST_FORMAT!r}", member=_MEMBER)
    signers = _signers(value)
    threshold = whole_at(value, "threshold", member=_MEMBER)
    if not 1 <= threshold <= len(signers):
        raise BinderMalformed(f"'threshold' must be from 1 to {len(signers)}", member=_MEMBER)
    witnesses = _witnesses(value)
    quorum = whole_at(value, "quorum", member=_MEMBER) if "quorum" in value else 0
    if quorum > len(witnesses):
        raise BinderMalformed(
            f"'quorum' is {quorum}, but there are {len(witnesses)} witnesses", member=_MEMBER
        )
    return Trust(
        signers=signers,
        threshold=threshold,
        predicate_types=_predicate_types(value),
        log=_log(value),
        witnesses=witnesses,
        quorum=quorum,
        maximum_age_days=_maximum_age(value),
    )


def _signers(value: JsonObject) -> dict[str, bytes]:
    signers: dict[str, bytes] = {}
    for entry in objects_at(value, "signers", member=_MEMBER):
        public = decode_base64(text_at(entry, "publicKey", member=_MEMBER), member=_MEMBER, length=32)
        keyid = text_at(entry, "keyid", member=_MEMBER)
        if keyid != keyid_of(public) or keyid in signers:
            raise BinderMalformed(f"keyid {keyid[:16]!r} is given twice or is not its key's", member=_MEMBER)
        signers[keyid] = public
    return signers


def _predicate_types(value: JsonObject) -> frozenset[str]:
    found = value.get("predicateTypes")
    if not isinstance(found, list) or not found or not all(isinstance(item, str) for item in found):
        raise BinderMalformed("'predicateTypes' must be a list of strings", member=_MEMBER)
    return frozenset(found)


def _log(value: JsonObject) -> TrustedLog | None:
    if value.get("log") is None:
        return None
    entry = object_at(value, "log", member=_MEMBER)
    key = parse_vkey(text_at(entry, "vkey", member=_MEMBER))
    if key.algorithm != ED25519:
        raise BinderMalformed("the log's 'vkey' must be an Ed25519 note key", member=_MEMBER)
    minimum = whole_at(entry, "minimumTreeSize", member=_MEMBER) if "minimumTreeSize" in entry else 0
    required = entry.get("required", False)
    if not isinstance(required, bool):
        raise BinderMalformed("the log's 'required' must be true or false", member=_MEMBER)
    return TrustedLog(
        origin=text_at(entry, "origin", member=_MEMBER), key=key, minimum_size=minimum, required=required
    )


def _witnesses(value: JsonObject) -> tuple[NoteKey, ...]:
    if "witnesses" not in value:
        return ()
    entries = objects_at(value, "witnesses", member=_MEMBER)
    keys = tuple(parse_vkey(text_at(entry, "vkey", member=_MEMBER)) for entry in entries)
    distinct = {key.public for key in keys}
    if len(distinct) != len(keys) or any(key.algorithm != COSIGNATURE_V1 for key in keys):
        raise BinderMalformed("'witnesses' must be distinct cosignature keys", member=_MEMBER)
    return keys


def _maximum_age(value: JsonObject) -> int | None:
    if value.get("maximumAgeDays") is None:
        return None
    return whole_at(value, "maximumAgeDays", member=_MEMBER)
