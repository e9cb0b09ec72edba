"""Links from a trace to what came before and after it in its conversation and its session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import record_url
from evidence.models import System, Trace
from evidence.selectors.conversations import Neighbours, Together, find_neighbours
from evidence.selectors.traces import current_traces

_PREVIOUS: Final[Mapping[str, StrOrPromise]] = {
    Together.CONVERSATION: gettext_lazy("Before it in the conversation"),
    Together.SESSION: gettext_lazy("Before it in the session"),
}
_NEXT: Final[Mapping[str, StrOrPromise]] = {
    Together.CONVERSATION: gettext_lazy("After it in the conversation"),
    Together.SESSION: gettext_lazy("After it in the session"),
}
_ALL: Final[Mapping[str, StrOrPromise]] = {
    Together.CONVERSATION: gettext_lazy("The whole conversation: %(place)d of %(count)d"),
    Together.SESSION: gettext_lazy("The whole session: %(place)d of %(count)d"),
}


def address_of(system: System, kind: Together, given_id: str) -> str:
    """Return the address of the page of a conversation or a session."""
    asked = urlencode({"system": system.key, kind.value: given_id})
    return f"{reverse('admin:conversation')}?{asked}"


def links_in_time(principal: Principal, trace: Trace) -> list[tuple[str, str]]:
    """Return text and address of each, of the traces that the person may see."""
    mine = visible_to(current_traces(), principal)
    return [link for one in find_neighbours(mine, trace) for link in _links_of(one, trace)]


def _links_of(one: Neighbours, trace: Trace) -> list[tuple[str, str]]:
    links = [
        (
            str(_ALL[one.kind]) % {"place": one.place, "count": one.count},
            address_of(trace.system, one.kind, one.given_id),
        )
    ]
    if one.previous is not None:
        links.append((str(_PREVIOUS[one.kind]), record_url(one.previous)))
    if one.next is not None:
        links.append((str(_NEXT[one.kind]), record_url(one.next)))
    return links
