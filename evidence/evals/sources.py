"""The bytes of a posted eval file, read from where they lie: never all in memory. Free of Django.

A runner writes one file, or a folder of them; a folder is posted as one ZIP. Who posts it may lie about what is in it,
so a member is unpacked a piece at a time, and never to more than the archive said and the limits allow.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, Final

from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

from evidence.evals.contracts import CUT_SHORT, EvalFileError

HEAD: Final = 64 * 1024  # bytes of a file that tell what it is
_ZIP: Final = b"PK\x03\x04"
_PIECE: Final = 64 * 1024  # bytes read at once
_SPLIT: Final = "post the run in parts, or raise TRACEBINDER_EVAL_MAX_"
_STORED, _DEFLATED, _ZSTD = 0, 8, 93  # how a member may be packed
_ENCRYPTED: Final = 0x1  # flag bit of a member
_UTF8: Final = 0x800  # flag bit: its name is UTF-8

# APPNOTE.TXT, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16.
_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_END_MAGIC: Final = b"PK\x05\x06"
_ENTRY_MAGIC: Final = b"PK\x01\x02"
_IN_64: Final = 0xFFFFFFFF  # instead of a number: it stands in the ZIP64 part
_LONG_END: Final = _END.size + 65_535  # bytes: the longest end record, with its comment
_LONGEST_ENTRY: Final = 1024  # bytes of an entry of the directory: runners write about a hundred
_MOST_SEEK: Final = 2**62  # bytes
# A window of 2 to the power of it, in bytes: 8 MiB, what each decoder should take (RFC 8878, 3.1.1.1.2).
_ZSTD_OPTIONS: Final[dict[int, int]] = {DecompressionParameter.window_log_max: 23}


@dataclass(frozen=True, slots=True)
class UnpackLimits:
    """What an archive may come to."""

    members: int = 250_000
    unpacked: int = 8 * 2**30  # bytes, of all members together
    member: int = 512 * 2**20  # bytes, of one
    ratio: int = 200  # unpacked bytes for each packed one, beyond the first MiB
    whole: int = 64 * 2**20  # bytes of a file that a reader needs in memory at once


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a posted ZIP."""

    offset: int  # of its own header
    packed: int  # bytes
    size: int  # bytes, unpacked
    checksum: int  # CRC-32 of what was unpacked
    method: int


class Source:
    """A posted file, and the members of it where it is a ZIP. One thing of it is read at a time.

    Args:
        file: seekable.
        name: as whoever posted it calls it; may be empty.
        size: bytes.
    """

    def __init__(self, file: BinaryIO, name: str, size: int, limits: UnpackLimits | None = None) -> None:
        self._file = file
        self.name = name
        self.size = size
        self._limits = limits or UnpackLimits()

    @classmethod
    def of_bytes(cls, data: bytes, name: str = "") -> Source:
        """Return a source of bytes that are in memory already."""
        return cls(io.BytesIO(data), name, len(data))

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a ZIP."""
        self._file.seek(0)
        return self._file.read(len(_ZIP)) == _ZIP

    @cached_property
    def members(self) -> Mapping[str, Member]:
        """The files in the ZIP by name, in the order of its directory; of a name that stands twice, the last.

        Raises:
            EvalFileError: it is no ZIP that can be read, or one beyond the limits.
        """
        return _read_directory(self._file, self.size, self._limits)

    def head(self) -> bytes:
        """Return what a format is told by: the first bytes; of a ZIP its magic, and its members' names, a line each."""
        if not self.is_folder:
            self._file.seek(0)
            return self._file.read(HEAD)
        return b"\n".join([_ZIP, *(name.encode("utf-8", "replace") for name in self.members)])[:HEAD]

    def open(self) -> BinaryIO:
        """Return the file, at its beginning."""
        self._file.seek(0)
        return self._file

    def read_whole(self) -> bytes:
        """Return all bytes, for a reader that cannot do with less.

        Raises:
            EvalFileError: they are too many for that.
        """
        if self.size > self._limits.whole:
            raise EvalFileError(
                [
                    f"the file has {self.size:,} bytes; of this format {self._limits.whole:,} are read; {_SPLIT}WHOLE"
                ]
            )
        return self.open().read()

    def open_member(self, name: str) -> BinaryIO:
        """Return one member, to be read from its beginning to its end.

        Raises:
            EvalFileError: there is none of this name, or it is packed in a way that is not known here. While it is
                read: its bytes are not what the archive says of them.
        """
        member = self.members.get(name)
        if member is None:
            raise EvalFileError([f"{name}: is not in the ZIP; {CUT_SHORT}"])
        return io.BufferedReader(_Unpacked(self._file, name, member), _PIECE)


class _Unpacked(io.RawIOBase):
    """A member while it is read: unpacked piece by piece, counted, and compared with its checksum at the end."""

    def __init__(self, file: BinaryIO, name: str, member: Member) -> None:
        self._name, self._member = name, member
        self._pieces = _unpack(_read_packed(file, name, member), name, member.method)
        self._rest = memoryview(b"")  # of the last piece, not read yet
        self._given, self._checksum = 0, 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes, as many as there are at once."""
        if not self._rest:
            self._rest = memoryview(self._next_piece())
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _next_piece(self) -> bytes:
        try:
            piece = next(self._pieces, b"")
        except (zlib.error, ZstdError, EOFError) as exc:
            raise EvalFileError([f"{self._name}: cannot be unpacked: {exc}; {CUT_SHORT}"]) from exc
        self._given += len(piece)
        self._checksum = zlib.crc32(piece, self._checksum)
        if self._given > self._member.size:
            raise EvalFileError([f"{self._name}: unpacks to more than the ZIP says; {CUT_SHORT}"])
        if not piece and (self._given, self._checksum) != (self._member.size, self._member.checksum):
            raise EvalFileError(
                [f"{self._name}: is damaged: its bytes are not those that the ZIP says; {CUT_SHORT}"]
            )
        return piece


def _read_packed(file: BinaryIO, name: str, member: Member) -> Iterator[bytes]:
    """Yield the packed bytes of a member; something else of the file may be read in between."""
    file.seek(member.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(_ZIP):
        raise EvalFileError([f"{name}: is not where the ZIP says; {CUT_SHORT}"])
    *_, name_length, extra_length = _LOCAL.unpack(header)
    at = member.offset + _LOCAL.size + name_length + extra_length
    end = at + member.packed
    while at < end:
        file.seek(at)
        piece = file.read(min(_PIECE, end - at))
        if not piece:
            return
        at += len(piece)
        yield piece


def _unpack(packed: Iterator[bytes], name: str, method: int) -> Iterator[bytes]:
    """Yield the bytes of a member, never more than a piece at once."""
    if method == _STORED:
        return packed
    if method == _DEFLATED:
        return _inflate(packed)
    if method == _ZSTD:
        return _unpack_zstd(packed)
    raise EvalFileError(
        [f"{name}: is packed by method {method}; deflate and zstd are read: pack it by one of these"]
    )


def _inflate(packed: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in packed:
        rest = piece
        while rest and not unpacker.eof:
            if data := unpacker.decompress(rest, _PIECE):
                yield data
            rest = unpacker.unconsumed_tail
    if data := unpacker.flush():
        yield data


def _unpack_zstd(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Several frames may stand one after the other."""
    unpacker: ZstdDecompressor | None = None
    for piece in packed:
        rest = piece
        while rest or not (unpacker is None or unpacker.needs_input):
            if unpacker is None:
                unpacker = ZstdDecompressor(options=_ZSTD_OPTIONS)
            data, rest = unpacker.decompress(rest, _PIECE), b""
            if data:
                yield data
            if unpacker.eof:
                rest, unpacker = unpacker.unused_data, None


# --- The directory of a ZIP ------------------------------------------------------------------------------------
def _read_directory(file: BinaryIO, size: int, limits: UnpackLimits) -> dict[str, Member]:
    """Return the members by name. Read by hand: what is too many is refused before it is in memory."""
    at, length = _find_directory(file, size)
    if length > limits.members * _LONGEST_ENTRY:
        raise EvalFileError([f"the ZIP holds more than {limits.members:,} files; {_SPLIT}MEMBERS"])
    file.seek(at)
    directory = file.read(length)
    members: dict[str, Member] = {}
    count = unpacked = packed = offset = 0
    while offset + _ENTRY.size <= length:
        name, member, offset = _read_entry(directory, offset)
        count, unpacked, packed = count + 1, unpacked + member.size, packed + member.packed
        if count > limits.members:
            raise EvalFileError([f"the ZIP holds more than {limits.members:,} files; {_SPLIT}MEMBERS"])
        if not name.endswith("/"):
            _check_member(name, member, limits)
            members[name] = member
    _check_whole(unpacked, packed, size, limits)
    return members


def _check_member(name: str, member: Member, limits: UnpackLimits) -> None:
    if member.size > limits.member:
        raise EvalFileError(
            [
                f"{name[:200]}: unpacks to {member.size:,} bytes; one file may have {limits.member:,}; {_SPLIT}MEMBER"
            ]
        )


def _check_whole(unpacked: int, packed: int, size: int, limits: UnpackLimits) -> None:
    if packed > size:
        raise EvalFileError(
            ["the ZIP says that it holds more than it has, as files in it lie over each other: pack it again"]
        )
    if unpacked > limits.unpacked:
        raise EvalFileError(
            [f"the ZIP unpacks to {unpacked:,} bytes; {limits.unpacked:,} are allowed; {_SPLIT}UNPACKED"]
        )
    if unpacked > 2**20 + limits.ratio * packed:
        raise EvalFileError(
            [f"the ZIP unpacks to more than {limits.ratio} times its size; raise TRACEBINDER_EVAL_MAX_RATIO"]
        )


def _find_directory(file: BinaryIO, size: int) -> tuple[int, int]:
    """Return where the directory begins and its length, in bytes."""
    tail_at = max(0, size - _LONG_END)
    file.seek(tail_at)
    tail = file.read(_LONG_END)
    found = tail.rfind(_END_MAGIC)
    if found < 0 or len(tail) - found < _END.size:
        raise EvalFileError([f"the ZIP has no directory; {CUT_SHORT}"])
    _, _, _, _, _, length, at, _ = _END.unpack_from(tail, found)
    if _IN_64 in {at, length}:
        at, length = _find_directory_64(file, tail_at + found)
    if at + length > size:
        raise EvalFileError([f"the ZIP's directory lies outside of it; {CUT_SHORT}"])
    return at, length


def _find_directory_64(file: BinaryIO, end_at: int) -> tuple[int, int]:
    record_at = _unpack_at(file, max(0, end_at - _LOCATOR_64.size), _LOCATOR_64)[2]
    *_, length, at = _unpack_at(file, record_at, _END_64)
    return at, length


def _unpack_at(file: BinaryIO, at: int, shape: struct.Struct) -> tuple[Any, ...]:
    if at > _MOST_SEEK:
        raise EvalFileError([f"the ZIP's directory lies outside of it; {CUT_SHORT}"])
    file.seek(at)
    data = file.read(shape.size)
    if len(data) < shape.size:
        raise EvalFileError([f"the ZIP's directory lies outside of it; {CUT_SHORT}"])
    return shape.unpack(data)


def _read_entry(directory: bytes, offset: int) -> tuple[str, Member, int]:
    """Return name and member of one entry, and where the next begins."""
    (
        magic, _, _, flags, method, _, _, checksum, packed, size, name_length, extra_length, comment_length,
        _, _, _, at,
    ) = _ENTRY.unpack_from(directory, offset)  # fmt: skip
    if magic != _ENTRY_MAGIC:
        raise EvalFileError([f"the ZIP's directory is damaged; {CUT_SHORT}"])
    name_at = offset + _ENTRY.size
    extra_at = name_at + name_length
    raw = directory[name_at:extra_at]
    name = raw.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    if flags & _ENCRYPTED:
        raise EvalFileError([f"{name[:200]}: is encrypted: pack it without a password"])
    _check_path(name)
    extra = directory[extra_at : extra_at + extra_length]
    size, packed, at = _widen(extra, (size, packed, at))
    return name, Member(at, packed, size, checksum, method), extra_at + extra_length + comment_length


def _check_path(name: str) -> None:
    """See that a name stays in its folder. Nothing is ever written by its name; who reads it may be misled by it.

    A backslash by itself leads nowhere: Inspect names a member by the id of its sample, whatever is in it.
    """
    steps = name.replace("\\", "/").split("/")
    if not steps[0] or "\x00" in name or ".." in steps or ":" in name[:2]:
        raise EvalFileError(
            [f"{name[:200]!r}: leaves the ZIP's own folder: pack the folder of the run by itself"]
        )


def _widen(extra: bytes, given: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return unpacked size, packed size and offset, from the ZIP64 field where they do not fit in 32 bits."""
    if _IN_64 not in given:
        return given
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            wide = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            size, packed, offset = (next(wide, one) if one == _IN_64 else one for one in given)
            return size, packed, offset
        at += 4 + length
    return given
