"""A small provider of OpenID Connect, in a process of its own: discovery, keys, code flow with PKCE, and each fault.

It signs everybody in at once, as whom `POST /behave` said. What it is told there it does from then on: claims that
are other than right, another algorithm, a key that nobody published. Run by `python -m tests.config.oidc_provider`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "tracebinder", "a secret of the client: & + %"


class State:
    """What the provider knows, and how it is to behave."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.keys: dict[str, Any] = {"first": RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []  # of `/authorize`, the newest last
        self.behaviour: dict[str, Any] = {}

    def metadata(self) -> dict[str, Any]:
        there = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "authorization_response_iss_parameter_supported": True,
        }
        return {**there, **self.behaviour.get("metadata", {})}

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in self.keys.values()]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Sign somebody in and return where the browser is led."""
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer} | self.behaviour.get(
            "answer", {}
        )
        return f"{asked['redirect_uri']}?{urlencode({k: v for k, v in answer.items() if v is not None})}"

    def exchange(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Return the tokens of a code, once, to the client alone that has its verifier and our secret."""
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return None
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote_plus(name), unquote_plus(secret)) != (CLIENT_ID, CLIENT_SECRET):
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if _base64(digest) != asked["code_challenge"]:
            return None
        return {"access_token": "unused", "token_type": "Bearer", "id_token": self.id_token(asked)}

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "248289761001",
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "acr": "gold",
            "amr": ["pwd", "otp"],
        } | self.behaviour.get("claims", {})
        claims |= {name: now + seconds for name, seconds in self.behaviour.get("shifted", {}).items()}
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def sign(self, claims: dict[str, Any]) -> str:
        first = self.keys["first"]
        match self.behaviour.get("signing", "right"):
            case "none":
                signed = f"{_encode({'alg': 'none'})}.{_encode(claims)}."
            case "hs256 by the public key":
                signed = _sign_by_secret(claims, first.as_pem(private=False))
            case "hs256 by the secret":
                signed = _sign_by_secret(claims, CLIENT_SECRET.encode())
            case "a key of somebody else":
                signed = jwt.encode({"alg": "RS256", "kid": "first"}, claims, RSAKey.generate_key(2048))
            case "a new key":
                self.keys["second"] = ECKey.generate_key("P-256", {"kid": "second", "use": "sig"})
                signed = jwt.encode({"alg": "ES256", "kid": "second"}, claims, self.keys["second"])
            case "changed afterwards":
                head, _, signature = jwt.encode({"alg": "RS256", "kid": "first"}, claims, first).split(".")
                signed = f"{head}.{_encode(claims | {'jti': 'another'})}.{signature}"
            case _:
                signed = jwt.encode({"alg": "RS256", "kid": "first"}, claims, first)
        return signed


def _sign_by_secret(claims: dict[str, Any], secret: bytes) -> str:
    """Sign as whoever knows these bytes can: what verifies with a public key as if it were a secret takes it."""
    said = f"{_encode({'alg': 'HS256', 'kid': 'first'})}.{_encode(claims)}"
    return f"{said}.{_base64(hmac.digest(secret, said.encode(), 'sha256'))}"


class Handler(BaseHTTPRequestHandler):
    state: State

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/.well-known/openid-configuration":
            self._answer(self.state.metadata())
        elif parts.path == "/keys":
            self._answer(self.state.jwks())
        elif parts.path == "/asked":
            self._answer({"asked": self.state.asked})
        elif parts.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.send_response(302)
            self.send_header("Location", self.state.authorize(asked))
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/behave":
            self.state.behaviour = json.loads(body)
            self._answer({})
            return
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        tokens = self.state.exchange(form, self.headers.get("Authorization", ""))
        self._answer(tokens or {"error": "invalid_grant"}, 200 if tokens else 400)

    def _answer(self, told: dict[str, Any], status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _encode(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.state = State(f"http://127.0.0.1:{server.server_port}")
    sys.stdout.write(f"{Handler.state.issuer}\n")
    sys.stdout.flush()
    server.serve_forever()
