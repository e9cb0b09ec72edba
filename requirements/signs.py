"""Characters that no text of a requirement may hold: nobody sees them, and they change what is read. Free of Django.

Control characters, line and paragraph separators, surrogates, signs that turn the direction of what follows, and signs
without any width. Joiners (U+200C, U+200D) are kept, which Persian and Hindi are written with, and so are the selectors
of an emoji's look.
"""

from __future__ import annotations

import re
from typing import Final

from evidence.worded import Worded, worded

# Of a character class. Tab and line ends are no control characters here.
_UNSEEN: Final = (
    "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f"  # controls
    "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"  # of direction: Unicode's Bidi_Control
    "\\u00ad\\u180e\\u200b\\u2060-\\u2065\\u206a-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e007f"  # without width
    "\\u2028\\u2029"  # ends of lines to some readers only
    "\\ud800-\\udfff\\ufffe\\uffff"  # no characters
)
UNSEEN: Final = re.compile(f"[{_UNSEEN}]")
_CONTROLS: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f]")
_TURNS: Final = re.compile("[\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]")


def name_of(character: str) -> str:
    """Return how a character is named in a message: `U+200B`."""
    return f"U+{ord(character):04X}"


def fault_in(text: str) -> Worded | None:
    """Return what is wrong with a text, as the end of a sentence; None where nothing is."""
    found = UNSEEN.search(text)
    if found is None:
        return None
    character = found[0]
    if _CONTROLS.match(character):
        what = worded("a control character")
    elif _TURNS.match(character):
        what = worded("which turns the direction of what follows")
    elif "\ud800" <= character <= "\udfff":
        what = worded("half of a surrogate pair: write the character itself")
    else:
        what = worded("which nobody sees")
    return worded("holds %(character)s, %(what)s", character=name_of(character), what=what)
