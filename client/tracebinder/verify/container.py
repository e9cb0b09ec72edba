"""The ZIP, read so that it can mean only one thing: step 1 of the verification.

`zipfile` reads the central directory; what it tolerates and other tools might read differently is refused.
"""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from tracebinder.verify.errors import BinderFailed, BinderMalformed

CHUNK: Final = 1 << 16
_LOCAL_HEADER: Final = struct.Struct("<4s5H3L2H")
_LOCAL_MARK: Final = b"PK\x03\x04"
_END_MARK: Final = b"PK\x05\x06"
_END_SIZE: Final = 22  # bytes of the last record, when it has no comment
_DESCRIPTOR_MARK: Final = b"PK\x07\x08"
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_HAS_DESCRIPTOR: Final = 0x8
_UTF8: Final = 0x800
_IN_ZIP64_EXTRA: Final = 0xFFFFFFFF
_UNICODE_PATH_EXTRA: Final = 0x7075
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\:]")
# What `zipfile` and `zlib` raise on bytes that are not what the directory promised.
_FOREIGN_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a binder may ask of the machine that verifies it."""

    total: int = 64 << 30  # bytes, all members unpacked
    ratio: int = 400  # unpacked bytes for one packed byte, over the whole ZIP
    members: int = 1_000_000
    document: int = 64 << 20  # bytes of one JSON document or manifest, which is held in memory
    line: int = 16 << 20  # bytes of one line of a .jsonl file


class Container:
    """An open binder: its top folder, and its members by path below it."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits) -> None:
        self._archive = archive
        self.limits = limits
        self.top = ""
        self.members: dict[str, zipfile.ZipInfo] = {}

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield a member's content.

        Raises:
            BinderFailed: no such member, or its bytes are damaged.
        """
        info = self.members.get(path)
        if info is None:
            raise BinderFailed("missing from the binder", member=path)
        with _damage(path), self._archive.open(info) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    def read(self, path: str) -> bytes:
        """Return a member that is small enough to hold in memory.

        Raises:
            BinderMalformed: larger than the limit for documents.
            BinderFailed: as `chunks`.
        """
        info = self.members.get(path)
        if info is not None and info.file_size > self.limits.document:
            raise BinderMalformed(f"larger than {self.limits.document} bytes", member=path)
        return b"".join(self.chunks(path))

    def lines(self, path: str) -> Iterator[bytes]:
        """Yield a member's lines without their line feed.

        Raises:
            BinderMalformed: a line is over the limit, or the last has no line feed.
            BinderFailed: as `chunks`.
        """
        pending = b""
        for chunk in self.chunks(path):
            *complete, pending = (pending + chunk).split(b"\n")
            yield from complete
            if len(pending) > self.limits.line:
                raise BinderMalformed(f"a line is longer than {self.limits.line} bytes", member=path)
        if pending:
            raise BinderMalformed("the last line has no line feed", member=path)

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a member's content, in hexadecimal. Raises as `chunks`."""
        digest = hashlib.sha256()
        for chunk in self.chunks(path):
            digest.update(chunk)
        return digest.hexdigest()


@contextmanager
def open_container(path: Path, limits: Limits) -> Iterator[Container]:
    """Open a binder's ZIP and check its structure; the content is read later, member by member.

    Raises:
        BinderMalformed: anything in the container that could be read in two ways, or is over a limit.
    """
    with ExitStack() as stack:
        with _unreadable():
            file = stack.enter_context(path.open("rb"))
            archive = stack.enter_context(zipfile.ZipFile(file))
            container = Container(archive, limits)
            _check_structure(container, file, archive)
        yield container


@contextmanager
def _unreadable() -> Iterator[None]:
    try:
        yield
    except _FOREIGN_ERRORS as exc:
        raise BinderMalformed(f"not a readable ZIP: {exc}") from exc


@contextmanager
def _damage(path: str) -> Iterator[None]:
    try:
        yield
    except _FOREIGN_ERRORS as exc:
        raise BinderFailed(f"its bytes are damaged: {exc}", member=path) from exc


def _check_structure(container: Container, file: BinaryIO, archive: zipfile.ZipFile) -> None:
    size = file.seek(0, 2)
    file.seek(size - _END_SIZE)
    end = file.read(_END_SIZE)
    if not end.startswith(_END_MARK) or not end.endswith(bytes(2)) or archive.comment:
        raise BinderMalformed("the ZIP has a comment, or bytes after its end")
    entries = sorted(archive.infolist(), key=lambda info: info.header_offset)
    _check_limits(entries, container.limits, size)
    position = 0
    for info in entries:
        _check_entry(info)
        position = _check_local_header(file, info, position)
    if position != archive.start_dir:
        raise BinderMalformed("bytes between the last member and the directory")
    container.top, container.members = _below_top(entries)


def _check_limits(entries: list[zipfile.ZipInfo], limits: Limits, size: int) -> None:
    total = sum(info.file_size for info in entries)
    if not entries or len(entries) > limits.members:
        raise BinderMalformed(f"the ZIP has {len(entries)} members")
    if total > limits.total or total > limits.ratio * size:
        raise BinderMalformed(f"the ZIP would unpack to {total} bytes, from {size}")


def _check_entry(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    kind = stat.S_IFMT(info.external_attr >> 16)
    checks = {
        "is encrypted": info.flag_bits & _ENCRYPTED,
        "is packed by a method other than stored or deflate": info.compress_type not in {0, 8},
        "is a link or a special file": kind not in {0, stat.S_IFREG, stat.S_IFDIR},
        "is a folder with content": info.is_dir() and info.file_size,
        "has a comment": info.comment,
        "has a second name": _UNICODE_PATH_EXTRA in _extra_kinds(info.extra),
        "has a name that is not marked as UTF-8": not name.isascii() and not info.flag_bits & _UTF8,
        "has an unsafe path": _is_unsafe(name),
    }
    for fault, found in checks.items():
        if found:
            raise BinderMalformed(f"a member {fault}", member=name)


def _extra_kinds(extra: bytes) -> set[int]:
    kinds, position = set(), 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        kinds.add(kind)
        position += 4 + length
    return kinds


def _is_unsafe(name: str) -> bool:
    parts = name.removesuffix("/").split("/")
    return bool(_FORBIDDEN.search(name)) or any(part in {"", ".", ".."} for part in parts)


def _check_local_header(file: BinaryIO, info: zipfile.ZipInfo, position: int) -> int:
    """Check that the member starts at `position` and its own header agrees; return where the next starts."""
    name = info.orig_filename
    if info.header_offset != position:
        raise BinderMalformed("bytes before this member belong to none", member=name)
    file.seek(position)
    mark, _, flags, method, _, _, crc, packed, _, name_length, extra_length = _LOCAL_HEADER.unpack(
        file.read(_LOCAL_HEADER.size)
    )
    raw_name, raw_extra = file.read(name_length), file.read(extra_length)
    expected_name = name.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
    agrees = (flags, method, raw_name) == (info.flag_bits, info.compress_type, expected_name)
    if mark != _LOCAL_MARK or not agrees or _UNICODE_PATH_EXTRA in _extra_kinds(raw_extra):
        raise BinderMalformed("the member's own header disagrees with the directory", member=name)
    end: int = position + _LOCAL_HEADER.size + name_length + extra_length + info.compress_size
    if flags & _HAS_DESCRIPTOR:
        return end + _descriptor_size(file, info, end)
    if crc != info.CRC or packed not in {info.compress_size, _IN_ZIP64_EXTRA}:
        raise BinderMalformed("the member's own header has another checksum or size", member=name)
    return end


def _descriptor_size(file: BinaryIO, info: zipfile.ZipInfo, position: int) -> int:
    file.seek(position)
    found = file.read(24)
    for layout in ("<LQQ", "<LLL"):
        try:
            expected = struct.pack(layout, info.CRC, info.compress_size, info.file_size)
        except struct.error:  # sizes over 4 GiB do not fit the short form, so it cannot be that one
            continue
        for mark in (_DESCRIPTOR_MARK, b""):
            if found.startswith(mark + expected):
                return len(mark + expected)
    raise BinderMalformed("the member's descriptor disagrees with the directory", member=info.orig_filename)


def _below_top(entries: list[zipfile.ZipInfo]) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    tops = {info.orig_filename.partition("/")[0] for info in entries}
    if len(tops) != 1 or any("/" not in info.orig_filename for info in entries):
        raise BinderMalformed("a binder has exactly one top folder")
    members: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    for info in entries:
        path = info.orig_filename.partition("/")[2]
        fold = unicodedata.normalize("NFC", path.removesuffix("/")).casefold()
        if fold in folded:
            raise BinderMalformed("two members have the same name on some systems", member=path)
        folded.add(fold)
        if not info.is_dir():
            members[path] = info
    return tops.pop(), members
