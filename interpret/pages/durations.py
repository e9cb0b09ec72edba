"""How long something took, as people say it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_MINUTE: Final = 60  # seconds
_HOUR: Final = 60 * _MINUTE
_FEW: Final = 2  # of a unit; from so many on it is the unit that is told


def in_time(spent: timedelta) -> str:
    """Return a time with its unit: seconds below two minutes, minutes below two hours, then hours; rounded."""
    seconds = spent.total_seconds()
    if seconds < 1:
        return _("less than a second")
    if seconds < _FEW * _MINUTE:
        n = round(seconds)
        return ngettext("%(n)d second", "%(n)d seconds", n) % {"n": n}
    if seconds < _FEW * _HOUR:
        return _("%(n)d minutes") % {"n": round(seconds / _MINUTE)}
    return _("%(n).1f hours") % {"n": seconds / _HOUR}
