"""The binder signer's key: Ed25519, apart from the log's key, so that who holds one need not hold the other.

One file below `KEY_ROOT`, made before the first export.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from evidence.digests import sha256_hex
from evidence.errors import EvidenceError
from evidence.services.keys.files import KeyFileUnusable, create_key_file, read_key_file

KEY_FILE: Final = "binder.ed25519.pem"


class SignerKeyUnusable(EvidenceError):
    """Binders cannot be signed with what lies where their key should be."""

    code = "signer_key_unusable"
    http_status = 500
    title = "The binder signing key cannot be used"


@dataclass(frozen=True, slots=True)
class FileSigner:
    """An `evidence.binder.dsse.BinderSigner` whose key lies in a file."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """The raw 32-byte public key."""
        return self.private.public_key().public_bytes_raw()

    @property
    def keyid(self) -> str:
        """SHA-256 of the raw public key, in hexadecimal."""
        return sha256_hex(self.public)

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over `data`."""
        return self.private.sign(data)


def load_binder_signer() -> FileSigner:
    """Return the key that signs binders; make it where there is none yet.

    Raises:
        SignerKeyUnusable: the file can be read by others, or holds no Ed25519 key in PEM.
    """
    path = Path(settings.KEY_ROOT) / KEY_FILE
    if not path.exists():
        create_key_file(path)
    try:
        return FileSigner(read_key_file(path))
    except KeyFileUnusable as exc:
        raise SignerKeyUnusable(str(exc)) from exc


def trusted_signer(signer: FileSigner) -> dict[str, object]:
    """Return the signer as an entry of `trust.json`."""
    return {
        "name": "binder signer",
        "keyid": signer.keyid,
        "publicKey": base64.b64encode(signer.public).decode(),
    }
