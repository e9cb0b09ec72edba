"""How often a process that serves looks for garbage: seldom, and never among what it has loaded.

Nearly all that a request makes is freed once nothing refers to it. What is left for Python to look for are rings, and
each time that the number of objects has grown by a quarter it looks through all there are: code, models and addresses
again and again, which never go. Of asking what a release would do to 2,000 requirements that was a third of the time.
"""

from __future__ import annotations

import gc
from typing import Final

_YOUNG: Final = 10_000  # objects more than were freed; then those that came since are looked through


def collect_seldom() -> None:
    """Leave alone what is there by now, and look through what comes after less often. Called once all is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
