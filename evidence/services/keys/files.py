"""Ed25519 keys in files: PKCS #8 in PEM, not encrypted, mode 0600. Made once, never replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.worded import worded

# Said by a process that is to hold no keys: it must not make any, either, which nobody would trust.
KEYS_ELSEWHERE: Final = worded(
    "This process holds no keys (TRACEBINDER_HOLDS_KEYS is false): the workers of the queues log and export sign. Ask "
    "for a binder with `Prefer: respond-async`, and run commands that sign where the keys are."
)


class KeyFileUnusable(ValueError):
    """What lies there is no key, or is open to others. The message says what to do."""


def create_key_file(path: Path) -> None:
    """Write a new key. Of two processes that start at once, one makes the file and both read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, path)  # unlike a rename, refuses to replace a key that another process has just made
    except FileExistsError:
        pass  # the other process's key is the one
    finally:
        draft.unlink()


def read_key_file(path: Path) -> Ed25519PrivateKey:
    """Return the key in a file.

    Raises:
        KeyFileUnusable: the file can be read by others than its owner, or holds no Ed25519 key in PEM.
    """
    if path.stat().st_mode & 0o077:
        raise KeyFileUnusable(
            worded("%(path)s can be read by others than its owner. Run: chmod 600 %(path)s", path=path)
        )
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as exc:
        raise KeyFileUnusable(f"{path} holds no private key in PEM: {exc}") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileUnusable(f"{path} holds another kind of key than Ed25519")
    return key
