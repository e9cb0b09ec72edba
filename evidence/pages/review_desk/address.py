"""The address of an answer at the desk: of a claim, of a tab of the middle pane, and of what is open in it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from evidence.errors import Fault, InvalidInput
from evidence.models import Trace
from evidence.nearest import hint_at, nearest_name
from evidence.worded import worded

CLAIM, CITATION, DOCUMENT, ROW, AT = "claim", "citation", "document", "row", "at"  # numbers
TAB, SPAN, PART = "tab", "span", "part"
PARAMETERS: Final = (CLAIM, CITATION, TAB, DOCUMENT, SPAN, PART, AT, ROW)
_MOST_DIGITS: Final = 9


class Tab(StrEnum):
    """What the middle pane shows."""

    CLAIM = "claim"
    RETRIEVED = "retrieved"
    PATH = "path"
    ASKED = "asked"
    INSIDE = "inside"


class Part(StrEnum):
    """Which side of a span is read on."""

    INPUT = "input"
    OUTPUT = "output"


def address_of(trace: Trace | int, **parameters: object) -> str:
    """Return where an answer is judged.

    Args:
        trace: it, or its key.
        parameters: of `PARAMETERS`, what the page shows of it first; what is None is left out.
    """
    key = trace if isinstance(trace, int) else trace.pk
    address = reverse("admin:judge_answer", args=[key])
    said = {name: value for name, value in parameters.items() if value is not None}
    return f"{address}?{urlencode(said)}" if said else address


def read_tab(request: HttpRequest) -> Tab:
    """Return the tab that an address names, or the first.

    Raises:
        InvalidInput: there is no such tab.
    """
    return Tab(_one_of(request, TAB, {tab.value: tab for tab in Tab}) or Tab.CLAIM)


def read_part(request: HttpRequest) -> Part | None:
    """Return the side of a span that an address names.

    Raises:
        InvalidInput: there is no such side.
    """
    found = _one_of(request, PART, {part.value: part for part in Part})
    return None if found is None else Part(found)


def read_number(request: HttpRequest, name: str) -> int:
    """Return a number of an address, 0 where it has none that is one."""
    said = request.GET.get(name, "")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= _MOST_DIGITS else 0


def _one_of(request: HttpRequest, name: str, known: Mapping[str, str]) -> str | None:
    said = request.GET.get(name)
    if said is None or said in known:
        return said
    nearest = nearest_name(said, known)
    message = worded(
        "there is no %(name)s %(given)s; %(hint)s",
        name=name,
        given=repr(said[:40]),
        hint=hint_at(nearest),
    )
    raise InvalidInput(faults=[Fault("query", name, "unknown_value", message, nearest)])
