"""The JSON text of a body, read so that no key that an object has twice is lost in silence.

Every reader of JSON keeps the last of two equal keys. The fast one cannot be told to say so, but what it read is then
shorter than the text; only then is the text read again, slowly, and each such object marked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from evidence.otlp.body import explain_undecodable
from evidence.otlp.errors import UndecodableBody
from evidence.otlp.json_fields import Fields

_BOM: Final = b"\xef\xbb\xbf"
_ESCAPED_QUOTE: Final = b"\\u0022"


class ReadJson(NamedTuple):
    """What a JSON text says."""

    document: Fields
    has_repetitions: bool  # somewhere in it is a `RepeatedKeys`
    slow_text: str | None = None  # the text, where the fast reader refused it: it may hold lone surrogates


class RepeatedKeys(dict[str, object]):
    """An object whose text had the same key twice; only the last value is left in it."""

    repeated: str = ""


def read_json(body: bytes) -> ReadJson:
    """Return the JSON object of a body. Bytes that are not UTF-8 survive as lone surrogates, escaped later.

    Raises:
        UndecodableBody: not a JSON object.
    """
    body = body.removeprefix(_BOM)
    slow_text = None
    try:
        parsed: object = orjson.loads(body)
        has_repetitions = False
    except orjson.JSONDecodeError:
        slow_text = body.decode("utf-8", "surrogateescape")
        parsed, has_repetitions = _read_slowly(slow_text)
    else:
        if not _keeps_every_key(body, parsed):
            parsed, has_repetitions = _read_slowly(body.decode("utf-8"))
    if not isinstance(parsed, dict):
        raise UndecodableBody('the body is JSON but not an object such as {"resourceSpans": [...]}')
    return ReadJson(parsed, has_repetitions, slow_text)


def change_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON value with each of its texts, keys too, changed; what had a key twice is still known to.

    Raises:
        RecursionError: nested too deep.
    """
    match value:
        case str():
            return change(value)
        case list():
            return [change_texts(member, change) for member in value]
        case RepeatedKeys():
            marked = RepeatedKeys({change(key): change_texts(held, change) for key, held in value.items()})
            marked.repeated = change(value.repeated)
            return marked
        case dict():
            return {change(key): change_texts(held, change) for key, held in value.items()}
        case _:
            return value


def find_repeated(value: object) -> str | None:
    """Return a key that an object in this value, however deep, had twice."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case RepeatedKeys() as marked:
                return marked.repeated
            case dict() as members:
                waiting.extend(members.values())
            case list() as items:
                waiting.extend(items)
    return None


def _keeps_every_key(body: bytes, parsed: object) -> bool:
    """Whether nothing of a text is lost in what was read of it: written again, it has as many quotes.

    Each key takes two with it when it goes. A quote within a text stands there behind a backslash in both; one that was
    sent as an escape by its number is counted as the quote it becomes.
    """
    try:
        written = orjson.dumps(parsed)
    except TypeError:  # nested deeper than it writes
        return False
    return body.count(b'"') + body.count(_ESCAPED_QUOTE) == written.count(b'"')


def _read_slowly(text: str) -> tuple[object, bool]:
    found: list[RepeatedKeys] = []

    def mark(pairs: list[tuple[str, object]]) -> Fields:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        marked = RepeatedKeys(value)
        marked.repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
        found.append(marked)
        return marked

    try:
        parsed = json.loads(text, object_pairs_hook=mark)
    except (ValueError, RecursionError) as exc:
        likely = explain_undecodable(text.encode("utf-8", "surrogateescape"), "json")
        raise UndecodableBody(f"{likely} ({str(exc)[:200]})") from exc
    return parsed, bool(found)
