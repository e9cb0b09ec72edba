"""A ZIP taken apart into its records, to be changed in one place and written again with nothing put right."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

LOCAL: Final = "<4s5H3L2H"
CENTRAL: Final = "<4s6H3L5H2L"
END64: Final = "<4sQ2H2L4Q"
LOCATOR: Final = "<4sLQL"
END: Final = "<4s4H2LH"
_LIMITS: Final = {"H": 0xFFFF, "L": 0xFFFFFFFF, "Q": 0xFFFFFFFFFFFFFFFF}


@dataclass
class Member:
    """One member: both headers as lists of fields, names, extras, packed bytes and descriptor."""

    local: list[Any]
    local_name: bytes
    local_extra: bytes
    packed: bytes
    descriptor: bytes
    central: list[Any] = field(default_factory=list)
    name: bytes = b""
    extra: bytes = b""
    comment: bytes = b""
    before: bytes = b""  # bytes that belong to nobody

    def to_bytes(self) -> bytes:
        head = struct.pack(LOCAL, *self.local) + self.local_name + self.local_extra
        return self.before + head + self.packed + self.descriptor

    def listed(self) -> bytes:
        return struct.pack(CENTRAL, *self.central) + self.name + self.extra + self.comment


@dataclass
class Zip:
    """A whole file, as our writer makes it: every member streamed, every size in its ZIP64 form."""

    members: list[Member]
    directory: list[Member]
    before_directory: bytes
    after_directory: bytes
    end64: list[Any]
    locator: list[Any]
    end: list[Any]
    tail: bytes = b""

    def to_bytes(self) -> bytes:
        return b"".join(
            [
                *(member.to_bytes() for member in self.members),
                self.before_directory,
                *(member.listed() for member in self.directory),
                self.after_directory,
                struct.pack(END64, *self.end64) if self.end64 else b"",
                struct.pack(LOCATOR, *self.locator) if self.locator else b"",
                struct.pack(END, *self.end),
                self.tail,
            ]
        )

    def settle(self) -> Zip:
        """Put right where everything stands, as an attacker does who is not found out by the first sum."""
        at = 0
        for member in self.members:
            header = at + len(member.before)
            at += len(member.to_bytes())
            member.extra = member.extra[:20] + struct.pack("<Q", header) + member.extra[28:]
        at += len(self.before_directory)
        size = sum(len(member.listed()) for member in self.directory)
        if self.end64:
            self.end64[6:] = [len(self.directory), len(self.directory), size, at]
        if self.locator:
            self.locator[2] = at + size + len(self.after_directory)
        return self


def take_apart(archive: bytes) -> Zip:
    """Return the records of a ZIP that our writer made."""
    end = list(struct.unpack(END, archive[-22:]))
    locator = list(struct.unpack(LOCATOR, archive[-42:-22]))
    end64 = list(struct.unpack_from(END64, archive, locator[2]))
    at, members = end64[9], []
    for _ in range(end64[6]):
        central = list(struct.unpack_from(CENTRAL, archive, at))
        at += 46
        name, extra = (
            archive[at : at + central[10]],
            archive[at + central[10] : at + central[10] + central[11]],
        )
        at += central[10] + central[11]
        _, packed_size, header = struct.unpack("<3Q", extra[4:28])
        local = list(struct.unpack_from(LOCAL, archive, header))
        begin = header + 30
        data = begin + local[9] + local[10]
        members.append(
            Member(
                local, archive[begin : begin + local[9]], archive[begin + local[9] : data],
                archive[data : data + packed_size], archive[data + packed_size : data + packed_size + 24],
                central, name, extra,
            )
        )  # fmt: skip
    whole = Zip(members, list(members), b"", b"", end64, locator, end)
    assert whole.to_bytes() == archive
    return whole


def deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def inflate(packed: bytes) -> bytes:
    return zlib.decompressobj(-15).decompress(packed)


def say(member: Member, content: bytes, packed: bytes) -> None:
    """Have every record of a member say what this content is."""
    sizes = struct.pack("<2Q", len(content), len(packed))
    member.packed = packed
    member.central[7] = zlib.crc32(content)
    member.extra = member.extra[:4] + sizes + member.extra[20:]
    member.descriptor = b"PK\x07\x08" + struct.pack("<LQQ", zlib.crc32(content), len(packed), len(content))


Mutation = Callable[[Zip, random.Random], object]


def _field(record: str, place: int) -> Mutation:
    """Set one field of a header to another value."""

    def change(whole: Zip, dice: random.Random) -> None:
        if record in ("local", "central"):
            fields, layout = (
                getattr(dice.choice(whole.members), record),
                LOCAL if record == "local" else CENTRAL,
            )
        else:
            fields = getattr(whole, record)
            layout = {"end": END, "end64": END64, "locator": LOCATOR}[record]
        kinds = [kind for count, kind in _kinds(layout) for _ in range(count)]
        top, old = _LIMITS[kinds[place]], fields[place + 1]
        fields[place + 1] = dice.choice(
            [v for v in (0, 1, top, old ^ 1, old ^ 0x10, dice.randint(0, top)) if v != old]
        )

    return change


def _kinds(layout: str) -> list[tuple[int, str]]:
    found, digits = [], ""
    for sign in layout.removeprefix("<4s"):
        if sign.isdigit():
            digits += sign
        else:
            found.append((int(digits or 1), sign))
            digits = ""
    return found


def _junk(dice: random.Random) -> bytes:
    return dice.choice(
        [b"\0", b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", dice.randbytes(dice.randint(1, 40))]
    )


def _pick(whole: Zip, dice: random.Random) -> Member:
    return dice.choice([member for member in whole.members if len(member.packed) > 8])


def bytes_before_a_member(whole: Zip, dice: random.Random) -> None:
    dice.choice(whole.members).before = _junk(dice)
    whole.settle()


def bytes_before_the_directory(whole: Zip, dice: random.Random) -> None:
    whole.before_directory = _junk(dice)
    whole.settle()


def bytes_after_the_directory(whole: Zip, dice: random.Random) -> None:
    whole.after_directory = _junk(dice)
    whole.settle()


def bytes_after_the_end(whole: Zip, dice: random.Random) -> None:
    whole.tail = _junk(dice)


def a_comment(whole: Zip, dice: random.Random) -> None:
    whole.tail = _junk(dice)
    whole.end[7] = len(whole.tail)


def a_second_end(whole: Zip, dice: random.Random) -> None:
    whole.tail = struct.pack(END, *whole.end)
    whole.end[7] = dice.choice([0, 22])


def bytes_after_a_stream(whole: Zip, dice: random.Random) -> None:
    member = _pick(whole, dice)
    say(member, inflate(member.packed), member.packed + _junk(dice))
    whole.settle()


def a_stream_that_goes_on(whole: Zip, dice: random.Random) -> None:
    """Say of a longer text that it is as short as the honest one: who believes the size reads another file."""
    member = _pick(whole, dice)
    content = inflate(member.packed)
    say(member, content, deflate(content + dice.randbytes(9)))
    whole.settle()


def a_stored_member_of_two_sizes(whole: Zip, dice: random.Random) -> None:
    member = _pick(whole, dice)
    content = inflate(member.packed)
    say(member, content, content + _junk(dice))
    member.local[3] = member.central[4] = 0
    whole.settle()


def a_stored_member_that_is_streamed(whole: Zip, dice: random.Random) -> None:
    member = _pick(whole, dice)
    content = inflate(member.packed)
    say(member, content, content)
    member.local[3] = member.central[4] = 0
    whole.settle()


def a_member_not_listed(whole: Zip, dice: random.Random) -> None:
    whole.directory = [each for each in whole.members if each is not dice.choice(whole.members)][:-1]
    whole.settle()


def a_member_listed_twice(whole: Zip, dice: random.Random) -> None:
    whole.directory.insert(dice.randrange(len(whole.directory)), deepcopy(dice.choice(whole.members)))
    whole.settle()


def a_directory_in_another_order(whole: Zip, dice: random.Random) -> None:
    while whole.directory == whole.members:
        dice.shuffle(whole.directory)
    whole.settle()


def two_names(whole: Zip, dice: random.Random) -> None:
    one, other = dice.sample(whole.members, 2)
    one.local_name = other.name
    one.local[9] = len(one.local_name)
    whole.settle()


def two_members_of_one_header(whole: Zip, dice: random.Random) -> None:
    one, other = dice.sample(whole.members, 2)
    whole.settle()
    one.extra = one.extra[:20] + other.extra[20:]


def another_name_in_a_field(whole: Zip, dice: random.Random) -> None:
    member = _pick(whole, dice)
    name = dice.choice(whole.members).name
    value = b"\1" + struct.pack("<L", zlib.crc32(member.name)) + name
    extra = struct.pack("<2H", 0x7075, len(value)) + value
    member.extra, member.central[11] = member.extra + extra, member.central[11] + len(extra)
    if dice.random() < 0.5:
        member.local_extra, member.local[10] = member.local_extra + extra, member.local[10] + len(extra)
    whole.settle()


def a_field_of_another_kind(whole: Zip, dice: random.Random) -> None:
    member = _pick(whole, dice)
    value = dice.randbytes(dice.randint(0, 12))
    kind = dice.choice([0x0001, 0x0007, 0x000A, 0x0015, 0x0017, 0x6375, 0x9901, dice.randint(2, 0xFFFF)])
    extra = struct.pack("<2H", kind, len(value)) + value
    where = dice.choice(["central", "local", "both"])
    if where != "local":
        member.extra, member.central[11] = member.extra + extra, member.central[11] + len(extra)
    if where != "central":
        member.local_extra, member.local[10] = member.local_extra + extra, member.local[10] + len(extra)
    whole.settle()


def another_size_in_the_own_field(whole: Zip, dice: random.Random) -> None:
    member = _pick(whole, dice)
    member.local_extra = member.local_extra[:4] + struct.pack("<2Q", dice.randint(1, 99), dice.randint(1, 99))


def another_size_in_the_directory(whole: Zip, dice: random.Random) -> None:
    member = _pick(whole, dice)
    at = dice.choice([4, 12, 20])
    member.extra = member.extra[:at] + struct.pack("<Q", dice.randint(0, 999)) + member.extra[at + 8 :]


def another_descriptor(whole: Zip, dice: random.Random) -> None:
    member = _pick(whole, dice)
    content = inflate(member.packed)
    crc, packed, size = zlib.crc32(content), len(member.packed), len(content)
    member.descriptor = dice.choice(
        [
            b"",
            struct.pack("<LQQ", crc, packed, size),
            b"PK\x07\x08" + struct.pack("<LLL", crc, packed, size),
            b"PK\x07\x08" + struct.pack("<LQQ", crc ^ 1, packed, size),
            b"PK\x07\x08" + struct.pack("<LQQ", crc, packed, size + 1),
        ]
    )
    whole.settle()


def without_the_long_end(whole: Zip, dice: random.Random) -> None:
    which = dice.choice(["end64", "locator"])
    setattr(whole, which, [])
    if which == "end64":
        whole.locator[2] = len(whole.to_bytes()) - 42


def a_short_end_that_says_something_else(whole: Zip, dice: random.Random) -> None:
    whole.end[3] = whole.end[4] = dice.randint(0, len(whole.members))
    whole.end[5], whole.end[6] = dice.choice([0, whole.end64[8]]), whole.end64[9]


def a_folder_of_nothing(whole: Zip, dice: random.Random) -> None:
    member = deepcopy(_pick(whole, dice))
    say(member, b"", deflate(b""))
    member.name = member.local_name = (
        member.name.partition(b"/")[0] + b"/" + dice.randbytes(3).hex().encode() + b"/"
    )
    member.local[9] = member.central[10] = len(member.name)
    whole.members.append(member)
    whole.directory.append(member)
    whole.settle()


def a_name_of_two_readings(whole: Zip, dice: random.Random) -> None:
    member = _pick(whole, dice)
    extended = dice.choice(
        [b".", b" ", b"\0x", b"\\x", b"/../x", b"//x", b":x", b"\xff", "\u212a".encode(), b"/."]
    )
    member.name = member.local_name = member.name + extended
    member.local[9] = member.central[10] = len(member.name)
    whole.settle()


def a_bit(whole: Zip, dice: random.Random) -> bytes:
    archive = bytearray(whole.to_bytes())
    archive[dice.randrange(len(archive))] ^= 1 << dice.randrange(8)
    return bytes(archive)


def a_bit_of_the_directory(whole: Zip, dice: random.Random) -> bytes:
    archive = bytearray(whole.to_bytes())
    archive[dice.randrange(whole.end64[9], len(archive))] ^= 1 << dice.randrange(8)
    return bytes(archive)


FIELDS: Final = {
    f"{record} field {place}": _field(record, place)
    for record, layout in (
        ("local", LOCAL),
        ("central", CENTRAL),
        ("end", END),
        ("end64", END64),
        ("locator", LOCATOR),
    )
    for place in range(sum(count for count, _ in _kinds(layout)))
}
SHAPES: Final[dict[str, Mutation]] = {
    mutation.__name__.replace("_", " "): mutation
    for mutation in (
        bytes_before_a_member, bytes_before_the_directory, bytes_after_the_directory, bytes_after_the_end,
        a_comment, a_second_end, bytes_after_a_stream, a_stream_that_goes_on, a_stored_member_of_two_sizes,
        a_stored_member_that_is_streamed, a_member_not_listed, a_member_listed_twice, a_directory_in_another_order,
        two_names, two_members_of_one_header, another_name_in_a_field, a_field_of_another_kind,
        another_size_in_the_own_field, another_size_in_the_directory, another_descriptor, without_the_long_end,
        a_short_end_that_says_something_else, a_folder_of_nothing, a_name_of_two_readings, a_bit,
        a_bit_of_the_directory,
    )
}  # fmt: skip


def mutate(archive: bytes, mutation: Mutation, dice: random.Random) -> bytes:
    """Return the archive with one thing changed."""
    whole = take_apart(archive)
    made = mutation(whole, dice)
    return made if isinstance(made, bytes) else whole.to_bytes()
