"""Who watches this installation: a monitoring system by its bearer token, or an operator who signed in.

No address makes anybody one of them: behind a proxy every stranger comes from a private one.
"""

from __future__ import annotations

import hmac

from django.conf import settings
from django.db import Error
from django.http import HttpRequest

from evidence.access import principal_of_session
from evidence.acts import can_administer
from evidence.errors import AccessDenied


def watches(request: HttpRequest) -> bool:
    """Whether whoever asks is told what is wrong here."""
    return _sends_monitor_token(request) or _is_operator(request)


def _sends_monitor_token(request: HttpRequest) -> bool:
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    wanted = settings.MONITOR_TOKEN.encode()
    return bool(wanted) and hmac.compare_digest(sent, wanted)


def _is_operator(request: HttpRequest) -> bool:
    """Whether an operator signed in. Where the database is away, nobody did."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    try:
        return can_administer(principal_of_session(request))
    except (AccessDenied, Error):
        return False
