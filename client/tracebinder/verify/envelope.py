"""DSSE envelopes and the in-toto statements in them: step 3, and the sidecar of step 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracebinder.verify.canonical import NoCanonicalForm, canonical_json
from tracebinder.verify.encoding import decode_base64
from tracebinder.verify.errors import BinderFailed, BinderMalformed, TrustNotMet
from tracebinder.verify.keys import signature_holds
from tracebinder.verify.strict_json import JsonObject, object_at, objects_at, parse_object, text_at
from tracebinder.verify.trust import Trust

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_V1: Final = "https://in-toto.io/Statement/v1"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement whose signatures were verified. `payload` are the exact bytes that were signed.

    Attributes:
        signers: ids of the trusted keys that signed it.
        strangers: how many further signatures stand beside theirs, by keys that nobody here knows.
    """

    payload: bytes
    signers: tuple[str, ...]
    strangers: int
    predicate_type: str
    subject: str
    digest: str
    predicate: JsonObject


def verify_envelope(data: bytes, trust: Trust, *, member: str) -> Statement:
    """Return the statement of an envelope that enough trusted keys have signed.

    Raises:
        BinderMalformed: no envelope, or no statement over exactly one SHA-256 subject.
        BinderFailed: a signature under a trusted key id does not hold.
        TrustNotMet: fewer distinct trusted signers than the threshold.
    """
    payload, signatures = _open(data, member=member)
    signers = _valid_signers(payload, signatures, trust, member=member)
    if len(signers) < trust.threshold:
        raise TrustNotMet(
            f"signed by {len(signers)} of the trusted keys, {trust.threshold} needed", member=member
        )
    strangers = sum(entry["keyid"] not in trust.signers for entry in signatures)
    return _statement(payload, tuple(sorted(signers)), strangers, member=member)


def check_subject(statement: Statement, *, name: str, digest: str, member: str) -> None:
    """Check that a statement is about this file.

    Raises:
        BinderFailed: it is about another name or other bytes.
    """
    if statement.subject != name:
        raise BinderFailed(f"the statement is about {statement.subject!r}, not {name!r}", member=member)
    if statement.digest != digest:
        raise BinderFailed(f"the statement is about other bytes of {name}", member=member)


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes a DSSE v1 signature is over."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _open(data: bytes, *, member: str) -> tuple[bytes, list[JsonObject]]:
    if not data.endswith(b"\n") or data.count(b"\n") != 1:
        raise BinderMalformed("must be exactly one line with one envelope", member=member)
    envelope = parse_object(data, member=member)
    if set(envelope) != {"payload", "payloadType", "signatures"}:
        raise BinderMalformed("an envelope has a payload, its type and signatures", member=member)
    if text_at(envelope, "payloadType", member=member) != PAYLOAD_TYPE:
        raise BinderMalformed(f"the payload's type must be {PAYLOAD_TYPE}", member=member)
    payload = decode_base64(text_at(envelope, "payload", member=member), member=member)
    signatures = objects_at(envelope, "signatures", member=member)
    if any(set(entry) != {"keyid", "sig"} for entry in signatures):
        raise BinderMalformed("a signature has a key id and the signature, and nothing else", member=member)
    if not _is_in_one_form(envelope, data):
        raise BinderMalformed("an envelope is written in the one form of RFC 8785", member=member)
    return payload, signatures


def _is_in_one_form(envelope: JsonObject, data: bytes) -> bool:
    try:
        return canonical_json(envelope) + b"\n" == data
    except NoCanonicalForm:
        return False


def _valid_signers(payload: bytes, signatures: list[JsonObject], trust: Trust, *, member: str) -> set[str]:
    signed = pre_authentication_encoding(PAYLOAD_TYPE, payload)
    signers: set[str] = set()
    for entry in signatures:
        keyid = text_at(entry, "keyid", member=member)
        signature = decode_base64(text_at(entry, "sig", member=member), member=member)
        public = trust.signers.get(keyid)
        if public is None:
            continue
        if not signature_holds(public, signature, signed):
            raise BinderFailed(f"the signature of trusted key {keyid[:16]} does not hold", member=member)
        signers.add(keyid)
    return signers


def _statement(payload: bytes, signers: tuple[str, ...], strangers: int, *, member: str) -> Statement:
    value = parse_object(payload, member=member)
    subjects = objects_at(value, "subject", member=member)
    if value.get("_type") != STATEMENT_V1 or len(subjects) != 1:
        raise BinderMalformed("not an in-toto Statement v1 over one subject", member=member)
    digests = object_at(subjects[0], "digest", member=member)
    return Statement(
        payload=payload,
        signers=signers,
        strangers=strangers,
        predicate_type=text_at(value, "predicateType", member=member),
        subject=text_at(subjects[0], "name", member=member),
        digest=text_at(digests, "sha256", member=member),
        predicate=object_at(value, "predicate", member=member),
    )
