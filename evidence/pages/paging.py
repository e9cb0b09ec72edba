"""The pages of a list that stands on a page of ours: one that there is not is told, and no other shown in its place.

Lists of records say so too (`evidence/admin/frame/address.py`), and the API of a cursor that is from no page.
"""

from __future__ import annotations

import re
from typing import Any, Final

from django.core.paginator import EmptyPage, Paginator
from django.core.paginator import Page as PageOfList
from django.http import HttpRequest

from evidence.errors import NotFound
from evidence.worded import worded

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_SHOWN: Final = 40  # characters of what somebody wrote as a number


def page_of(request: HttpRequest, rows: Any, on_a_page: int, *, name: str = "page") -> PageOfList[Any]:
    """Return the page of a list that a request asks for, the first where it names none. A list of nothing has one page.

    Args:
        rows: a list, or a query in an order.
        on_a_page: how many of them.
        name: of the parameter, where several lists stand on one page.

    Raises:
        NotFound: the list has no such page.
    """
    asked = request.GET.get(name) or "1"
    if not _NUMBER.fullmatch(asked):
        raise _no_page(asked)
    try:
        return Paginator(rows, on_a_page).page(int(asked))
    except EmptyPage as exc:
        raise _no_page(asked) from exc


def _no_page(asked: str) -> NotFound:
    return NotFound(worded("This list has no page %(page)s.", page=asked[:_SHOWN]))
