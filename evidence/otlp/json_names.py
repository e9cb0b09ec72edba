"""Names in OTLP/JSON that are none: a field of ours written otherwise, and fields that nobody knows.

The specification has readers ignore unknown fields. Ignoring `parent_span_id` makes a root of a span that is none, and
ignoring `scope_spans` loses all of them, so what is a known name in another spelling is refused, and the rest counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Set as AbstractSet
from typing import Final

from evidence.otlp.errors import ItemRefused, RejectCode
from evidence.otlp.json_fields import SCALARS, Fields

_OLD_NAMES: Final = {  # before OTLP 0.15
    "instrumentationLibrarySpans": "scopeSpans",
    "instrumentationLibraryLogs": "scopeLogs",
    "instrumentationLibrary": "scope",
}
_WORD: Final = re.compile(r"_+([a-z0-9])")
_VALUES: Final = frozenset({*SCALARS, "arrayValue", "kvlistValue"})


class Names:
    """Looks at the names of each object of a body."""

    def __init__(self, unread: Counter[str]) -> None:
        self._unread = unread

    def count(self, raw: Fields, place: str, known: AbstractSet[str]) -> None:
        """Count the names of an object above the items that nobody knows, with what each may stand for."""
        if raw.keys() <= known:
            return
        for name in raw.keys() - known:
            meant = _meant(name, known)
            hint = f" (written {meant} in OTLP/JSON)" if meant else ""
            self._unread[f"{place}: {_shown(name)}{hint}"] += 1

    def check(self, raw: Fields, place: str, known: AbstractSet[str]) -> None:
        """Count likewise in an item, and refuse it where a known name is written otherwise.

        Raises:
            ItemRefused: naming both.
        """
        if raw.keys() <= known:
            return
        for name in sorted(raw.keys() - known):
            if meant := _meant(name, known):
                raise ItemRefused(
                    RejectCode.MALFORMED_ITEM, f"{_shown(name)} is written {meant} in OTLP/JSON"
                )
            self._unread[f"{place}: {_shown(name)}"] += 1

    def refuse_value(self, name: str) -> None:
        """Refuse an attribute value whose kind nobody knows: it would be stored as no value.

        Raises:
            ItemRefused: always.
        """
        meant = _meant(name, _VALUES)
        hint = f"it is written {meant} in OTLP/JSON" if meant else f"known are {', '.join(sorted(_VALUES))}"
        raise ItemRefused(RejectCode.MALFORMED_ITEM, f"an attribute value is a {_shown(name)}: {hint}")


def _meant(name: str, known: AbstractSet[str]) -> str:
    """Return the known name that another spelling or an older version means; empty: none."""
    camel = _WORD.sub(lambda found: found[1].upper(), name)
    meant = _OLD_NAMES.get(camel, camel)
    return meant if meant in known else ""


def _shown(name: str) -> str:
    return name[:60].replace("\x00", "\\u0000")
