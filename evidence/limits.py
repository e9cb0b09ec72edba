"""How many of a thing one request may name. Each limit is a setting, and whoever meets it is told which."""

from __future__ import annotations

from django.conf import settings

from evidence.errors import InvalidInput
from evidence.worded import Worded, worded


def excess(count: int, setting: str) -> Worded | None:
    """Return why a number of things is too many, as the end of a sentence; None where it is not.

    Args:
        setting: the name in `settings`; its environment variable is called `TRACEBINDER_` and the same.
    """
    most: int = getattr(settings, setting)
    if count <= most:
        return None
    return worded(
        "%(count)s are named, and TRACEBINDER_%(setting)s allows %(most)s",
        count=f"{count:,}",
        setting=setting,
        most=f"{most:,}",
    )


def check_count(count: int, setting: str, what: Worded) -> None:
    """See that a request names no more than the setting allows.

    Args:
        what: whose things they are, as the beginning of the sentence: "The pins of a release".

    Raises:
        InvalidInput: it names more.
    """
    if found := excess(count, setting):
        raise InvalidInput(worded("%(what)s: %(excess)s.", what=what, excess=found))
