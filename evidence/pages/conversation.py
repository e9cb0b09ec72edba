"""A conversation or a session: its traces in time, each with what was asked and answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.translation import gettext as _

from evidence.access import Principal, find_system, visible_to
from evidence.admin.frame.display import list_url, record_url
from evidence.admin.trace_links import address_of
from evidence.errors import Fault, InvalidInput, NotFound
from evidence.models import Trace
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.paging import page_of
from evidence.selectors.conversations import Together, find_together
from evidence.selectors.traces import current_traces, turns_of
from evidence.worded import worded

_A_PAGE: Final = 50  # traces
_NUMBER: Final = "page"
_SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A trace with its turns, and where its record is."""

    trace: Trace
    place: int  # from 1
    turns: list[tuple[int, str, str]]  # number, from 0; question, answer
    url: str


@page_view(permission="evidence.view_trace", parameters=[_SYSTEM, *Together.values, _NUMBER])
def conversation(request: HttpRequest, principal: Principal) -> Page:
    """Show the traces of a conversation or a session of one system, those that began first coming first."""
    kind, given_id = _named(request)
    system = find_system(principal, request.GET.get(_SYSTEM, ""))
    mine = visible_to(current_traces(), principal).filter(system=system)
    together = find_together(mine, kind, given_id)
    if not together.exists():
        raise NotFound(
            worded("There is no such conversation among the traces that you may see, or it was erased.")
        )
    page = page_of(request, together, _A_PAGE, name=_NUMBER)
    shown = [
        _Shown(trace, place, turns_of(trace), record_url(trace))
        for place, trace in enumerate(page.object_list, start=page.start_index())
    ]
    title = _("Conversation %(id)s") if kind is Together.CONVERSATION else _("Session %(id)s")
    context = {"shown": shown, "page": page, "system": system, "address": address_of(system, kind, given_id)}
    trail = [Step(_("Traces"), list_url("evidence.trace"))]
    return Page("pages/conversation.html", title % {"id": given_id}, context, trail)


def _named(request: HttpRequest) -> tuple[Together, str]:
    named = [(kind, request.GET[kind]) for kind in Together if request.GET.get(kind)]
    if len(named) != 1:
        message = worded("name either a conversation or a session, by its id as the application sent it")
        raise InvalidInput(faults=[Fault("query", Together.CONVERSATION, "required", message)])
    return named[0]
