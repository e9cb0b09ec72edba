"""Characters that nobody sees, shown as marks: they turn the order of what is read, or hide text in text. Django-free.

Evidence is other people's text. A text with U+202E in it reads backwards from there, and a name with U+200B in it is
another name that looks the same. So wherever a person reads it, each such character stands as `⟦U+202E⟧`; what is
stored, signed, exported and sent by API is as it came.

Which ones: Unicode's general categories Cf, Zl, Zp and Cc, but for tab and line ends and for the signs of category Cf
that are seen (U+0600 and its like); the fillers and blanks that look like nothing; and variation selectors, in which
text can be hidden, but for the two that choose how an emoji looks.
"""

from __future__ import annotations

import re
from typing import Final

_RANGES: Final = (
    (0x0000, 0x0008), (0x000B, 0x000C), (0x000E, 0x001F), (0x007F, 0x009F),  # controls; terminals obey some
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F),  # zero width, and of both directions
    (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0D), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF9, 0xFFFB),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE007F), (0xE0100, 0xE01EF),
)  # fmt: skip
SIGNS: Final = "".join(
    re.escape(chr(first)) + "-" + re.escape(chr(last)) for first, last in _RANGES
)  # of a character class
HIDDEN: Final = re.compile(f"[{SIGNS}]")

# In a page: as elsewhere, but not inside of what a browser sends back or a script reads.
_IN_PAGE: Final = re.compile(
    rf"(<textarea\b.*?</textarea>|<script\b.*?</script>|\bvalue=\"[^\"]*\"|\bvalue='[^']*')|([{SIGNS}])",
    re.DOTALL | re.IGNORECASE,
)


def show_hidden(text: str) -> str:
    """Return a text with a mark in place of each character that nobody sees."""
    return HIDDEN.sub(lambda found: mark_of(found[0]), text)


def show_hidden_in_page(html: str) -> str:
    """Return a page with such marks, but in fields of forms and in scripts, which are not to be changed."""
    return _IN_PAGE.sub(lambda found: found[1] or mark_of(found[2]), html) if HIDDEN.search(html) else html


def mark_of(character: str) -> str:
    """Return what is shown in place of a character."""
    return f"⟦U+{ord(character):04X}⟧"
