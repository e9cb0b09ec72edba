"""Times as people say them, near now: "in 2 days", "3 hours late"; the time itself is in the element and its title."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evidence import clock

_MINUTE: Final = 60  # seconds
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_FAR: Final = 30 * _DAY  # from which on a date says more than a number of days


def ago(moment: datetime | None) -> SafeString | str:
    """Return a time for a list, as far from now as it is; a dash where there is none."""
    return "–" if moment is None else _told(moment, in_words)


def to_the_minute(moment: datetime) -> SafeString:
    """Return a time for a list as it is, in UTC, for what is one end of a period."""
    return _told(moment, lambda exact, _now: f"{exact:%Y-%m-%d %H:%M}")


def due(moment: datetime) -> SafeString:
    """Return when something open is due: "due in 2 days", "3 hours late"."""
    return _told(moment, due_in_words)


def in_words(moment: datetime, now: datetime) -> str:
    """Return how long ago a time was, or how soon it is, in its largest unit, cut; a date where it is far."""
    seconds = (now - moment).total_seconds()
    distance, is_past = abs(seconds), seconds >= 0
    if distance < _MINUTE:
        return _("just now") if is_past else _("in a moment")
    if distance >= _FAR:
        return f"{moment:%Y-%m-%d}"
    return _past(distance) if is_past else _future(distance)


def due_in_words(moment: datetime, now: datetime) -> str:
    """Return how soon something is due, or how late it is, in its largest unit, cut; a date where it is far."""
    seconds = (moment - now).total_seconds()
    distance, is_late = abs(seconds), seconds < 0
    if distance >= _FAR:
        day = {"date": f"{moment:%Y-%m-%d}"}
        return (_("late since %(date)s") if is_late else _("due on %(date)s")) % day
    if distance < _MINUTE:
        return _("due just now") if is_late else _("due in a moment")
    return _late(distance) if is_late else _due(distance)


def _told(moment: datetime, say: Callable[[datetime, datetime], str]) -> SafeString:
    exact = moment.astimezone(UTC)
    return format_html(
        '<time class="tb-time" datetime="{}" title="{}">{}</time>',
        exact.strftime("%Y-%m-%dT%H:%M:%SZ"), exact.strftime("%Y-%m-%d %H:%M:%S UTC"), say(exact, clock.now()),
    )  # fmt: skip


def _late(seconds: float) -> str:
    n = _in_largest_unit(seconds)
    if seconds < _HOUR:
        return ngettext("%(n)d minute late", "%(n)d minutes late", n) % {"n": n}
    if seconds < _DAY:
        return ngettext("%(n)d hour late", "%(n)d hours late", n) % {"n": n}
    return ngettext("%(n)d day late", "%(n)d days late", n) % {"n": n}


def _due(seconds: float) -> str:
    n = _in_largest_unit(seconds)
    if seconds < _HOUR:
        return ngettext("due in %(n)d minute", "due in %(n)d minutes", n) % {"n": n}
    if seconds < _DAY:
        return ngettext("due in %(n)d hour", "due in %(n)d hours", n) % {"n": n}
    return ngettext("due in %(n)d day", "due in %(n)d days", n) % {"n": n}


def _past(seconds: float) -> str:
    n = _in_largest_unit(seconds)
    if seconds < _HOUR:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", n) % {"n": n}
    if seconds < _DAY:
        return ngettext("%(n)d hour ago", "%(n)d hours ago", n) % {"n": n}
    return ngettext("%(n)d day ago", "%(n)d days ago", n) % {"n": n}


def _future(seconds: float) -> str:
    n = _in_largest_unit(seconds)
    if seconds < _HOUR:
        return ngettext("in %(n)d minute", "in %(n)d minutes", n) % {"n": n}
    if seconds < _DAY:
        return ngettext("in %(n)d hour", "in %(n)d hours", n) % {"n": n}
    return ngettext("in %(n)d day", "in %(n)d days", n) % {"n": n}


def _in_largest_unit(seconds: float) -> int:
    return int(seconds // next(unit for unit in (_DAY, _HOUR, _MINUTE) if seconds >= unit))
