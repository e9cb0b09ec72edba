"""From the bytes on the wire to the plain body: content type, content encoding, gzip, deflate, zstd."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

from evidence.otlp.errors import BodyTooLarge, UndecodableBody, UnsupportedMedia
from evidence.otlp.limits import Limits
from evidence.otlp.records import Encoding

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
_ENCODINGS: Final[dict[str, Encoding]] = {
    PROTOBUF: "protobuf",
    "application/protobuf": "protobuf",
    JSON: "json",
}
_CHARSETS: Final = frozenset({"", "utf-8", "utf8", "us-ascii"})
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 31  # zlib's window bits for the gzip format
_PIECE: Final = 64 * 1024  # bytes given to zlib at a time
_ZLIB: Final = 15  # and for the zlib format, which is what HTTP calls deflate (RFC 9110, 8.4.1.2)
_DEFLATE: Final = -15  # and for bare deflate, which is what some send under that name, as the RFC says
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_WINDOW: Final = (
    23  # log2 of the bytes that a frame may refer back to: 8 MiB, the most HTTP allows (RFC 9659)
)


class Unpacker(Protocol):
    """What unpacks one member, stream or frame: as `zlib.decompressobj` returns it, and as zstd's does."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def unused_data(self) -> bytes:
        """What was given after its end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return what these bytes unpack to, at most so much of it."""


@dataclass(frozen=True, slots=True)
class PlainBody:
    """A request body with its content encoding undone."""

    data: bytes
    encoding: Encoding

    @property
    def media_type(self) -> str:
        """The media type of these bytes."""
        return PROTOBUF if self.encoding == "protobuf" else JSON


def unpack_body(body: bytes, *, content_type: str, content_encoding: str, limits: Limits) -> PlainBody:
    """Return the body of a request as it can be decoded, from its bytes and its two headers.

    Raises:
        UnsupportedMedia, BodyTooLarge, UndecodableBody: as `read_encoding` and `read_body` do.
    """
    encoding = read_encoding(content_type)
    return PlainBody(read_body(body, content_encoding=content_encoding, limits=limits), encoding)


def read_encoding(content_type: str) -> Encoding:
    """Return how a body of this `Content-Type` is written.

    Raises:
        UnsupportedMedia: neither protobuf nor JSON, or JSON in a charset other than UTF-8.
    """
    media, *parameters = content_type.split(";")
    encoding = _ENCODINGS.get(media.strip().lower())
    if encoding is None:
        shown = media.strip()[:80] or "none"
        raise UnsupportedMedia(f"content type {shown} is not taken: send {PROTOBUF} or {JSON}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in _CHARSETS:
            raise UnsupportedMedia(f"charset {value.strip()[:40]} is not taken: send UTF-8")
    return encoding


def read_body(body: bytes, *, content_encoding: str, limits: Limits) -> bytes:
    """Return the body with its `Content-Encoding` undone.

    Raises:
        UnsupportedMedia: an encoding other than gzip, deflate and zstd.
        BodyTooLarge: too many bytes as sent or when unpacked, or packed too tightly to be honest.
        UndecodableBody: not what the encoding says, or cut short.
    """
    if len(body) > limits.body_bytes:
        raise BodyTooLarge(
            f"the body has {len(body)} bytes, the limit is {limits.body_bytes}: send smaller batches"
        )
    match content_encoding.strip().lower():
        case "" | "identity" | "none":
            if body.startswith(_ZSTD_MAGIC):  # which reads as protobuf whose fields nobody knows
                raise UndecodableBody(
                    "the body is zstd but the request says nothing of it: add `Content-Encoding: zstd`"
                )
            return body
        case "gzip" | "x-gzip":
            return _unpack(body, partial(zlib.decompressobj, wbits=_GZIP), limits)
        case "deflate":
            bits = _ZLIB if _is_zlib(body) else _DEFLATE
            return _unpack(body, partial(zlib.decompressobj, wbits=bits), limits)
        case "zstd":
            options = {int(DecompressionParameter.window_log_max): _ZSTD_WINDOW}
            return _unpack(body, partial(ZstdDecompressor, options=options), limits)
        case other:
            raise UnsupportedMedia(
                f"content encoding {other[:40]} is not taken: send gzip, zstd, deflate or none"
            )


def _is_zlib(body: bytes) -> bool:
    """Whether a body begins as the zlib format does (RFC 1950, 2.2): the method, and two bytes that 31 divides."""
    return body[:1] != b"" and body[0] & 0x0F == 8 and int.from_bytes(body[:2]) % 31 == 0


def explain_undecodable(body: bytes, encoding: Encoding) -> str:
    """Return the likeliest reason why a body could not be read, for the sender."""
    if body.startswith(_GZIP_MAGIC):
        return "the body is gzip but the request says nothing of it: add `Content-Encoding: gzip`, or pack it once"
    if not body:
        return "the body is empty"
    if encoding == "protobuf" and body.lstrip()[:1] in {b"{", b"["}:
        return f"the body looks like JSON: send it with `Content-Type: {JSON}`"
    if encoding == "protobuf":
        return "the body is not a protobuf OTLP export request, or was cut short"
    return "the body is not JSON, or was cut short"


def _unpack(body: bytes, make_unpacker: Callable[[], Unpacker], limits: Limits) -> bytes:
    """Unpack one or more members, streams or frames, never holding more than the limit allows.

    A member is fed piece by piece: what follows it is copied each time one ends, and that may be nearly the whole body.
    """
    parts: list[bytes] = []
    ceiling = min(limits.decoded_bytes, max(limits.gzip_ratio_floor_bytes, len(body) * limits.gzip_ratio))
    room, at, members = ceiling, 0, 0
    while at < len(body):
        members += 1
        if members > limits.gzip_members:
            raise BodyTooLarge(
                f"the body is packed in more than {limits.gzip_members} members: pack it in one"
            )
        unpacker = make_unpacker()
        while not unpacker.eof:
            piece = body[at : at + _PIECE]
            if not piece:
                raise UndecodableBody("the packed body was cut short")
            part = _unpack_piece(unpacker, piece, room + 1)
            room -= len(part)
            if room < 0:
                raise BodyTooLarge(f"the body unpacks to more than {ceiling} bytes: send smaller batches")
            parts.append(part)
            at += len(piece) - len(unpacker.unused_data)
    if not parts:
        raise UndecodableBody("the body is labelled as packed and is empty")
    return b"".join(parts)


def _unpack_piece(unpacker: Unpacker, piece: bytes, most: int) -> bytes:
    try:
        return unpacker.decompress(piece, most)
    except (zlib.error, ZstdError) as exc:
        raise UndecodableBody(f"the body is not packed as its content encoding says: {exc}") from exc
