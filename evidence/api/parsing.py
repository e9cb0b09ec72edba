"""JSON bodies, read strictly: what could not be stored, digested or told apart is refused before anything sees it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import IO, Any, Final

from django.conf import settings
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from evidence.errors import MOST_FAULTS, Fault, InvalidInput
from evidence.limits import check_count
from evidence.otlp.errors import BodyTooLarge
from evidence.strict_json import faults_in, read_json
from evidence.worded import quoted, worded

_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"')
_LARGEST_INTEGER: Final = 2**53 - 1  # every reader of JSON, and RFC 8785, agrees on integers up to here


class StrictJSONParser(BaseParser):
    """UTF-8 JSON without NUL, lone surrogates, repeated keys, NaN, numbers no double holds, or bottomless nesting."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the value of the body.

        Raises:
            BodyTooLarge: more bytes than `DATA_UPLOAD_MAX_MEMORY_SIZE`.
            ParseError: not JSON.
            InvalidInput: JSON, with something in it that cannot be kept as it is, or with more than
                `MAX_JSON_VALUES` values.
            UnsupportedMediaType: a charset other than UTF-8.
        """
        charset = str((parser_context or {}).get("encoding") or "utf-8").lower()
        if charset not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(str(media_type), "JSON is sent in UTF-8, not in another charset.")
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise BodyTooLarge(worded("the body has more than %(most)s bytes: send less at once", most=limit))
        check_count(_most_values(raw), "MAX_JSON_VALUES", worded("The values of the body"))
        try:
            value = read_json(raw)
        except ValueError as exc:
            raise ParseError(f"The body is not JSON: {exc}") from exc
        if found := list(islice(chain(faults_in(value), _faults_in_numbers(value)), MOST_FAULTS)):
            raise InvalidInput(
                faults=[Fault("body", "", "unstorable_value", quoted(fault)) for fault in found]
            )
        return value


def _most_values(raw: bytes) -> int:
    """Return how many values a JSON text holds, told before it is read: each is after a comma, or the first.

    A body of a million commas is quickly sent, and takes many times its size once it is read.
    """
    if (
        raw.count(b",") < settings.MAX_JSON_VALUES
    ):  # those in texts included: most bodies are let through by this
        return raw.count(b",")
    return _TEXT.sub(b"", raw).count(b",") + 1


def _faults_in_numbers(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, float) and not math.isfinite(each):
            yield "a number is too large for JSON readers to hold"
        elif isinstance(each, int) and abs(each) > _LARGEST_INTEGER:
            yield f"an integer is larger than {_LARGEST_INTEGER}: send it as a text"
