"""Holds one Ed25519 key and signs with it for whoever sends its token: a signing key in a process of its own.

`docs/reference/signer.md` is the protocol: GET tells the public half, POST `/sign` signs bytes. It answers nothing
else, and prints each signature that it gave, by the digest of what was signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORMAT: Final = "tracebinder.signer/1"
MOST_BODY: Final = 2 * 1024 * 1024  # bytes
SLOWEST: Final = 10  # seconds that a request may take to come in
SHORTEST_TOKEN: Final = 32  # characters


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    told: dict[str, str]


def _refusal(status: int, detail: str) -> Reply:
    return Reply(status, {"format": FORMAT, "detail": detail})


_NO_TOKEN: Final = _refusal(401, "send the token of this signer as a bearer")


@dataclass(frozen=True, slots=True)
class Signer:
    """A key, and the token of who may have it sign."""

    key: Ed25519PrivateKey
    token: str

    @property
    def public(self) -> bytes:
        """The raw 32-byte public key."""
        return self.key.public_key().public_bytes_raw()

    def describe(self, authorization: str) -> Reply:
        """Answer who asks for the public half."""
        if not self.lets_in(authorization):
            return _NO_TOKEN
        public = base64.b64encode(self.public).decode()
        return Reply(200, {"format": FORMAT, "algorithm": "ed25519", "publicKey": public})

    def sign(self, authorization: str, body: bytes) -> Reply:
        """Answer who asks for a signature."""
        if not self.lets_in(authorization):
            return _NO_TOKEN
        try:
            asked = json.loads(body)
            data = base64.b64decode(asked["data"], validate=True)
        except (ValueError, TypeError, KeyError, binascii.Error, RecursionError):
            return _refusal(400, f"send {{format: {FORMAT}, data: base64}}")
        if asked.get("format") != FORMAT:
            return _refusal(400, f"this signer speaks {FORMAT}")
        print(f"signed sha256:{hashlib.sha256(data).hexdigest()}", flush=True)
        return Reply(200, {"format": FORMAT, "signature": base64.b64encode(self.key.sign(data)).decode()})

    def lets_in(self, authorization: str) -> bool:
        """Whether this header holds the token."""
        return hmac.compare_digest(authorization.encode(), f"Bearer {self.token}".encode())


def serve(signer: Signer, *, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server that answers for a signer; it serves once `serve_forever` is called."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = SLOWEST

        def do_GET(self) -> None:
            self._answer(signer.describe(self.headers.get("Authorization", "")))

        def do_POST(self) -> None:
            length, authorization = (
                self.headers.get(name, "") for name in ("Content-Length", "Authorization")
            )
            if not signer.lets_in(authorization):  # of a stranger nothing is read
                self.close_connection = True
                self._answer(_NO_TOKEN)
            elif not self.path.rstrip("/").endswith("/sign"):
                self.close_connection = True  # what was sent is not read, here and below
                self._answer(_refusal(404, "POST …/sign"))
            elif not length.isdecimal() or int(length) > MOST_BODY:
                self.close_connection = True
                self._answer(_refusal(413, f"a request has a Content-Length of {MOST_BODY} at most"))
            else:
                self._answer(signer.sign(authorization, self.rfile.read(int(length))))

        def _answer(self, reply: Reply) -> None:
            data = json.dumps(reply.told).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as the base class names it
            print(f"{self.address_string()} {format % args}", flush=True)

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    return server
