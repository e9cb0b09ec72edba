"""Units in the language of the reader. What is stored stays as it is, and a unit that nobody knows is shown so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import pgettext_lazy
from django_stubs_ext import StrOrPromise

SHARE: Final = "share"
# Of checks and probes, all; of what runners send, the common ones.
_UNITS: Final[Mapping[str, StrOrPromise]] = {
    SHARE: pgettext_lazy("unit", "share"),
    "alpha": pgettext_lazy("unit", "alpha"),
    "correlation": pgettext_lazy("unit", "correlation"),
    "days": pgettext_lazy("unit", "days"),
    "difference": pgettext_lazy("unit", "difference"),
    "facts": pgettext_lazy("unit", "facts"),
    "hours": pgettext_lazy("unit", "hours"),
    "log-odds": pgettext_lazy("unit", "log-odds"),
    "milliseconds": pgettext_lazy("unit", "milliseconds"),
    "minutes": pgettext_lazy("unit", "minutes"),
    "nats": pgettext_lazy("unit", "nats"),
    "nats per token": pgettext_lazy("unit", "nats per token"),
    "pairs": pgettext_lazy("unit", "pairs"),
    "places": pgettext_lazy("unit", "places"),
    "points": pgettext_lazy("unit", "points"),
    "probability": pgettext_lazy("unit", "probability"),
    "requests": pgettext_lazy("unit", "requests"),
    "seconds": pgettext_lazy("unit", "seconds"),
    "sets of heads": pgettext_lazy("unit", "sets of heads"),
    "share of attention": pgettext_lazy("unit", "share of attention"),
    "share of the spread": pgettext_lazy("unit", "share of the spread"),
    "share of what features write": pgettext_lazy("unit", "share of what features write"),
    "statements": pgettext_lazy("unit", "statements"),
    "tokens": pgettext_lazy("unit", "tokens"),
}


def unit_in_words(unit: str) -> str:
    """Return a unit in the reader's language."""
    return str(_UNITS.get(unit, unit))


def whole_of(unit: str) -> tuple[float, ...]:
    """Return the scale on which values of a unit are shown whole; nothing where it has no ends."""
    return (0.0, 1.0) if unit == SHARE else ()
