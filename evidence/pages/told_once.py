"""What came of an act, on the page that its answer leads to: once, and loading that page again does nothing again.

A page that answers its own form is sent once more by whoever loads it once more, and the act with it. So an act that
took effect answers with a redirect. Mostly a message says the rest; where a whole page does, as of a secret that is
shown this once, that page waits in the session of whoever acted, sealed, until the browser comes for it. Each such page
waits by itself: of two forms sent at once, by a double click or from two tabs, both are told, one after the other.
"""

from __future__ import annotations

import base64
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.crypto import salted_hmac

from evidence import clock, session_marks
from evidence.pages.frame import Page, show_page

LASTS: Final = 10 * 60  # seconds
MOST: Final = 3  # pages of a session: of several tabs
_SALT: Final = "evidence.told_once"
_MARK: Final = "is_told_once"  # on an answer


def lead_to_told(
    request: HttpRequest, page: Page, *, at: str = "", is_alone: bool = False
) -> HttpResponseRedirect:
    """Lead to an address where the page is shown, once; after that, what is there otherwise.

    Args:
        at: an address of the admin; the page's own where it is empty.
        is_alone: whether what waits at that address counts no more, as a link that this one replaces.
    """
    address = at or request.get_full_path()
    shown = show_page(request, page).render().content
    sealed = _cipher().encrypt(zlib.compress(shown)).decode()
    with _waiting(request.session) as waiting:
        if is_alone:
            for key in [key for key, each in waiting.items() if each["address"] == address]:
                del waiting[key]
        waiting[uuid.uuid4().hex] = {"address": address, "page": sealed, "at": clock.now().timestamp()}
        for key in list(waiting)[:-MOST]:
            del waiting[key]
    return HttpResponseRedirect(address)


def take_told(request: HttpRequest) -> HttpResponse | None:
    """Return the page that waits longest to be shown where a request goes, and keep it no longer; None: none does."""
    if request.method != "GET" or not session_marks.told_once(request.session):
        return None
    with _waiting(request.session) as waiting:
        at = request.get_full_path()
        key = next((key for key, each in waiting.items() if each["address"] == at), None)
        told = None if key is None else waiting.pop(key)
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


@contextmanager
def _waiting(session: SessionBase) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield what waits in a session, by a key of each, the oldest first; what is changed of it is stored at once.

    Each request has a copy of its session. So that of two at once neither takes from the other, the stored one is read
    and written under its lock. The store takes nothing of this from a copy (`config/sign_in/session_store.py`).
    """
    with transaction.atomic():
        row = Session.objects.select_for_update().filter(pk=session.session_key).first()
        stored = dict(session.items()) if row is None else session.decode(row.session_data)
        before = session_marks.told_once(stored)
        waiting = {
            key: {"address": key, **each}  # a server of before has the address as the key
            for key, each in before.items()
            if each["at"] > clock.now().timestamp() - LASTS
        }
        yield waiting
        is_changed = session.modified
        session_marks.put_told_once(session, waiting)
        if row is None:
            return
        session.modified = is_changed
        if waiting != before:
            session_marks.put_told_once(stored, waiting)
            row.session_data = session.encode(stored)
            row.save(update_fields=["session_data"])


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(salted_hmac(_SALT, "page", algorithm="sha256").digest()))
