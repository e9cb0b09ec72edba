"""Ed25519 signatures: the one place that calls `cryptography`."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def keyid_of(public: bytes) -> str:
    """Return a raw public key's id: its SHA-256, in hexadecimal."""
    return hashlib.sha256(public).hexdigest()


def signature_holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether `signature` is the key's over `message`. A key that is no curve point holds nothing."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
