"""What became of a version, step by step, for its page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from evidence.admin.frame.display import badge
from evidence.admin.frame.people import names_of, show_actor


class Move(Protocol):
    """A step of a version: to which state, by whom, why, when."""

    to_state: str
    by: str
    reason: str
    at: datetime


def show_life(steps: Iterable[Move]) -> str:
    """Return the steps as a list, in their order; nothing where there are none."""
    moves = list(steps)
    names = names_of(move.by for move in moves)
    rows = format_html_join(
        "",
        "<li>{} UTC: {} {}{}</li>",
        (
            (
                f"{move.at:%Y-%m-%d %H:%M}",
                badge(move.to_state),
                format_html(_("by {}"), show_actor(move.by, names)),
                f", “{move.reason}”" if move.reason else "",
            )
            for move in moves
        ),
    )
    return format_html("<ol class='tb-life'>{}</ol>", rows) if rows else ""
