"""What a file of any kind says, as texts, and the file again with other texts in it. Free of Django.

Archives and compressed files are opened, one inside the other; texts are read as UTF-8, UTF-16 or UTF-32. What nobody
here can look into is said to be opaque: whether somebody's words are in it, no search can tell.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_ZIP: Final = b"PK\x03\x04"
_DEEPEST: Final = 6  # archives inside each other; what lies deeper is not opened
_MOST: Final = 2**30  # bytes of one opened file; a larger one is not read
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, OSError, EOFError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Squeezer:
    """A way to make one file smaller."""

    magic: bytes
    open: Callable[[io.BytesIO], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]
    squeeze: Callable[[bytes], bytes]


_SQUEEZERS: Final = (
    _Squeezer(
        b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream), lambda data: gzip.compress(data, mtime=0)
    ),
    _Squeezer(b"BZh", bz2.BZ2File, bz2.compress),
    _Squeezer(b"\xfd7zXZ\x00", lzma.LZMAFile, lzma.compress),
)
_SEALED: Final = (
    _ZIP,
    *(squeezer.magic for squeezer in _SQUEEZERS),
    b"%PDF",
)  # once they could not be opened


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive, or the one in a compressed file."""

    name: str  # empty in a compressed file
    data: bytes
    info: zipfile.ZipInfo | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text and how it is written: `encode` gives the same bytes back."""

    text: str
    encoding: str
    is_clear: bool  # False: bytes that are no text of this encoding stand in it

    def encode(self, text: str) -> bytes:
        """Return another text, written as this one was."""
        return text.encode(self.encoding, "surrogateescape" if self.encoding == "utf-8" else "surrogatepass")


def members_of(data: bytes) -> list[Member] | None:
    """Return what an archive or a compressed file holds; None: it is neither, or one that nobody could read."""
    try:
        if data.startswith(_ZIP):
            return _read_zip(data)
        for squeezer in _SQUEEZERS:
            if data.startswith(squeezer.magic):
                return [Member("", _read_up_to(squeezer.open(io.BytesIO(data))))]
    except _BROKEN:
        return None
    return None


def pack(data: bytes, members: list[Member]) -> bytes:
    """Return the archive or compressed file with these members instead of its own."""
    for squeezer in _SQUEEZERS:
        if data.startswith(squeezer.magic):
            return squeezer.squeeze(members[0].data)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as target:
        for member in members:
            info = member.info or zipfile.ZipInfo(member.name)
            target.writestr(info, member.data, info.compress_type)
    return written.getvalue()


def read_text(data: bytes) -> Text:
    """Return the text of a file, whatever it is; a byte order mark stays in it."""
    encoding = json.detect_encoding(data[:4]).removesuffix("-sig")
    if encoding in {"utf-16", "utf-32"}:
        encoding += "-le" if data.startswith(b"\xff\xfe") else "-be"
    try:
        read = Text(data.decode(encoding), encoding, is_clear=True)
    except UnicodeDecodeError:
        read = None
    if read is not None and "\x00" not in read.text and read.encode(read.text) == data:
        return read
    return Text(data.decode("utf-8", "surrogateescape"), "utf-8", is_clear=False)


def texts_of(data: bytes, depth: int = 0) -> Iterator[str]:
    """Yield every text in a file, the names in an archive among them."""
    members = members_of(data) if depth < _DEEPEST else None
    if members is None:
        yield read_text(data).text
        return
    for member in members:
        yield member.name
        yield from texts_of(member.data, depth + 1)


def is_opaque(data: bytes, depth: int = 0) -> bool:
    """Whether a file, or one in it, cannot be looked into: a format that nobody here reads, encrypted or damaged."""
    members = members_of(data) if depth < _DEEPEST else None
    if members is None:
        return data.startswith(_SEALED) or not read_text(data).is_clear
    return any(is_opaque(member.data, depth + 1) for member in members)


def _read_zip(data: bytes) -> list[Member]:
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        if sum(info.file_size for info in source.infolist()) > _MOST:
            raise ValueError("it unpacks to more than is read")
        return [Member(info.filename, source.read(info), info) for info in source.infolist()]


def _read_up_to(stream: gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile) -> bytes:
    with stream:
        data = stream.read(_MOST + 1)
    if len(data) > _MOST:
        raise ValueError("it unpacks to more than is read")
    return bytes(data)
