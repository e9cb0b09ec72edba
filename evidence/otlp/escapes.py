"""Texts that PostgreSQL cannot hold, written so that it can and so that they can be had back.

PostgreSQL stores neither U+0000 nor a lone surrogate, and a body may have both: as `\\u0000` or `\\ud83d` alone in
JSON, or as a byte that is not UTF-8, which is read as the surrogate U+DC00 plus the byte. In a text that has one, each
becomes U+241B (␛, SYMBOL FOR ESCAPE) and four upper-case hexadecimal digits, and so does every ␛ of that text: `a`,
U+0000, `b` is `a␛0000b`. Backslashes stay what they are, so JSON within a text is JSON still.

What was escaped is said beside it, under `tracebinder.escaped`, in the attributes of the span, event, link, scope or
resource: `{"attributes": [keys], "fields": [names]}`. To have it back, take ␛XXXX for the code point U+XXXX in the
fields named, in the values (however deep) of the keys named, and in all keys of that map. Where the mark is not, a ␛ is
a ␛.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

ESCAPED_KEY: Final = "tracebinder.escaped"
_ESCAPE: Final = "\u241b"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_ESCAPED: Final = re.compile(f"[\x00\ud800-\udfff{_ESCAPE}]")
_FIRST_STAND_IN: Final = 0x100000  # private use, plane 16: hardly ever sent


class StandIn:
    """A character that a body has not, which stands in its messages for what protobuf's texts cannot hold.

    Protobuf's texts are UTF-8, so a lone surrogate on its way through a message is this character and four digits.
    """

    def __init__(self, character: str) -> None:
        self._character = character
        self._written = re.compile(f"{character}([0-9A-F]{{4}})")
        self.encoded = character.encode()

    @classmethod
    def for_bytes(cls, body: bytes) -> StandIn:
        """Return one for a protobuf body."""
        return cls(next(char for char in _candidates() if char.encode() not in body))

    @classmethod
    def for_json(cls, text: str) -> StandIn:
        """Return one for a JSON text, in which a character may stand as an escaped pair of surrogates, too."""
        lowered = text.lower()
        return cls(next(char for char in _candidates() if char not in text and _as_pair(char) not in lowered))

    def put(self, text: str) -> str:
        """Return a text in which it stands for each lone surrogate."""
        return _SURROGATE.sub(lambda found: f"{self._character}{ord(found[0]):04X}", text)

    def take_back(self, text: str) -> str:
        """Return the text that `put` was given."""
        return self._written.sub(lambda found: chr(int(found[1], 16)), text)


def is_unstorable(text: str) -> bool:
    """Whether a text holds what PostgreSQL does not store."""
    return _UNSTORABLE.search(text) is not None


def escape_text(text: str) -> str:
    """Return a text with all of it escaped that has to be, and each ␛."""
    return _ESCAPED.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04X}", text)


def escape_map(
    attributes: Mapping[str, Any], fields: Mapping[str, str], stand_in: StandIn | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return attributes, with the mark in them, and the texts beside them, all as they can be stored.

    Args:
        fields: texts that stand beside the attributes, by their names.
        stand_in: what stands in both for lone surrogates.
    """
    plain = {_plain(key, stand_in): _plain(value, stand_in) for key, value in attributes.items()}
    texts = {name: _plain(text, stand_in) for name, text in fields.items()}
    faulty = [key for key, value in plain.items() if is_unstorable(key) or _holds_unstorable(value)]
    faulty_texts = sorted(name for name, text in texts.items() if is_unstorable(text))
    if not faulty and not faulty_texts:
        return dict(attributes), dict(fields)
    of_keys = set(faulty)
    kept = {escape_text(key): _escape(value) if key in of_keys else value for key, value in plain.items()}
    kept[ESCAPED_KEY] = {
        name: listed
        for name, listed in (("attributes", sorted(map(escape_text, faulty))), ("fields", faulty_texts))
        if listed
    }
    return kept, {name: escape_text(text) if name in faulty_texts else text for name, text in texts.items()}


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON value with each of its texts, keys too, changed."""
    match value:
        case str():
            return change(value)
        case list():
            return [each_text(member, change) for member in value]
        case dict():
            return {change(key): each_text(member, change) for key, member in value.items()}
        case _:
            return value


def _candidates() -> Iterable[str]:
    return map(chr, range(_FIRST_STAND_IN, 0x10FFFE))


def _as_pair(character: str) -> str:
    high, low = (character.encode("utf-16-be")[at : at + 2].hex() for at in (0, 2))
    return f"\\u{high}\\u{low}"


def _plain(value: Any, stand_in: StandIn | None) -> Any:
    """Return a value with its lone surrogates back in it."""
    return value if stand_in is None else each_text(value, stand_in.take_back)


def _escape(value: Any) -> Any:
    return each_text(value, escape_text)


def _holds_unstorable(value: Any) -> bool:
    match value:
        case str():
            return is_unstorable(value)
        case list():
            return any(map(_holds_unstorable, value))
        case dict():
            return any(is_unstorable(key) or _holds_unstorable(member) for key, member in value.items())
        case _:
            return False
