"""Texts and numbers of a foreign file, made so that they can be stored: bounded, and with nothing lost in silence."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

MAX_TEXT: Final = 100_000  # characters of an input or an output that are kept; the raw file has all of it
MAX_REASON: Final = 2_000  # characters of an explanation
MAX_NAME: Final = 100  # characters of an item's or a metric's name, so that an attempt fits behind it
MAX_LABEL: Final = 40  # characters of a value that names a group of samples

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]+")
_LABEL: Final = re.compile(rf"[^\s=,;/\\]{{1,{MAX_LABEL}}}")

# What a field is called whose value names a group of samples, where a runner keeps it among the inputs.
GROUPING: Final = frozenset(
    {
        "language", "lang", "locale", "topic", "category", "subject", "domain", "region", "segment", "subset",
        "difficulty", "level", "channel", "product", "persona", "risk", "risk_tier",
    }
)  # fmt: skip


def shown(value: object, most: int = MAX_TEXT) -> str:
    """Return a value as people read it: a text as it is, what is no text as JSON; what is too long says so.

    U+0000 and lone surrogates, which no column holds, are written as their escapes: `\\u0000`.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else _as_json(value)
    if len(text) > most:
        text = f"{text[:most]} [cut: {len(text) - most:,} of {len(text):,} characters left out]"
    return _UNSTORABLE.sub(_escaped, text)


def short_name(value: object) -> str:
    """Return a name on one line of at most `MAX_NAME` characters; a longer one ends with its digest."""
    text = _CONTROL.sub(" ", shown(value)).strip()
    if len(text) <= MAX_NAME:
        return text
    return f"{text[: MAX_NAME - 13]}~{fingerprint(text)[:12]}"


def fingerprint(*parts: object) -> str:
    """Return 16 hexadecimal characters that are the same for the same values."""
    return sha256("\x1e".join(map(_sorted_json, parts)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def labels_in(given: object) -> dict[str, object]:
    """Return what of an object's fields is a label: one short word, yes or no."""
    if not isinstance(given, dict):
        return {}
    return {key: value for key, value in given.items() if is_label(key) and is_label(value)}


def groupings_in(given: object) -> dict[str, object]:
    """Return the labels whose field is known to name a group of samples: `language`, `topic` and their like."""
    return {key: value for key, value in labels_in(given).items() if key.lower() in GROUPING}


def is_label(value: object) -> bool:
    """Whether a value may name a group of samples."""
    return isinstance(value, bool) or (isinstance(value, str) and _LABEL.fullmatch(value) is not None)


def number_in(value: object) -> float | None:
    """Return a finite number; None where the value is none. True is 1 and False is 0."""
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def count_in(value: object) -> int | None:
    """Return a count, which is a whole number that is not negative; None where the value is none."""
    number = None if isinstance(value, bool) else number_in(value)
    return int(number) if number is not None and 0 <= number < 2**53 and number.is_integer() else None


def moment_in(value: object) -> datetime | None:
    """Return an aware time from ISO 8601 with its zone; None where the value is none, or says no zone."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def moment_of_unix(seconds: object) -> datetime | None:
    """Return an aware time from seconds since 1970; None where they are none."""
    number = None if isinstance(seconds, bool) else number_in(seconds)
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def object_in(value: object) -> Mapping[str, Any]:
    """Return the value where it is an object, and an empty one where it is not."""
    return value if isinstance(value, dict) else {}


def list_in(value: object) -> list[Any]:
    """Return the value where it is a list, and an empty one where it is not."""
    return value if isinstance(value, list) else []


def text_in(value: object) -> str | None:
    """Return a text that says something, made storable; None where the value is none."""
    if not isinstance(value, str) or not value.strip():
        return None
    return shown(value.strip(), MAX_REASON)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _as_json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)
    except (RecursionError, ValueError):
        return "[nested too deeply to be shown]"


def _sorted_json(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    except (RecursionError, ValueError):
        return "too deep"
