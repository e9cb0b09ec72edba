"""Deflate in a thread of its own, so that packing and reading go on side by side: zlib lets go of the interpreter."""

from __future__ import annotations

import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

LEVEL: Final = 2  # another one, or another zlib, gives the ZIP other bytes; the bag inside stays
_AHEAD: Final = 2  # pieces of a file that may wait to be packed


class DeflateBeside:
    """What `zlib.compressobj` makes, by a thread: the same bytes, some of them handed out a few calls later."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread
        self._deflate = zlib.compressobj(level=LEVEL, wbits=-zlib.MAX_WBITS)
        self._packing: deque[Future[bytes]] = deque()

    def compress(self, data: bytes) -> bytes:
        """Take more of a file, and return what is packed of what came before."""
        self._packing.append(self._thread.submit(self._deflate.compress, data))
        return self._packing.popleft().result() if len(self._packing) > _AHEAD else b""

    def flush(self) -> bytes:
        """Return the rest, once there is no more."""
        packed = [piece.result() for piece in self._packing]
        return b"".join([*packed, self._deflate.flush()])
