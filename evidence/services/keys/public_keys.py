"""The public halves of the signing keys, in files of their own: whoever holds a key writes them, all others read.

So the web process shows trust files, and anybody checks the log, without a file in reach that could sign.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import ClassVar, Final

from django.conf import settings

from evidence.durable_files import replace_text
from evidence.errors import EvidenceError
from evidence.worded import worded

LOG: Final = "log"
BINDER: Final = "binder"
_KEY_LENGTH: Final = 32  # bytes of a raw Ed25519 public key


class PublicKeyMissing(EvidenceError):
    """Nobody who holds the key has published its public half here yet."""

    code = "public_key_missing"
    http_status = 503
    title = "A public key is not there yet"
    retry_after: ClassVar[int] = 5  # seconds


def publish(name: str, public: bytes) -> None:
    """Keep a public half where processes without the key find it; nothing is written where it is kept already."""
    path, text = _path(name), base64.b64encode(public).decode() + "\n"
    if path.exists() and path.read_text(encoding="ascii", errors="replace") == text:
        return
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    replace_text(path, text)


def read_published_key(name: str) -> bytes:
    """Return a public half that was published here.

    Raises:
        PublicKeyMissing: none was, or what lies there is none.
    """
    path = _path(name)
    try:
        public = base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True)
    except (OSError, ValueError, binascii.Error):
        public = b""
    if len(public) != _KEY_LENGTH:
        raise PublicKeyMissing(
            worded(
                "%(path)s holds no public key: the worker that holds the %(name)s key writes it when "
                "it starts. See that it runs, and that TRACEBINDER_PUBLIC_KEYS names one folder for "
                "both.",
                path=path,
                name=name,
            )
        )
    return public


def publish_former_keys(text: str) -> None:
    """Keep the list of the log's replaced keys where processes without the key find it."""
    if text != read_published_former_keys():
        path = former_keys_path()
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        replace_text(path, text)


def read_published_former_keys() -> str:
    """Return the list of the log's replaced keys as it was published; empty where none was."""
    try:
        return former_keys_path().read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def former_keys_path() -> Path:
    """Return where the list of the log's replaced keys is published."""
    return Path(settings.PUBLIC_KEY_ROOT) / f"{LOG}.former-keys"


def _path(name: str) -> Path:
    return Path(settings.PUBLIC_KEY_ROOT) / f"{name}.ed25519.pub"
