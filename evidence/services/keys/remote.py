"""A signing key that another process, or a machine made for it, holds: it is asked over HTTP, and we never have it.

The protocol (docs/reference/signer.md) is two requests with a bearer token: GET tells the public half, and POST
`…/sign` signs bytes. What comes back is checked before it is used, so a signer that errs, or is not the one it was,
puts nothing into the log.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from evidence.errors import EvidenceError
from evidence.outgoing import NoAnswer, ask
from evidence.worded import sentence_of, worded

PREFIX: Final = "kms+"
FORMAT: Final = "tracebinder.signer/1"
_KEY_LENGTH: Final = 32  # bytes of a raw Ed25519 public key


class SignerAway(EvidenceError):
    """The signer that holds a key does not answer as it should, so nothing can be signed now."""

    code = "signer_away"
    http_status = 503
    title = "The holder of a signing key does not answer"
    retry_after: ClassVar[int] = 5  # seconds


@dataclass(frozen=True, slots=True)
class RemoteKey:
    """An Ed25519 private key at an address."""

    url: str
    public: bytes

    def public_key(self) -> Ed25519PublicKey:
        """Return the public half."""
        return Ed25519PublicKey.from_public_bytes(self.public)

    def sign(self, data: bytes, /) -> bytes:
        """Return the 64-byte signature over `data`.

        Raises:
            SignerAway: there is none, or it is not by this key.
        """
        body = json.dumps({"format": FORMAT, "data": base64.b64encode(data).decode()}).encode()
        signature = _bytes_at(_ask(f"{self.url}/sign", body), "signature", self.url)
        try:
            self.public_key().verify(signature, data)
        except InvalidSignature as exc:
            raise SignerAway(
                worded("%(url)s signed with another key than it says it holds.", url=self.url)
            ) from exc
        return signature


def open_remote_key(uri: str) -> RemoteKey:
    """Return the key at a URI of the settings.

    Raises:
        SignerAway: nobody answers there, or it holds no Ed25519 key.
    """
    url = uri.removeprefix(PREFIX).rstrip("/")
    told = _ask(url, None)
    public = _bytes_at(told, "publicKey", url)
    if told.get("algorithm") != "ed25519" or len(public) != _KEY_LENGTH:
        raise SignerAway(worded("%(url)s holds no Ed25519 key.", url=url))
    return RemoteKey(url, public)


def _ask(url: str, body: bytes | None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {settings.KMS_TOKEN}", "Content-Type": "application/json"}
    try:
        status, answer = ask(url, timeout=settings.KMS_TIMEOUT, body=body, headers=headers)
        told = json.loads(answer) if status == 200 else None
    except (NoAnswer, ValueError) as exc:
        raise SignerAway(worded("The signer does not answer: %(reason)s", reason=sentence_of(exc))) from exc
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise SignerAway(
            worded(
                "%(url)s answered %(status)s, and not as a signer does (%(format)s).",
                url=url,
                status=status,
                format=FORMAT,
            )
        )
    return told


def _bytes_at(told: dict[str, Any], name: str, url: str) -> bytes:
    try:
        return base64.b64decode(told[name], validate=True)
    except (KeyError, TypeError, ValueError) as exc:
        raise SignerAway(worded("%(url)s answered without %(name)s.", url=url, name=name)) from exc
