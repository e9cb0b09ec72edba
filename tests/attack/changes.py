"""One change at random: of a JSON value, or of a text."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any, Final

# Values that readers of JSON take differently, or that stand for something else in one language than in another.
VALUES: Final[tuple[object, ...]] = (
    None, True, False, 0, 1, -1, 2, 1.0, 0.5, -0.0, 2**53, 10**30, 1e300, "", " ", "x", "1", "true", "\n", "é",
    "\ud800", "\U0001f600", "person:x", "2026-11-22T09:00:00Z", "2026-02-30T09:00:00Z",
    [], {}, [1], ["x"], {"a": 1}, [[]], [{}],
)  # fmt: skip
NUMBERS: Final = (0, 1, -1, 1.0, 0.999, 1e9, 10**12, 2**53 - 1, 2**53, -(2**53), 10**400, 5e-324)
KEYS: Final = (
    "__proto__",
    "constructor",
    "withheld",
    "entry",
    "total",
    "digestFormat",
    "spanIds",
    "missing",
    "",
    "é",
)
ENDINGS: Final = ("\n", " ", "\r", "\u2028", "\u0085", ".", "0", "\u212a", "\U0001d7d8", "$", "+")
TOKENS: Final = (
    b"1e400", b"-0", b"01", b"1.", b".5", b"+1", b"NaN", b"Infinity", b"-Infinity", b"0x1", b"1E5", b"9" * 20,
    b"9" * 5000, b"null", b"true",
    b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\x"', b'"\x01"', b"'x'", b"\xff",
    b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf", b"\n", b"\n\n", b"\r\n", b"\t", b" ", b"\x0b", b"\xc2\xa0", b",",
    b'"a":1,', b"//\n", b"=", b"[" * 300 + b"]" * 300, b"[" * 200 + b"]" * 200, b"\xe2\x80\xa8",
    b"\xe2\x80\x94 x AAAAAAAA\n",
)  # fmt: skip


def change_value(value: Any, dice: random.Random) -> Any:
    """Return a JSON value in which one thing is another, is gone, is there twice, or is new."""
    changed = [deepcopy(value)]  # in a list, so that the whole has a place as well
    places = list(_places(changed))
    holder, place = dice.choice(places)
    dice.choice((_replace, _adjust, _adjust, _drop, _repeat, _add))(holder, place, dice)
    return changed[0] if changed else None


def _places(value: Any) -> list[tuple[Any, Any]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(value, place) for place, _ in inside]
    for _, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(item, dict | list):
            found.extend(_places(item))
    return found


def _replace(holder: Any, place: Any, dice: random.Random) -> None:
    holder[place] = deepcopy(dice.choice(VALUES))


def _adjust(holder: Any, place: Any, dice: random.Random) -> None:
    """Change a value into another of its kind."""
    match holder[place]:
        case bool() as truth:
            holder[place] = not truth
        case int() | float() as number:
            holder[place] = dice.choice([*NUMBERS, float(number), number + 1, number - 1, -number])
        case str() as text:
            at = dice.randrange(len(text) + 1)
            holder[place] = dice.choice([
                text + dice.choice(ENDINGS), dice.choice(ENDINGS) + text, text[:at] + text[at + 1 :], text.upper(),
                text[::-1], text[:at] + dice.choice("0aZ-:/é") + text[at + 1 :],
            ])  # fmt: skip
        case list() as items:
            dice.shuffle(items)
        case dict() as members:
            holder[place] = dict(reversed(members.items()))
        case _:
            _replace(holder, place, dice)


def _drop(holder: Any, place: Any, _: random.Random) -> None:
    del holder[place]


def _repeat(holder: Any, place: Any, dice: random.Random) -> None:
    if isinstance(holder, list):
        holder.insert(dice.randrange(len(holder) + 1), deepcopy(holder[place]))
    else:
        holder[dice.choice(list(holder))] = deepcopy(holder[place])


def _add(holder: Any, place: Any, dice: random.Random) -> None:
    inside = holder[place]
    if isinstance(inside, dict):
        inside[dice.choice(KEYS)] = deepcopy(dice.choice(VALUES))
    elif isinstance(inside, list):
        inside.append(deepcopy(dice.choice(VALUES)))
    else:
        _replace(holder, place, dice)


def change_text(content: bytes, dice: random.Random) -> bytes:
    """Return bytes in which a piece is gone, another is there twice, or something odd stands."""
    at = dice.choice(_joints(content))
    end = min(len(content), at + dice.choice([1, 1, 2, 8, 64]))
    token = dice.choice(TOKENS)
    return dice.choice([
        content[:at] + token + content[at:], content[:at] + token + content[end:], content[:at] + content[end:],
        content[:end] + content[at:], content[:at], content + token, token + content,
    ])  # fmt: skip


def _joints(content: bytes) -> list[int]:
    """Return places before and after signs of punctuation, where a change keeps most of the grammar; else anywhere."""
    signs = b'{}[]:,"\n =+'
    found = [at for at in range(len(content)) if content[at] in signs][:4000]
    return [place for at in found for place in (at, at + 1)] or [0]
