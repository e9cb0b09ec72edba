"""Any list as CSV: what it shows, with its filters and in its order, all rows and not a page of them.

Rows are read in portions by their keys, so that no long query holds the database, and what stands in the list's cells
is written as text: without signs that only eyes need, with whole digests and whole times.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from itertools import islice
from typing import Any, Final

from django.conf import settings
from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import ALL_VAR, PAGE_VAR
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from evidence import clock
from evidence.admin.frame.columns import holds_times
from evidence.admin.frame.display import listed
from evidence.admin.frame.headings import heading_of
from evidence.admin.frame.people import actor_columns, name_people
from evidence.errors import InvalidInput, ListTooLong
from evidence.hidden_signs import show_hidden
from evidence.spreadsheet_cells import BYTE_ORDER_MARK, cell
from evidence.worded import worded

EXPORT: Final = "export"  # the parameter of a list's address
CSV: Final = "csv"
_PORTION: Final = 500  # rows
_NOTHING: Final = "–"  # what a column of a list says where there is nothing
_CHECKBOX: Final = "action_checkbox"


def check_export(request: HttpRequest) -> None:
    """Refuse a format that lists are not written in.

    Raises:
        InvalidInput: naming it.
    """
    asked = request.GET.getlist(EXPORT)
    if asked != [CSV]:
        raise InvalidInput(
            worded(
                "%(name)s is %(format)s, given once, not %(given)s.",
                name=repr(EXPORT),
                format=CSV,
                given=repr("&".join(asked)[:40]),
            )
        )


def address_of_export(shown: Any) -> str:
    """Return what follows the question mark to have a list, as it is shown, written."""
    address: str = shown.get_query_string({EXPORT: CSV}, [PAGE_VAR, ALL_VAR])
    return address


def export_list(shown: Any) -> StreamingHttpResponse:
    """Return all rows of a list as a file that is written while it is sent.

    Args:
        shown: the list as its address asks for it, a `ChangeList`.

    Raises:
        ListTooLong: it has more rows than the settings let into one file.
    """
    most = settings.LIST_EXPORT_MAX_ROWS
    keys = list(shown.queryset.values_list("pk", flat=True)[: most + 1])
    if len(keys) > most:
        raise ListTooLong(most)
    name = f"{shown.opts.verbose_name_plural}".replace(" ", "-")
    name = name if name.isascii() else shown.opts.model_name
    return StreamingHttpResponse(
        _lines(shown, keys, get_language() or settings.LANGUAGE_CODE),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}-{clock.now():%Y-%m-%d}.csv"'},
    )


def _lines(shown: Any, keys: Sequence[Any], language: str) -> Iterator[str]:
    columns = [column for column in shown.list_display if str(column) != _CHECKBOX]
    waiting = iter(keys)
    with override(language):
        begin = BYTE_ORDER_MARK + _written([[_heading(shown, column) for column in columns]])
    yield begin
    while some := list(islice(waiting, _PORTION)):
        with override(language):  # what reads the file may do so in another thread than the one that began it
            text = _written(
                [_cell_of(shown, column, row) for column in columns] for row in _rows(shown, some)
            )
        yield text


def _rows(shown: Any, keys: Sequence[Any]) -> list[Model]:
    """Return the rows of these keys in their order, as the list would read them for a page."""
    rows: list[Model] = shown.read_rows(keys)
    if columns := actor_columns(shown.model):
        name_people(rows, columns)
    return rows


def _written(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([cell(each) for each in row] for row in rows)
    return text.getvalue()


def _heading(shown: Any, column: Any) -> str:
    label = heading_of(label_for_field(column, shown.model, shown.model_admin))
    return f"{label} (UTC)" if holds_times(shown.model_admin, column) else label


def _cell_of(shown: Any, column: Any, row: Model) -> object:
    """Return what stands in a cell: numbers and texts; times in UTC, choices and truths in words."""
    try:
        field, _attribute, value = lookup_field(column, row, shown.model_admin)
    except ObjectDoesNotExist:
        return ""
    if field is not None and getattr(field, "flatchoices", None):
        value = dict(field.flatchoices).get(value, value)
    elif field is not None and field.is_relation:
        value = getattr(row, field.name)
    return as_cell(value)


def as_cell(value: Any) -> object:
    """Return a value of a list as the value of a cell."""
    if value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool)):
        return value
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return listed(value)
    text = words_of(value) if isinstance(value, SafeString) else str(value)
    return "" if text.strip() == _NOTHING else show_hidden(text)


# What follows one of these stands on another line of the cell: nothing glues it to what went before.
_ON_A_LINE_OF_ITS_OWN: Final = frozenset({"br", "div", "li", "p"})


class _Reader(HTMLParser):
    """Reads the words of a cell. A title that says in full what the cell cuts short stands in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._unread: list[str] = []  # the tags open since one whose words are not read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ON_A_LINE_OF_ITS_OWN:
            self.words.append(" ")
        if tag == "br":
            return  # it has no end
        given = dict(attrs)
        whole = _time_of(given) if tag == "time" else given.get("title") if tag == "code" else None
        if self._unread:
            self._unread.append(tag)
        elif whole:
            self.words.append(whole)
            self._unread.append(tag)
        elif given.get("aria-hidden") == "true":
            self._unread.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._unread and tag == self._unread[-1]:
            self._unread.pop()

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.words.append(data)


def _time_of(given: dict[str, str | None]) -> str | None:
    """Return the time of an element, as a spreadsheet reads one."""
    return (given.get("datetime") or "").replace("T", " ").removesuffix("Z") or None


def words_of(html: str) -> str:
    """Return what a cell of a list says, as text."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.words).split())
