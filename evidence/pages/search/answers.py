"""Answers by their ids and words, and the tasks to review them by number or trace id."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.display import list_url, record_url, shorten
from evidence.errors import InvalidInput, SearchTooWide
from evidence.models import ReviewTask, Trace
from evidence.pages.reader import principal_of
from evidence.pages.search.asked import Asked
from evidence.pages.search.groups import (
    MOST,
    Group,
    Hit,
    as_shown,
    group_of,
    rows_of_list,
)
from evidence.search_terms import UnreadableSearch, read_terms
from evidence.selectors.revisions import is_superseded
from evidence.selectors.trace_words import Period, Place, WordSearch
from evidence.trace_ids import LENGTH, bounds_of

_GIVEN = ("user_ids", "session_ids", "conversation_ids")


def find_answers(request: HttpRequest, asked: Asked) -> Group | None:
    """By trace id, by an id as its sender gave it, and by words of questions and answers; none by a record's number.

    Raises:
        SearchTooWide: the database ended it.
    """
    rows = rows_of_list(request, Trace)
    if rows is None or asked.is_one_record:
        return None
    current = rows.filter(~is_superseded())
    keys = list(current.filter(_by_id(asked)).order_by("-pk").values_list("pk", flat=True)[: MOST + 1])
    note = ""
    if len(keys) <= MOST and not (keys and asked.is_whole_id):
        more, note = _by_words(request, current, asked)
        keys = list(dict.fromkeys([*keys, *more]))[: MOST + 1]
    found = {trace.pk: trace for trace in as_shown(Trace, rows.filter(pk__in=keys))}
    hits = (_hit(found[key]) for key in keys if key in found)
    group = group_of(_("Answers"), hits, list_url("evidence.trace", q=asked.text))
    return Group(group.title, group.hits, group.is_more or bool(note and group.hits), group.list_url, note)


def find_tasks(request: HttpRequest, asked: Asked) -> Group | None:
    """By number, or by the trace id of the answer."""
    rows = rows_of_list(request, ReviewTask)
    if rows is None or not (asked.digits or asked.number):
        return None
    wanted = Q(pk=asked.number) if asked.number else Q(pk__in=[])
    if 0 < len(asked.digits) <= LENGTH:
        wanted |= Q(trace__trace_id__range=bounds_of(asked.digits))
    found = as_shown(ReviewTask, rows.filter(wanted).order_by("-pk"))
    hits = (
        Hit(f"#{task.pk}", record_url(task), shorten(task.trace.question), task.trace.language)
        for task in found
    )
    return group_of(
        _("Review tasks"), hits, list_url("evidence.reviewtask", q=asked.digits) if asked.digits else ""
    )


def _by_id(asked: Asked) -> Q:
    found = Q(pk__in=[])
    for column in _GIVEN:
        found |= Q(**{f"{column}__contains": [asked.text]})
    if 0 < len(asked.digits) <= LENGTH:
        found |= Q(trace_id__range=bounds_of(asked.digits))
    return found


def _by_words(request: HttpRequest, current: QuerySet[Trace], asked: Asked) -> tuple[list[int], Any]:
    """Return the keys of traces that hold the words, and what is to be said of what was not looked at."""
    try:
        search = WordSearch(read_terms(asked.text), systems=principal_of(request).system_ids, period=Period())
        page = search.find(current, MOST + 1, Place(), is_narrowed=False)
    except (UnreadableSearch, InvalidInput, SearchTooWide):
        return [], _("Only ids were searched here, and no words: add a longer or a rarer one.")
    if page.stopped_at is None or len(page.keys) > MOST:
        return page.keys, ""
    return page.keys, _("There may be older ones that were not looked at: add a rarer word.")


def _hit(trace: Trace) -> Hit:
    return Hit(str(trace), record_url(trace), shorten(trace.question), trace.language)
