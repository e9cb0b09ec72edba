"""DSSE v1 envelopes (https://github.com/secure-systems-lab/dsse): what is signed, and how it is written."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final, Protocol

from evidence.digests import canonical_json

STATEMENT_TYPE: Final = "application/vnd.in-toto+json"


class BinderSigner(Protocol):
    """Signs bytes with one private key, wherever that key lives."""

    @property
    def keyid(self) -> str:
        """SHA-256 of the raw public key, in hexadecimal."""

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over `data`."""


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's PAE: the type is signed with the payload, and lengths keep the two apart."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal_envelope(
    payload: bytes, signers: Sequence[BinderSigner], *, payload_type: str = STATEMENT_TYPE
) -> bytes:
    """Return one line of JSON: the payload with a signature of each signer.

    Raises:
        ValueError: no signer was given: an envelope without a signature proves nothing.
    """
    if not signers:
        raise ValueError("an envelope needs at least one signer")
    signed = pre_authentication_encoding(payload_type, payload)
    signatures = [
        {"keyid": signer.keyid, "sig": base64.b64encode(signer.sign(signed)).decode()} for signer in signers
    ]
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": signatures,
    }
    return canonical_json(envelope) + b"\n"
