"""What whoever posts a run says of it, beside what its runner wrote: how it is sent is decided here alone.

Each fact is a query parameter of `POST /api/v1/eval-runs`. The server refuses one that it does not know, and one that
the file says otherwise, each by name. Where nobody typed it, the run is posted without it and the client says so: of
its own run the file knows more than the CI does. What somebody typed is never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tracebinder.ci_environment import Taken
from tracebinder.http import RequestRefused, Server, Upload

PATH: Final = "/api/v1/eval-runs"
TYPED: Final = "the command line"
NAME: Final = "name"  # of the file; a server that does not take it misses nothing
_LEAVES_OUT: Final = frozenset({"unknown_parameter", "said_twice"})
_OF_COMMIT: Final = "dirty"  # means nothing without the commit it is about


@dataclass(frozen=True, slots=True)
class Poster:
    """The facts by the name of their parameter."""

    facts: Mapping[str, Taken]

    def query(self, without: set[str]) -> dict[str, str]:
        """Return the query parameters."""
        return {name: taken.value for name, taken in self.facts.items() if name not in without}

    def typed(self) -> set[str]:
        """Return the names of what somebody typed."""
        return {name for name, taken in self.facts.items() if taken.source == TYPED}


def post_run(
    server: Server, upload: Upload, poster: Poster, tell: Callable[[str], None]
) -> tuple[int, dict[str, object]]:
    """Post one file with what is said of it.

    Raises:
        RequestRefused, ServerUnreachable, FileChanged: as `Server.post` and the upload do.
    """
    without: set[str] = set()
    while True:
        try:
            return server.post(
                PATH, upload, query=poster.query(without), media_type="application/octet-stream"
            )
        except RequestRefused as exc:
            refused = _refused_parameters(exc)
            if not refused or without >= set(refused) or poster.typed() & set(refused):
                raise
            without |= set(refused)
            for sentence in (_said_of(name, code) for name, code in refused.items() if name != NAME):
                tell(sentence)
            if "commit" in without and _OF_COMMIT not in poster.typed():
                without.add(_OF_COMMIT)


def _said_of(name: str, code: str) -> str:
    flag = name.replace("_", "-")
    if code == "said_twice":
        return f"{flag} is said otherwise by the file, which counts; posted without ours"
    return f"this server does not take {flag} of a run; posted without"


def _refused_parameters(refusal: RequestRefused) -> dict[str, str]:
    """Return the parameters that can be left out, with why; none where anything else is wrong."""
    faults = refusal.faults()
    found = {
        str(fault.get("path")): str(fault.get("code"))
        for fault in faults
        if fault.get("in") == "query" and fault.get("code") in _LEAVES_OUT
    }
    return found if len(found) == len(faults) else {}
