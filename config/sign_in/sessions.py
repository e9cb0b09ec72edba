"""How long a session lasts, and that it is the browser's of somebody who signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.sign_in.devices import remember_device
from config.sign_in.provider.session import still_holds
from evidence import session_marks

_SIGNED_IN_NOW = "_tracebinder_signed_in"


def watch_sign_ins() -> None:
    """Have each session marked when its person signs in."""
    user_logged_in.connect(_begin, weak=False, dispatch_uid="config.sign_in")


def _begin(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    del sender
    session_marks.begin(request.session, user)
    setattr(request, _SIGNED_IN_NOW, user.get_username())


class SessionLimits:
    """Ends sessions that are idle, old, or of a person whose roles were changed since.

    Those of before a change of the password Django ends itself: it keeps a digest of it in each.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if comes_with_session(request):
            _end_if_over(request)
        response = self.get_response(request)
        if name := getattr(request, _SIGNED_IN_NOW, ""):
            remember_device(response, name)
        return response


def comes_with_session(request: HttpRequest) -> bool:
    """Whether a request has a session to be looked at. `healthz` looks at nothing, whoever asks."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.path != "/healthz"


def _door_is_open(session: SessionBase, person: User) -> bool:
    """Whether the person could still sign in by the way on which they came."""
    if session_marks.binding_of(session) is None:
        return bool(settings.PASSWORD_SIGN_IN)
    return still_holds(session, person)


def _end_if_over(request: HttpRequest) -> None:
    person = request.user
    if not isinstance(person, User):
        return
    prefetch_related_objects(
        [person], "groups"
    )  # whatever asks for them in this request is answered by these
    limits = {"idle": settings.SESSION_IDLE, "longest": settings.SESSION_COOKIE_AGE}
    if session_marks.is_over(request.session, person, **limits) or not _door_is_open(request.session, person):
        logout(request)
    else:
        session_marks.mark_used(request.session)
