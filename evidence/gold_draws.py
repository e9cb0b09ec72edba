"""When a reviewer is given the next gold answer, and which: by a secret that was settled before. Pure, so that anybody
who reads the rows draws the same again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

_DOMAIN: Final = b"tracebinder gold answer\n"


def reviews_until_next(seed: str, every: int) -> int:
    """Return after how many more reviews the next gold answer is due: 1 to 2 * every - 1, each as likely.

    Args:
        seed: 32 bytes, hexadecimal.
        every: reviews on average, 1 or more.
    """
    return 1 + _number(seed, "when") % (2 * every - 1)


def pick(seed: str, among: Iterable[int]) -> int:
    """Return the gold answer that a secret draws from these keys: the one with the smallest hash.

    Raises:
        ValueError: there is none to draw from.
    """
    return min(among, key=lambda key: _number(seed, f"which {key}"))


def _number(seed: str, what: str) -> int:
    return int.from_bytes(hashlib.sha256(_DOMAIN + bytes.fromhex(seed) + what.encode()).digest())
