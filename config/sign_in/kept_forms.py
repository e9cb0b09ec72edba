"""Forms that came before their proof: kept in the session of whoever sent them, and shown to them again after it.

What was typed stays on the server, in the row of the session, and is found by nobody else: an address names one of the
session's own. Decision 0113 says why, and what is not kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.messages.storage import default_storage
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext

from config import problems
from config.sign_in.addresses import own_address
from evidence import clock
from evidence.pages.reader import REREADS

KEPT: Final = "kept"  # what names a form in an address
LONGEST: Final = 64 * 1024  # characters of a form as it is sent
MOST: Final = 3  # forms of a session: of several tabs
LASTS: Final = 30 * 60  # seconds
_IN_SESSION: Final = "tracebinder_kept_forms"
_ASKED_FOR: Final = "_tracebinder_kept"
_ALL: Final = "__ALL__"  # as Django's `sensitive_post_parameters` says it


@dataclass(frozen=True, slots=True)
class KeptForm:
    """What somebody sent, without what is secret in it."""

    name: str
    person: int
    sent_to: str  # with its query
    came_from: str  # the page that the form stood on
    fields: str  # urlencoded
    at: float  # seconds since 1970, by our clock


def keep_form(request: HttpRequest, came_from: str) -> str:
    """Keep what was sent; return the address that shows it again, empty where it is not kept. One too long is told."""
    hidden = getattr(request, "sensitive_post_parameters", ())
    if request.method != "POST" or not _is_ours(request) or hidden == _ALL:
        return ""
    typed = request.POST.copy()
    for name in ("csrfmiddlewaretoken", *hidden):
        typed.pop(name, None)
    fields = typed.urlencode()
    if len(fields) > LONGEST:
        told = gettext("What you typed is too long to be kept over this: go back, and copy it first.")
        messages.warning(request, told)
        return ""
    kept = KeptForm(
        secrets.token_urlsafe(16), int(request.user.pk or 0), _address_of(request), came_from, fields,
        clock.now().timestamp(),
    )  # fmt: skip
    _store(request.session, [*_forms_in(request.session), kept][-MOST:])
    path, _question, query = kept.sent_to.partition("?")
    return f"{path}?{'&'.join(part for part in (query, urlencode({KEPT: kept.name})) if part)}"


class ShowKeptForms:
    """Shows a form that was kept, in answer to the address that names it: filled in as it was sent, and not acted on.

    The page answers as if the form came again, but for three things: whoever it is of signs nothing with it
    (`Principal.rereads`), whatever it would store is rolled back, and only a page is taken for an answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if _is_ours(request):
            _forget_old(request.session)
            if KEPT in request.GET:
                _take_name(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, named: Any
    ) -> HttpResponseBase | None:
        """Answer with the form. After Django's check of where a form came from, which this one passed when it came."""
        asked = getattr(request, _ASKED_FOR, "")
        if not asked:
            return None
        forms = _forms_in(request.session)
        kept = next((each for each in forms if each.name == asked), None)
        if kept is None or kept.person != request.user.pk or kept.sent_to != _address_of(request):
            return None
        if request.method == "POST":  # it comes again by itself: what is kept has served
            _store(request.session, [each for each in forms if each != kept])
            return None
        return _show(request, kept, view, args, named) if request.method == "GET" else None


def _address_of(request: HttpRequest) -> str:
    """Return where a request goes, its query written in one way."""
    query = request.GET.urlencode()
    return f"{request.path}?{query}" if query else request.path


def _is_ours(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:index"))


def _take_name(request: HttpRequest) -> None:
    """Take the name of the form out of the address: no page knows of it."""
    query = request.GET.copy()
    names = query.pop(KEPT, [])
    vars(request)[_ASKED_FOR] = names[-1] if names else ""
    request.META["QUERY_STRING"] = query.urlencode()
    request.GET = query  # type: ignore[assignment]  # a QueryDict, as it was


def _show(
    request: HttpRequest, kept: KeptForm, view: Callable[..., HttpResponseBase], args: Any, named: Any
) -> HttpResponseBase:
    plain = HttpResponseRedirect(own_address(request, kept.came_from))
    vars(request)[REREADS] = True
    request.method = "POST"
    request.POST = QueryDict(kept.fields, encoding=settings.DEFAULT_CHARSET)
    vars(request)["_files"] = MultiValueDict()
    try:
        with transaction.atomic():
            shown = view(request, *args, **named)
            render = getattr(shown, "render", None)
            if callable(render):
                shown = render()
            transaction.set_rollback(True)
    except problems.APP_ERRORS:
        return plain
    finally:
        request.method = "GET"
    if shown.headers.get("Location") or not shown.headers.get("Content-Type", "").startswith("text/html"):
        vars(request)["_messages"] = default_storage(request)  # what it says was done was not
        return plain
    shown.status_code = 200  # nothing was refused
    return shown


def _forms_in(session: SessionBase) -> list[KeptForm]:
    oldest = clock.now().timestamp() - LASTS
    found = [KeptForm(**each) for each in session.get(_IN_SESSION, [])]
    return [each for each in found if each.at > oldest]


def _forget_old(session: SessionBase) -> None:
    """Take forms that are too old out of the session as soon as anything is asked in it."""
    if len(session.get(_IN_SESSION, ())) > len(forms := _forms_in(session)):
        _store(session, forms)


def _store(session: SessionBase, forms: list[KeptForm]) -> None:
    session[_IN_SESSION] = [asdict(each) for each in forms]
