"""What whoever posts a run says of it, beside what its runner wrote: how it is sent is decided here alone.

Each fact is a query parameter of `POST /api/v1/eval-runs`. One that a server does not take is refused by it, by name:
where nobody typed it, the run is posted without it and the client says so; what somebody typed is never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tracebinder.ci_environment import Taken
from tracebinder.http import RequestRefused, Server, Upload

PATH: Final = "/api/v1/eval-runs"
TYPED: Final = "the command line"
_UNKNOWN: Final = "unknown_parameter"


@dataclass(frozen=True, slots=True)
class Poster:
    """The facts by the name of their parameter."""

    facts: Mapping[str, Taken]

    def query(self, without: Iterable[str] = ()) -> dict[str, str]:
        """Return the query parameters."""
        return {name: taken.value for name, taken in self.facts.items() if name not in set(without)}

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
    media_type = "application/octet-stream"
    try:
        return server.post(PATH, upload, query=poster.query(), media_type=media_type)
    except RequestRefused as exc:
        left_out = _not_taken(exc) - poster.typed()
        if not left_out or left_out != _not_taken(exc):
            raise
        tell(f"this server does not take {', '.join(sorted(left_out))} of a run; posted without")
        return server.post(PATH, upload, query=poster.query(without=left_out), media_type=media_type)


def _not_taken(refusal: RequestRefused) -> set[str]:
    """Return the parameters that the server does not know, where nothing else is wrong."""
    faults = refusal.faults()
    unknown = {
        str(fault.get("path"))
        for fault in faults
        if fault.get("code") == _UNKNOWN and fault.get("in") == "query"
    }
    return unknown if len(unknown) == len(faults) else set()
