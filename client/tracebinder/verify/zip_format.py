"""The ZIP format (APPNOTE 6.3.10), read so that no two tools can read a file differently.

Tools find members by different roads: by the directory at the end, or by the headers on the way; by 32-bit fields or by
their ZIP64 forms; by a size, or by where the packed stream ends. Here all roads are walked and must meet. Every byte of
the file belongs to exactly one record, and whatever a record says twice it says alike.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

CHUNK: Final = 1 << 16
STORED: Final = 0
DEFLATED: Final = 8

_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_CENTRAL: Final = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_MARKS: Final = {
    _END: b"PK\x05\x06",
    _END64: b"PK\x06\x06",
    _LOCATOR: b"PK\x06\x07",
    _CENTRAL: b"PK\x01\x02",
    _LOCAL: b"PK\x03\x04",
}
_DESCRIPTOR_MARK: Final = b"PK\x07\x08"
_END64_REST: Final = _END64.size - 12  # what that record calls its size

_HAS_DESCRIPTOR: Final = 0x8
_UTF8: Final = 0x800
_EFFORT: Final = 0x6  # how hard a deflater tried
_NEWEST: Final = 45  # "version needed": 4.5 is ZIP64; later ones mean encryption and other methods
_FULL16: Final = 0xFFFF
_FULL32: Final = 0xFFFFFFFF
_FIRST_INEXACT: Final = 2**53  # from here on not every reader tells two numbers apart

_ZIP64_EXTRA: Final = 0x0001
# Times and owners, which `zip` adds, and the mark of `jar`: none of them changes what a member is.
_IDLE_EXTRAS: Final = frozenset({0x5455, 0x7875, 0xCAFE})
_UNIX: Final = 3

# What the headers of a binder say beside name, sizes and checksum, as it is written: no time, owner or attribute.
_BARE_FLAGS: Final = _UTF8 | _HAS_DESCRIPTOR
_BARE_STAMP: Final = (0, 0x21)  # 1980-01-01 00:00, the first that the format has
_BARE_ATTRIBUTES: Final = (stat.S_IFREG | 0o644) << 16


class ZipRefused(ValueError):
    """The file is no ZIP, or one that can be read in two ways; `name` is the member's, where it is about one."""

    def __init__(self, detail: str, name: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.name = name


@dataclass(frozen=True, slots=True)
class Entry:
    """A member, as its two headers agree on it."""

    name: str
    method: int
    crc: int
    packed: int  # bytes in the file
    size: int  # bytes unpacked
    header: int  # where its own header stands
    flags: int
    stamp: tuple[int, int]  # time and date as the format packs them
    extras: frozenset[int]
    mode: int  # as Unix has it; 0: not said

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder's own entry."""
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where the central directory stands, and how many members it lists."""

    begin: int
    size: int
    count: int


def read_entries(file: BinaryIO, *, most: int) -> list[Entry]:
    """Return the members in the order in which they stand, after checking every header.

    Args:
        most: members; a directory that lists more is refused before it is read.

    Raises:
        ZipRefused: anything that tools may read differently, or that belongs to no member.
    """
    directory = _read_end(file)
    if not 0 < directory.count <= most:
        raise ZipRefused(f"the ZIP has {directory.count} members")
    entries = _read_directory(file, directory)
    position = 0
    for entry in entries:
        if entry.header != position:
            raise ZipRefused("bytes before this member belong to none, or it stands out of order", entry.name)
        position = _data_of(file, entry) + entry.packed
        if position > directory.begin:
            raise ZipRefused("its packed bytes reach into the directory", entry.name)
        position += _read_descriptor(file, entry, position)
    if position != directory.begin:
        raise ZipRefused("bytes between the last member and the directory")
    return entries


def is_bare(file: BinaryIO, entries: Sequence[Entry]) -> bool:
    """Whether no byte outside the packed streams is anything but what names and contents make it.

    That is how a binder is written. Otherwise something stands in the file that no signature inside it covers.
    """
    directory = hashlib.sha256()  # of what should follow the members, which may be long
    position = 0
    for entry in entries:
        local, descriptor, central = _bare_headers(entry)
        for at, wanted in ((entry.header, local), (entry.header + len(local) + entry.packed, descriptor)):
            file.seek(at)
            if file.read(len(wanted)) != wanted:
                return False
        position = entry.header + len(local) + entry.packed + len(descriptor)
        directory.update(central)
    size = sum(_CENTRAL.size + len(entry.name.encode()) + 28 for entry in entries)
    directory.update(_bare_end(position, size, len(entries)))
    file.seek(position)
    found = hashlib.sha256()
    while chunk := file.read(CHUNK):
        found.update(chunk)
    return found.digest() == directory.digest()


def _bare_headers(entry: Entry) -> tuple[bytes, bytes, bytes]:
    """Return a member's own header, its descriptor and its header in the directory, as a binder has them."""
    name = entry.name.encode()
    told = (_BARE_FLAGS, DEFLATED, *_BARE_STAMP)
    local = _LOCAL.pack(_MARKS[_LOCAL], _NEWEST, *told, 0, _FULL32, _FULL32, len(name), 20)
    central = _CENTRAL.pack(
        _MARKS[_CENTRAL], _NEWEST, _UNIX, _NEWEST, 0, *told, entry.crc, _FULL32, _FULL32, len(name), 28,
        0, 0, 0, _BARE_ATTRIBUTES, _FULL32,
    )  # fmt: skip
    return (
        local + name + struct.pack("<2H2Q", _ZIP64_EXTRA, 16, 0, 0),
        struct.pack("<4sLQQ", _DESCRIPTOR_MARK, entry.crc, entry.packed, entry.size),
        central + name + struct.pack("<2H3Q", _ZIP64_EXTRA, 24, entry.size, entry.packed, entry.header),
    )


def _bare_end(begin: int, size: int, count: int) -> bytes:
    """Return the records after a binder's directory."""
    long = _END64.pack(_MARKS[_END64], _END64_REST, _NEWEST, _NEWEST, 0, 0, count, count, size, begin)
    locator = _LOCATOR.pack(_MARKS[_LOCATOR], 0, begin + size, 1)
    return long + locator + _END.pack(_MARKS[_END], *[_FULL16] * 4, _FULL32, _FULL32, 0)


def unpack(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """Yield a member's content, checked to the last bit: size, checksum, and that the stream ends with its bytes.

    Raises:
        ZipRefused: it is not what its headers say.
    """
    file.seek(_data_of(file, entry))
    size, checksum = 0, 0
    for chunk in _inflate(file, entry) if entry.method == DEFLATED else _pieces(file, entry):
        size, checksum = size + len(chunk), zlib.crc32(chunk, checksum)
        if size > entry.size:
            break
        yield chunk
    if size != entry.size:
        raise ZipRefused(f"unpacks to another size than the {entry.size} bytes it says", entry.name)
    if checksum != entry.crc:
        raise ZipRefused("its checksum differs", entry.name)


def _pieces(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """Yield the packed bytes; others may read in the file meanwhile."""
    position, left = file.tell(), entry.packed
    while left:
        file.seek(position)
        piece = file.read(min(CHUNK, left))
        if not piece:
            raise ZipRefused("ends before its last byte", entry.name)
        position, left = position + len(piece), left - len(piece)
        yield piece


def _inflate(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in _pieces(file, entry):
        pending = piece
        while pending:
            if stream.eof:
                raise ZipRefused("its packed bytes go on after their stream has ended", entry.name)
            try:
                chunk = stream.decompress(pending, CHUNK)
            except zlib.error as exc:
                raise ZipRefused(f"its bytes are damaged: {exc}", entry.name) from exc
            pending = stream.unused_data or stream.unconsumed_tail
            if chunk:
                yield chunk
    while not stream.eof and (chunk := stream.decompress(b"", CHUNK)):
        yield chunk
    if not stream.eof:
        raise ZipRefused("its packed stream does not end with its bytes", entry.name)


def _read_end(file: BinaryIO) -> _Directory:
    """Return where the directory is, from the records at the very end."""
    at = file.seek(0, 2) - _END.size
    if at < 0:
        raise ZipRefused("not a ZIP: too short")
    _, *disks, here, count, size, begin, comment = _read(file, _END, at)
    if comment:
        raise ZipRefused("the ZIP has a comment")
    locator = at - _LOCATOR.size
    if locator >= 0 and _has_mark(file, _LOCATOR, locator):
        end, directory = _read_end64(file, locator)
    else:
        if _FULL32 in (size, begin) or count == _FULL16:
            raise ZipRefused("the ZIP64 record that its end names is not there")
        end, directory = at, _Directory(begin, size, count)
    told = [
        *((each, 0, _FULL16) for each in disks),
        (here, directory.count, _FULL16),
        (count, directory.count, _FULL16),
    ]
    told += [(size, directory.size, _FULL32), (begin, directory.begin, _FULL32)]
    if any(short not in (true, full if end != at else true) for short, true, full in told):
        raise ZipRefused("the end of the ZIP disagrees with itself or with its ZIP64 record")
    if directory.begin + directory.size != end:
        raise ZipRefused("bytes between the directory and the end")
    return directory


def _read_end64(file: BinaryIO, locator: int) -> tuple[int, _Directory]:
    """Return where the ZIP64 record stands, and what it says."""
    _, disk, at, disks = _read(file, _LOCATOR, locator)
    if (disk, disks) != (0, 1) or at + _END64.size != locator:
        raise ZipRefused("the ZIP64 record is not where it must be")
    _, rest, _, needed, own_disk, disk_of_directory, here, count, size, begin = _read(file, _END64, at)
    if (own_disk, disk_of_directory) != (0, 0) or rest != _END64_REST or here != count or needed > _NEWEST:
        raise ZipRefused("the ZIP64 record is not of the usual form")
    return at, _Directory(begin, size, count)


def _read_directory(file: BinaryIO, directory: _Directory) -> list[Entry]:
    entries = []
    at, end = directory.begin, directory.begin + directory.size
    for _ in range(directory.count):
        entry, at = _read_central(file, at)
        entries.append(entry)
    if at != end:
        raise ZipRefused("the directory lists another number of members than it says")
    return entries


def _read_central(file: BinaryIO, at: int) -> tuple[Entry, int]:
    """Return the member that a directory header lists, and where the next header stands."""
    (
        _, _, _, needed, needed_for, flags, method, time, date, crc, packed, size,
        name_length, extra_length, comment, disk, inner, outer, header,
    ) = _read(file, _CENTRAL, at)  # fmt: skip
    raw, extra = file.read(name_length), file.read(extra_length)
    name = _decode(raw, flags)
    if comment or disk or inner > 1:
        raise ZipRefused("a member has a comment, or lies on another disk", name)
    _check_packing(flags, method, needed, needed_for, name)
    extras = _read_extras(extra, name)
    packed, size, header = _widen(extras.get(_ZIP64_EXTRA), (size, packed, header), name)
    entry = Entry(
        name=name, method=method, crc=crc, packed=packed, size=size, header=header, flags=flags,
        stamp=(time, date), extras=frozenset(extras), mode=outer >> 16,
    )  # fmt: skip
    _check_kind(entry, outer)
    return entry, at + _CENTRAL.size + name_length + extra_length


def _widen(zip64: bytes | None, short: tuple[int, int, int], name: str) -> tuple[int, int, int]:
    """Return packed size, size and place of the header; the ZIP64 field holds those that are full, and no other.

    Args:
        short: size, packed size and place, in the order of that field.
    """
    full = [place for place, value in enumerate(short) if value == _FULL32]
    if len(zip64 or b"") != 8 * len(full):
        raise ZipRefused("the ZIP64 field of a member does not hold what its header leaves to it", name)
    values = list(short)
    for place, value in zip(full, struct.unpack(f"<{len(full)}Q", zip64 or b""), strict=True):
        values[place] = value
    if max(values) >= _FIRST_INEXACT:
        raise ZipRefused("a member says a size or a place that no file has", name)
    size, packed, header = values
    return packed, size, header


def _check_packing(flags: int, method: int, needed: int, needed_for: int, name: str) -> None:
    if method not in (STORED, DEFLATED):
        raise ZipRefused("a member is packed by a method other than stored or deflate", name)
    allowed = _UTF8 | _HAS_DESCRIPTOR | _EFFORT if method == DEFLATED else _UTF8
    if flags & ~allowed:
        raise ZipRefused("a member is encrypted, or of no size that its header says", name)
    if needed > _NEWEST or needed_for not in (0, _UNIX):
        raise ZipRefused("a member needs a newer version of the format", name)


def _check_kind(entry: Entry, attributes: int) -> None:
    """Check that a member is a file or a folder, by whatever one looks at."""
    kind = stat.S_IFMT(entry.mode)
    if kind not in (0, stat.S_IFDIR if entry.is_folder else stat.S_IFREG) or entry.mode & 0o7000:
        raise ZipRefused("a member is a link or a special file", entry.name)
    if bool(attributes & 0x10) > entry.is_folder or attributes & 0xFFFF & ~0x31:
        raise ZipRefused("a member is marked as what its name does not say", entry.name)
    if entry.is_folder and (entry.size or entry.packed):
        raise ZipRefused("a member is a folder with content", entry.name)
    if entry.method == STORED and entry.size != entry.packed:
        raise ZipRefused("a stored member has two sizes", entry.name)


def _data_of(file: BinaryIO, entry: Entry) -> int:
    """Return where a member's packed bytes begin, after checking that its own header agrees with the directory's."""
    _, needed, flags, method, time, date, crc, packed, size, name_length, extra_length = _read(
        file, _LOCAL, entry.header
    )
    raw, extra = file.read(name_length), file.read(extra_length)
    extras = _read_extras(extra, entry.name)
    agrees = (flags, method, (time, date)) == (entry.flags, entry.method, entry.stamp)
    if not agrees or raw != entry.name.encode() or needed & 0xFF > _NEWEST or needed >> 8 not in (0, _UNIX):
        raise ZipRefused("the member's own header disagrees with the directory", entry.name)
    if extras.keys() - {_ZIP64_EXTRA} != entry.extras - {_ZIP64_EXTRA}:
        raise ZipRefused("the member's own header has other fields than the directory", entry.name)
    told = _local_sizes(extras.get(_ZIP64_EXTRA), (size, packed), entry.name)
    true = (entry.crc, entry.size, entry.packed)
    is_told_later = flags & _HAS_DESCRIPTOR and (crc, *told) == (0, 0, 0)
    if (crc, *told) != true and not is_told_later:
        raise ZipRefused("the member's own header has another checksum or size", entry.name)
    return entry.header + _LOCAL.size + name_length + extra_length


def _local_sizes(zip64: bytes | None, short: tuple[int, int], name: str) -> tuple[int, int]:
    """Return size and packed size as the member's own header says them; its ZIP64 field holds both or is not there."""
    if zip64 is None:
        if _FULL32 in short:
            raise ZipRefused("the member's own header leaves its size to a field that is not there", name)
        return short
    if len(zip64) != 16:
        raise ZipRefused("the ZIP64 field of a member's own header does not hold two sizes", name)
    size, packed = struct.unpack("<2Q", zip64)
    if any(told not in (_FULL32, true) for told, true in zip(short, (size, packed), strict=True)):
        raise ZipRefused("the member's own header says two sizes", name)
    return size, packed


def _read_descriptor(file: BinaryIO, entry: Entry, at: int) -> int:
    """Return how many bytes of descriptor follow a member; 0 where its own header has said all."""
    if not entry.flags & _HAS_DESCRIPTOR:
        return 0
    file.seek(entry.header + 26)
    name_length, extra_length = struct.unpack("<2H", file.read(4))
    file.seek(entry.header + _LOCAL.size + name_length)
    is_long = _ZIP64_EXTRA in _read_extras(file.read(extra_length), entry.name)
    layout = "<LQQ" if is_long else "<LLL"
    file.seek(at)
    try:
        wanted = _DESCRIPTOR_MARK + struct.pack(layout, entry.crc, entry.packed, entry.size)
    except struct.error as exc:
        raise ZipRefused("the member is too large for its descriptor", entry.name) from exc
    if file.read(len(wanted)) != wanted:
        raise ZipRefused("the member's descriptor disagrees with the directory", entry.name)
    return len(wanted)


def _read_extras(extra: bytes, name: str) -> dict[int, bytes]:
    """Return the extra fields by kind; only those that change nothing about what a member is."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(extra):
        if at + 4 > len(extra):
            raise ZipRefused("bytes of a header belong to no field", name)
        kind, length = struct.unpack_from("<2H", extra, at)
        value = extra[at + 4 : at + 4 + length]
        if kind in found or len(value) != length or kind not in {_ZIP64_EXTRA, *_IDLE_EXTRAS}:
            raise ZipRefused(f"a member has a field of kind {kind:#06x} that it may not have", name)
        found[kind] = value
        at += 4 + length
    return found


def _decode(raw: bytes, flags: int) -> str:
    if not raw.isascii() and not flags & _UTF8:
        raise ZipRefused("a member has a name that is not marked as UTF-8", raw.decode("latin-1"))
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise ZipRefused("a member has a name that is not UTF-8", raw.decode("latin-1")) from exc


def _has_mark(file: BinaryIO, record: struct.Struct, at: int) -> bool:
    file.seek(at)
    return file.read(4) == _MARKS[record]


def _read(file: BinaryIO, record: struct.Struct, at: int) -> tuple[int, ...]:
    """Return the fields of a record, the mark first; the file then stands behind it."""
    file.seek(at)
    data = file.read(record.size)
    if len(data) != record.size or not data.startswith(_MARKS[record]):
        raise ZipRefused("not a ZIP, or one whose records are not where they should be")
    return record.unpack(data)
