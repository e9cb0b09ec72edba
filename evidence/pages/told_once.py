"""What came of an act, on the page that its answer leads to: once, and loading that page again does nothing again.

A page that answers its own form is sent once more by whoever loads it once more, and the act with it. So an act that
took effect answers with a redirect. Mostly a message says the rest; where a whole page does, as of a secret that is
shown this once, that page waits in the session of whoever acted, sealed, until the browser comes for it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.crypto import salted_hmac

from evidence import clock
from evidence.pages.frame import Page, show_page

LASTS: Final = 10 * 60  # seconds
MOST: Final = 3  # pages of a session: of several tabs
_IN_SESSION: Final = "tracebinder_told_once"
_SALT: Final = "evidence.told_once"
_MARK: Final = "is_told_once"  # on an answer


def lead_to_told(request: HttpRequest, page: Page, *, at: str = "") -> HttpResponseRedirect:
    """Lead to an address where the page is shown, once; after that, what is there otherwise.

    Args:
        at: an address of the admin; the page's own where it is empty.
    """
    address = at or request.get_full_path()
    shown = show_page(request, page).render().content
    sealed = _cipher().encrypt(zlib.compress(shown)).decode()
    waiting = {name: each for name, each in _waiting(request.session).items() if name != address}
    kept = [*waiting.items(), (address, {"page": sealed, "at": clock.now().timestamp()})]
    request.session[_IN_SESSION] = dict(kept[-MOST:])
    return HttpResponseRedirect(address)


def take_told(request: HttpRequest) -> HttpResponse | None:
    """Return the page that waits to be shown at the address of a request, and keep it no longer; None: none does."""
    if request.method != "GET" or _IN_SESSION not in request.session:
        return None
    waiting = _waiting(request.session)
    told = waiting.pop(request.get_full_path(), None)
    if told is None and len(waiting) == len(request.session[_IN_SESSION]):
        return None  # nothing is taken and nothing is over: a request beside this one may take what waits
    if waiting:
        request.session[_IN_SESSION] = waiting
    else:
        del request.session[_IN_SESSION]
    if told is None:
        return None
    try:
        answer = HttpResponse(zlib.decompress(_cipher().decrypt(told["page"].encode())))
    except InvalidToken:  # the key of the server is another by now
        return None
    vars(answer)[_MARK] = True
    return answer


def is_told_once(answer: Any) -> bool:
    """Whether an answer is such a page: what it shows may be a secret."""
    return bool(vars(answer).get(_MARK))


def _waiting(session: SessionBase) -> dict[str, Mapping[str, Any]]:
    oldest = clock.now().timestamp() - LASTS
    return {name: each for name, each in session.get(_IN_SESSION, {}).items() if each["at"] > oldest}


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(salted_hmac(_SALT, "page", algorithm="sha256").digest()))
