"""Who sends a request of the API: the bearer of a token, or the browser of somebody who signed in."""

from __future__ import annotations

import base64
import hmac
from typing import Any, Final

from django.contrib.auth.models import User
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from evidence.access import is_usable, keep_principal, principal_of_bearer
from evidence.digests import sha256_hex
from evidence.models import AccessToken
from evidence.selectors.bearers import find_bearer
from evidence.services.people.token_uses import note_use

_START: Final = "tb_"
_FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer tb_<prefix>_<secret>`. One sentence for every failure: it tells a guesser nothing."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        """Return the token and its owner; None where no bearer token was sent.

        Raises:
            AuthenticationFailed: unknown, wrong, expired or revoked.
        """
        text = self.find_text(request)
        if text is None:
            return None
        parts = text.split("_", 2)
        prefix = (
            parts[1] if len(parts) == 3 and parts[1].isalnum() else ""
        )  # what no database is asked for: NUL
        bearer = find_bearer(prefix)
        expected = bearer.token.secret_digest if bearer else "0" * 64
        matches = hmac.compare_digest(sha256_hex(text.encode("latin-1")), expected)
        if bearer is None or not matches or not is_usable(bearer.token):
            raise AuthenticationFailed(
                "The token is unknown, expired or revoked. An operator can issue a new one; a token for reviews its "
                "owner makes anew."
            )
        keep_principal(request, principal_of_bearer(bearer))
        note_use(bearer.token, _what_is_asked(request))
        return bearer.token.owner, bearer.token

    def find_text(self, request: Request) -> str | None:
        """Return the text of the token a request was sent with; None: none."""
        scheme, text = _authorization(request)
        return text if scheme == "bearer" else None

    def authenticate_header(self, request: Request) -> str:
        """Make a missing token a 401 rather than a 403."""
        del request
        return "Bearer"


class ExporterAuthentication(TokenAuthentication):
    """What some exporters send instead: Basic with the token as password or as user name, or `x-api-key`."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        """Return the token and its owner; None where no credentials were sent.

        Raises:
            AuthenticationFailed: as above, or the header says nothing that is known here.
        """
        found = super().authenticate(request)
        if found is None and (sent := get_authorization_header(request)):
            raise AuthenticationFailed(_explain_header(sent.decode("latin-1")))
        return found

    def find_text(self, request: Request) -> str | None:
        """Return the text of the token, wherever it stands."""
        scheme, text = _authorization(request)
        if scheme == "basic":
            return _token_in(text)
        key = request.META.get("HTTP_X_API_KEY")
        return key.strip() if key else None


def _what_is_asked(request: Request) -> str:
    """Return method and address as the API has it, with what stands in its places left out: `GET /api/v1/spans`."""
    match = request.resolver_match
    return f"{request.method} /{match.route}" if match else ""


def _authorization(request: Request) -> tuple[str, str]:
    """Return scheme, lower-case, and credentials of a request; empty where it has none."""
    scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
    return scheme.lower(), text.strip()


def _explain_header(sent: str) -> str:
    """Return what is wrong with an `Authorization` header of which nothing is understood, without repeating it."""
    if sent.lower().startswith("bearer%20"):
        return (
            "The `Authorization` header came percent-encoded: this exporter sends values as they are written, so write "
            "a space after `Bearer`."
        )
    return (
        "The `Authorization` header is none that is known here: send `Bearer tb_…`, Basic with the token as password, "
        "or the token alone as `x-api-key`."
    )


def _token_in(credentials: str) -> str:
    """Return what is meant as the token in Basic credentials; what is none is refused as one that is unknown."""
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode("latin-1").partition(":")
    except ValueError:
        return ""
    return next((text for text in (password, user) if text.startswith(_START)), "")


class BrowserAuthentication(SessionAuthentication):
    """The session of somebody who signed in, whose token against forged requests comes as a header or in a form."""

    def enforce_csrf(self, request: Request) -> None:
        """Look for that token, and read no body for it but a form's.

        Django REST framework would read the body for it as it reads those of its parsers, and refuse what only the view
        knows how to read: a file of requirements in YAML.
        """
        media = str(request.content_type or "").partition(";")[0].strip().lower()
        looked_at: Any = request if media in _FORMS else request._request  # noqa: SLF001  # the one below it
        super().enforce_csrf(looked_at)


class BrowserScheme(SessionScheme):  # type: ignore[no-untyped-call]  # likewise
    """How the schema describes it: as any session."""

    target_class = "evidence.api.authentication.BrowserAuthentication"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular is untyped here
    """How the schema describes it."""

    target_class = "evidence.api.authentication.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        del auto_schema
        return {"type": "http", "scheme": "bearer", "bearerFormat": "tb_<prefix>_<secret>"}


class ExporterScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular is untyped here
    """How the schema describes it."""

    target_class = "evidence.api.authentication.ExporterAuthentication"
    name = ["basic", "apiKey"]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        """Return the OpenAPI security schemes, each of which is enough."""
        del auto_schema
        return [
            {"type": "http", "scheme": "basic"},
            {"type": "apiKey", "in": "header", "name": "x-api-key"},
        ]
