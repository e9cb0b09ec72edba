"""`trust.json`: whom the person who verifies trusts. It comes from anywhere but the binder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from cryptography.x509 import Certificate, load_pem_x509_certificate

from tracebinder.verify.encoding import decode_base64
from tracebinder.verify.errors import BinderMalformed
from tracebinder.verify.keys import keyid_of
from tracebinder.verify.note import COSIGNATURE_V1, ED25519, NoteKey, SignedNote, is_signed_by, parse_vkey
from tracebinder.verify.strict_json import (
    JsonObject,
    object_at,
    objects_at,
    parse_object,
    text_at,
    time_at,
    whole_at,
)

TRUST_FORMAT: Final = "tracebinder.trust/1"
ALGORITHM: Final = "ed25519"  # of a signer; what it signs is told by its key, and never by the signature
_MEMBER: Final = "trust file"
_KNOWN: Final = frozenset(
    {
        "format", "signers", "threshold", "predicateTypes", "log", "witnesses", "quorum", "maximumAgeDays",
        "requireWitness", "requireSidecar", "requireAuditSlice", "timestampAuthorities", "requireTimestamp",
        "producer",
    }
)  # fmt: skip
_OF_SIGNER: Final = frozenset({"name", "keyid", "publicKey", "algorithm"})
_OF_LOG: Final = frozenset({"origin", "vkey", "formerKeys", "minimumTreeSize", "seenAt", "required"})
_OF_FORMER: Final = frozenset({"vkey", "untilSize"})
_OF_WITNESS: Final = frozenset({"name", "vkey"})
_OF_PRODUCER: Final = frozenset({"minimumVersion", "seenAt"})
_OF_AUTHORITY: Final = frozenset({"name", "certificate"})


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """The log the export must be in.

    Attributes:
        minimum_size: the largest tree seen; a smaller one is a rollback.
        seen_at: when it was; a binder as of an earlier time may be of a smaller tree. None: no binder may.
        required: whether a binder without a proof of inclusion is refused.
        former: keys that `key` replaced, each with the size up to which what it signed counts.
    """

    origin: str
    key: NoteKey
    minimum_size: int
    required: bool
    seen_at: datetime | None = None
    former: tuple[tuple[NoteKey, int], ...] = ()

    def signed(self, note: SignedNote, size: int) -> bool:
        """Say whether the log signed a checkpoint of this size: with its key, or with one that counted then."""
        counting = (key for key, until in self.former if size <= until)
        return any(is_signed_by(note, key) for key in (self.key, *counting))


@dataclass(frozen=True, slots=True)
class TrustedProducer:
    """How old the version that wrote a binder may be.

    Attributes:
        minimum_version: N of the newest binder/N seen.
        seen_at: when it was; a binder made before that may be of an older one. None: no binder may.
    """

    minimum_version: int
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe, and how much is enough.

    Attributes:
        signers: raw Ed25519 public keys by keyid.
        threshold: how many of them must have signed, at least 1.
        quorum: how many witnesses must have cosigned the checkpoint, 0 for none.
        maximum_age_days: how old `asOf` may be when verifying; None for any age.
        require_sidecar: the signature over the ZIP's bytes must be there.
        require_audit_slice: the binder must hold its part of the log.
        authorities: root certificates of time-stamping authorities.
        require_timestamp: the checkpoint must be time-stamped by one of them.
        producer: which versions count; None: each.
    """

    signers: dict[str, bytes]
    threshold: int
    predicate_types: frozenset[str]
    log: TrustedLog | None
    witnesses: tuple[NoteKey, ...]
    quorum: int
    maximum_age_days: int | None
    require_sidecar: bool = False
    require_audit_slice: bool = False
    authorities: tuple[Certificate, ...] = ()
    require_timestamp: bool = False
    producer: TrustedProducer | None = None


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
    _refuse_unknown(value, _KNOWN)
    signers = _signers(value)
    threshold = whole_at(value, "threshold", member=_MEMBER)
    if not 1 <= threshold <= len(signers):
        raise BinderMalformed(f"'threshold' must be from 1 to {len(signers)}", member=_MEMBER)
    trust = Trust(
        signers=signers,
        threshold=threshold,
        predicate_types=_predicate_types(value),
        log=_log(value),
        witnesses=_witnesses(value),
        quorum=_quorum(value),
        maximum_age_days=_maximum_age(value),
        require_sidecar=_flag(value, "requireSidecar"),
        require_audit_slice=_flag(value, "requireAuditSlice"),
        authorities=_authorities(value),
        require_timestamp=_flag(value, "requireTimestamp"),
        producer=_producer(value),
    )
    _refuse_empty_demands(trust)
    return trust


def _refuse_empty_demands(trust: Trust) -> None:
    """Refuse a file that demands what no binder could meet, or what whoever made the binder meets alone."""
    if trust.quorum > len(trust.witnesses):
        raise BinderMalformed(
            f"'requireWitness' is {trust.quorum}, but there are {len(trust.witnesses)} witnesses",
            member=_MEMBER,
        )
    if trust.require_timestamp and not trust.authorities:
        raise BinderMalformed("'requireTimestamp' needs 'timestampAuthorities'", member=_MEMBER)
    logs = [trust.log.key, *(key for key, _ in trust.log.former)] if trust.log else []
    watched = {*trust.signers.values(), *(key.public for key in logs)}
    for witness in trust.witnesses:
        if witness.public in watched:
            raise BinderMalformed(
                f"witness {witness.name!r} has the key of the log or of a signer: nobody else would be watching",
                member=_MEMBER,
            )


def _refuse_unknown(value: JsonObject, known: frozenset[str], where: str = "") -> None:
    """Refuse a name that nobody reads: it was meant to demand something.

    Raises:
        BinderMalformed: names it, and the nearest that is read.
    """
    for name in value:
        if name not in known:
            nearest = get_close_matches(name, known, n=1, cutoff=0)[0]
            raise BinderMalformed(
                f"nobody knows {where}{name!r}; did you mean {where}{nearest!r}?", member=_MEMBER
            )


def _quorum(value: JsonObject) -> int:
    """Return how many witnesses are demanded, under the name of today or under the one of before."""
    said = {
        name: whole_at(value, name, member=_MEMBER) for name in ("requireWitness", "quorum") if name in value
    }
    if len(set(said.values())) > 1:
        raise BinderMalformed("'requireWitness' and 'quorum' mean the same and differ", member=_MEMBER)
    return max(said.values(), default=0)


def _flag(value: JsonObject, name: str) -> bool:
    found = value.get(name, False)
    if not isinstance(found, bool):
        raise BinderMalformed(f"{name!r} must be true or false", member=_MEMBER)
    return found


def _authorities(value: JsonObject) -> tuple[Certificate, ...]:
    if "timestampAuthorities" not in value:
        return ()
    found = []
    for entry in objects_at(value, "timestampAuthorities", member=_MEMBER):
        _refuse_unknown(entry, _OF_AUTHORITY, "a time-stamping authority's ")
        try:
            pem = text_at(entry, "certificate", member=_MEMBER).encode()
            found.append(load_pem_x509_certificate(pem))
        except ValueError as exc:
            raise BinderMalformed(f"no certificate in PEM: {exc}", member=_MEMBER) from exc
    return tuple(found)


def _signers(value: JsonObject) -> dict[str, bytes]:
    signers: dict[str, bytes] = {}
    for entry in objects_at(value, "signers", member=_MEMBER):
        _refuse_unknown(entry, _OF_SIGNER, "a signer's ")
        if entry.get("algorithm", ALGORITHM) != ALGORITHM:
            raise BinderMalformed(
                f"a signer's algorithm {entry['algorithm']!r} is not known here, only {ALGORITHM!r}: get a newer one",
                member=_MEMBER,
            )
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
    _refuse_unknown(entry, _OF_LOG, "the log's ")
    key = _log_key(entry)
    minimum = whole_at(entry, "minimumTreeSize", member=_MEMBER) if "minimumTreeSize" in entry else 0
    return TrustedLog(
        origin=text_at(entry, "origin", member=_MEMBER),
        key=key,
        minimum_size=minimum,
        required=_flag(entry, "required"),
        seen_at=_seen_at(entry),
        former=_former_keys(entry),
    )


def _producer(value: JsonObject) -> TrustedProducer | None:
    if value.get("producer") is None:
        return None
    entry = object_at(value, "producer", member=_MEMBER)
    _refuse_unknown(entry, _OF_PRODUCER, "the producer's ")
    return TrustedProducer(whole_at(entry, "minimumVersion", member=_MEMBER), _seen_at(entry))


def _seen_at(entry: JsonObject) -> datetime | None:
    return time_at(entry, "seenAt", member=_MEMBER) if entry.get("seenAt") is not None else None


def _former_keys(log: JsonObject) -> tuple[tuple[NoteKey, int], ...]:
    if "formerKeys" not in log:
        return ()
    entries = objects_at(log, "formerKeys", member=_MEMBER)
    for entry in entries:
        _refuse_unknown(entry, _OF_FORMER, "a former key's ")
    return tuple((_log_key(entry), whole_at(entry, "untilSize", member=_MEMBER)) for entry in entries)


def _log_key(entry: JsonObject) -> NoteKey:
    key = parse_vkey(text_at(entry, "vkey", member=_MEMBER))
    if key.algorithm != ED25519:
        raise BinderMalformed("the log's 'vkey' must be an Ed25519 note key", member=_MEMBER)
    return key


def _witnesses(value: JsonObject) -> tuple[NoteKey, ...]:
    if "witnesses" not in value:
        return ()
    entries = objects_at(value, "witnesses", member=_MEMBER)
    for entry in entries:
        _refuse_unknown(entry, _OF_WITNESS, "a witness's ")
    keys = tuple(parse_vkey(text_at(entry, "vkey", member=_MEMBER)) for entry in entries)
    distinct = {key.public for key in keys}
    if len(distinct) != len(keys) or any(key.algorithm != COSIGNATURE_V1 for key in keys):
        raise BinderMalformed("'witnesses' must be distinct cosignature keys", member=_MEMBER)
    return keys


def _maximum_age(value: JsonObject) -> int | None:
    if value.get("maximumAgeDays") is None:
        return None
    return whole_at(value, "maximumAgeDays", member=_MEMBER)
