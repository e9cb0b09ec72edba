"""What a binder has that an earlier one of the same scope had not, has otherwise, or has no more."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from tracebinder.verify.bag import ENVELOPE, check_bag
from tracebinder.verify.container import Container, Limits, open_container
from tracebinder.verify.errors import BinderFailed
from tracebinder.verify.strict_json import time_at

Change = Literal["added", "changed", "gone"]

_LINES: Final = ".jsonl"
_NAMES: Final = (
    "id",
    "traceId",
    "spanId",
    "key",
    "index",
    "task",
    "name",
)  # how a row is called, by the first it has
_MOST_NAMED: Final = 5  # rows that went, for each file
_SCOPE: Final = ("system", "period")


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is not as it was; of rows, how many came and went, and which of those that went are named."""

    path: str
    change: Change
    rows_added: int = 0
    rows_gone: int = 0
    gone: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{self.change}: {self.path}"
        if self.change == "changed" and self.path.endswith(_LINES):
            text += f" ({self.rows_added} rows added, {self.rows_gone} gone)"
        return text + (f": {', '.join(self.gone)}" if self.gone else "")


@dataclass(slots=True)
class Differences:
    """All that differs. `named` says whether the later binder itself names the earlier one as the one before it."""

    named: bool
    files: list[FileChange] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """Return it as `--json` prints it."""
        return {
            "namedAsPrevious": self.named,
            "files": [
                {
                    "path": file.path,
                    "change": file.change,
                    "rowsAdded": file.rows_added,
                    "rowsGone": file.rows_gone,
                    "gone": list(file.gone),
                }
                for file in self.files
            ],
        }


def check_same_scope(old: dict[str, object], new: dict[str, object]) -> None:
    """Check that two statements are about the same scope, the first as of an earlier time.

    Raises:
        BinderFailed: another system or period, or not earlier.
    """
    for name in _SCOPE:
        if old.get(name) != new.get(name):
            raise BinderFailed(
                f"the previous binder is of another {name}: {old.get(name)}, not {new.get(name)}"
            )
    if time_at(old, "asOf", member="previous binder") > time_at(new, "asOf", member=ENVELOPE):
        raise BinderFailed(f"the previous binder is as of {old.get('asOf')}, later than {new.get('asOf')}")


def find_differences(
    old: Path, new: Path, *, old_digest: str, statement: dict[str, object], limits: Limits | None = None
) -> Differences:
    """Return what differs between two binders that were both verified.

    Args:
        old_digest: SHA-256 of the earlier ZIP.
        statement: the later binder's predicate.
    """
    previous = statement.get("previousBinder")
    named = isinstance(previous, dict) and previous.get("zipSha256") == old_digest
    found = Differences(named)
    allowed = limits or Limits()
    with open_container(old, allowed) as before, open_container(new, allowed) as after:
        (was, _), (now, _) = check_bag(before), check_bag(after)
        for path in sorted(set(was.digests) | set(now.digests)):
            if path not in was.digests:
                found.files.append(FileChange(path, "added"))
            elif path not in now.digests:
                found.files.append(FileChange(path, "gone"))
            elif was.digests[path] != now.digests[path]:
                found.files.append(_changed(path, before, after))
    return found


def _changed(path: str, before: Container, after: Container) -> FileChange:
    if not path.endswith(_LINES):
        return FileChange(path, "changed")
    rows = Counter(_digests(after.lines(path)))
    rows.subtract(_digests(before.lines(path)))
    went = {digest for digest, count in rows.items() if count < 0}
    return FileChange(
        path,
        "changed",
        rows_added=sum(count for count in rows.values() if count > 0),
        rows_gone=-sum(count for count in rows.values() if count < 0),
        gone=tuple(_names_of(before.lines(path), went)),
    )


def _digests(lines: Iterable[bytes]) -> Iterator[bytes]:
    return (hashlib.sha256(line).digest() for line in lines)


def _names_of(lines: Iterable[bytes], went: set[bytes]) -> Iterator[str]:
    left = _MOST_NAMED
    for line in lines:
        if left and hashlib.sha256(line).digest() in went:
            left -= 1
            row = json.loads(line)
            yield next(
                (f"{name} {row[name]}" for name in _NAMES if name in row), line[:60].decode(errors="replace")
            )
