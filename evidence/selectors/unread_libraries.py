"""Which instrumentation libraries send what no dialect reads: names and counts, and nothing that was said."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from evidence.models import Trace
from evidence.selectors.revisions import is_superseded

NOT_RECOGNISED: Final = "not_recognised"  # code of the flag
MOST_TRACES: Final = 20_000  # that are looked at, the newest: the list costs the same however many are stored
_SCOPE: Final = re.compile(r"scope '([^']{1,200})'")


@dataclass(frozen=True, slots=True)
class UnreadLibrary:
    """An instrumentation scope with how many traces of it were not recognised; empty where none is named."""

    scope: str
    traces: int


@dataclass(frozen=True, slots=True)
class UnreadLibraries:
    """The libraries not read since a time, most traces first."""

    since: datetime
    libraries: tuple[UnreadLibrary, ...]
    is_partial: bool  # more traces than are looked at were sealed since then


def find_unread_libraries(since: datetime) -> UnreadLibraries:
    """Return the scopes of what was sealed since then, in its current revision, and not recognised."""
    newest = Trace.objects.order_by("-pk")[:MOST_TRACES].values("pk")
    unread = Trace.objects.filter(
        ~is_superseded(), pk__in=newest, sealed_at__gte=since, flags__contains=[{"code": NOT_RECOGNISED}]
    )
    counts: dict[str, int] = defaultdict(int)
    for flags in unread.values_list("flags", flat=True).iterator():
        for scope in _scopes_of(flags):
            counts[scope] += 1
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    oldest = Trace.objects.order_by("-pk").values_list("sealed_at", flat=True)[MOST_TRACES : MOST_TRACES + 1]
    return UnreadLibraries(
        since,
        tuple(UnreadLibrary(scope, traces) for scope, traces in ranked),
        is_partial=any(sealed_at >= since for sealed_at in oldest),
    )


def _scopes_of(flags: Iterable[dict[str, str]]) -> set[str]:
    """Return the scopes that a trace's flags name; empty for one that names a span, whose name is the application's."""
    details = (flag.get("detail", "") for flag in flags if flag.get("code") == NOT_RECOGNISED)
    return {match[1] if (match := _SCOPE.match(detail)) else "" for detail in details}
