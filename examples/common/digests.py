"""Digests as the evidence store writes them: SHA-256 over bytes or RFC 8785 JSON, in 64 hex characters.

An application has no access to the server's code, so the two lines it needs stand here.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import rfc8785


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of the file's bytes."""
    return sha256_hex(path.read_bytes())


def digest_of(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON (RFC 8785) of a JSON value."""
    return sha256_hex(rfc8785.dumps(value))
