"""How often a process that serves looks for garbage: seldom, and hardly ever twice among what stays.

Nearly all that a request makes is freed once nothing refers to it. What is left for Python to look for are rings, and
each time that the number of objects has grown by a quarter it looks through all there are: code, models and addresses
again and again, which never go. Of asking what a release would do to 2,000 requirements that was a third of the time.

What comes later and stays is as much: templates, what is imported when first needed, what pages keep of whole systems
(`evidence.kept_until_written`). So whatever a look through everything leaves is left alone from then on, as what was
loaded at the start is. Of that, what nothing refers to any more is freed as ever. Only rings stay that were in use at
that moment, as those of the request that was being answered, with all that it brought: so each `_ALL_AFTER` looks one
goes through all there is, and sooner where what is left alone has grown by a quarter since.
"""

from __future__ import annotations

import gc
from typing import Any, Final

_YOUNG: Final = 10_000  # objects more than were freed; then those that came since are looked through
# Of Python's generations: a look through it is one through everything that is not left alone.
_OLDEST: Final = 2
_ALL_AFTER: Final = 8  # of those looks: rings of so many requests stay at most
_GROWN: Final = 1.25  # of what the last look through all left


def collect_seldom(*, forks: bool = False) -> None:
    """Leave alone what is there by now, and look through what comes after less often. Called once all is loaded.

    Args:
        forks: whether processes are forked from this one. What is there is shared by them for as long as nobody looks
            through it, so that none ever does; they answer no pages, and keep little.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    if not forks:
        gc.callbacks.append(_Looks())


class _Looks:
    """Leaves alone what a look through everything found in use; Python calls it before and after each look."""

    def __init__(self) -> None:
        self._since_all = 0  # looks since the last one through all there is
        self._left = gc.get_freeze_count()  # by that one

    def __call__(self, phase: str, told: dict[str, Any]) -> None:
        """Have the look that begins go through all there is, or leave alone what is there after it."""
        if told["generation"] < _OLDEST:
            return
        if phase == "stop":
            gc.freeze()
            if self._since_all == 0:
                self._left = gc.get_freeze_count()
            return
        self._since_all += 1
        if self._since_all >= _ALL_AFTER or gc.get_freeze_count() > _GROWN * self._left:
            self._since_all = 0
            gc.unfreeze()
