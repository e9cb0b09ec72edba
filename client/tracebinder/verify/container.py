"""The container: step 1 of the verification. What is packed, by paths that mean the same on every file system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from tracebinder.verify.errors import BinderFailed, BinderMalformed
from tracebinder.verify.zip_format import Entry, ZipRefused, is_bare, read_entries, unpack

# Characters that mean something in a path on some system, or nothing that can be seen.
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\:]")
_LONGEST_NAME: Final = 1_024  # characters; what a binder holds is far shorter


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a binder may ask of the machine that verifies it."""

    total: int = 64 << 30  # bytes, all members unpacked
    ratio: int = 400  # unpacked bytes for one packed byte, over the whole ZIP
    members: int = 1_000_000
    document: int = 64 << 20  # bytes of one JSON document or manifest, which is held in memory
    line: int = 16 << 20  # bytes of one line of a .jsonl file


class Container:
    """An open binder: its top folder, and its members by path below it."""

    def __init__(self, file: BinaryIO, entries: Sequence[Entry], limits: Limits) -> None:
        self._file = file
        self.limits = limits
        self.top, self.members = _below_top(entries)
        self.is_bare = is_bare(file, entries)

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield a member's content.

        Raises:
            BinderFailed: no such member, or its bytes are damaged.
        """
        entry = self.members.get(path)
        if entry is None:
            raise BinderFailed("missing from the binder", member=path)
        try:
            yield from unpack(self._file, entry)
        except (ZipRefused, OSError) as exc:
            raise BinderFailed(str(exc), member=path) from exc

    def read(self, path: str) -> bytes:
        """Return a member that is small enough to hold in memory.

        Raises:
            BinderMalformed: larger than the limit for documents.
            BinderFailed: as `chunks`.
        """
        entry = self.members.get(path)
        if entry is not None and entry.size > self.limits.document:
            raise BinderMalformed(f"larger than {self.limits.document} bytes", member=path)
        return b"".join(self.chunks(path))

    def lines(self, path: str) -> Iterator[bytes]:
        """Yield a member's lines without their line feed.

        Raises:
            BinderMalformed: a line is over the limit, or the last has no line feed.
            BinderFailed: as `chunks`.
        """
        pending = b""
        for chunk in self.chunks(path):
            *complete, pending = (pending + chunk).split(b"\n")
            if max(map(len, (*complete, pending))) > self.limits.line:
                raise BinderMalformed(f"a line is longer than {self.limits.line} bytes", member=path)
            yield from complete
        if pending:
            raise BinderMalformed("the last line has no line feed", member=path)

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a member's content, in hexadecimal. Raises as `chunks`."""
        digest = hashlib.sha256()
        for chunk in self.chunks(path):
            digest.update(chunk)
        return digest.hexdigest()


@contextmanager
def open_container(path: Path, limits: Limits) -> Iterator[Container]:
    """Open a binder's ZIP and check its structure; the content is read later, member by member.

    Raises:
        BinderMalformed: anything in the container that could be read in two ways, or is over a limit.
    """
    try:
        file = path.open("rb")
    except OSError as exc:
        raise BinderMalformed(f"cannot be read: {exc}") from exc
    with file:
        try:
            entries = read_entries(file, most=limits.members)
        except ZipRefused as exc:
            raise BinderMalformed(exc.detail, member=exc.name) from exc
        except OSError as exc:
            raise BinderMalformed(f"cannot be read: {exc}") from exc
        _check_limits(entries, limits, path.stat().st_size)
        yield Container(file, entries, limits)


def _check_limits(entries: Sequence[Entry], limits: Limits, size: int) -> None:
    total = sum(entry.size for entry in entries)
    if total > limits.total or total > limits.ratio * size:
        raise BinderMalformed(f"the ZIP would unpack to {total} bytes, from {size}")


def _is_unsafe(name: str) -> bool:
    parts = name.removesuffix("/").split("/")
    return (
        len(name) > _LONGEST_NAME
        or bool(_FORBIDDEN.search(name))
        or any(part.strip() in {"", ".", ".."} or part.endswith((".", " ")) for part in parts)
    )


def _below_top(entries: Sequence[Entry]) -> tuple[str, dict[str, Entry]]:
    """Return the one top folder, and the members by their path below it.

    Raises:
        BinderMalformed: several top folders, an unsafe path, names that some systems take for one, or a folder of
            nothing: no signature would cover its name.
    """
    tops = {entry.name.partition("/")[0] for entry in entries}
    if len(tops) != 1 or any("/" not in entry.name for entry in entries):
        raise BinderMalformed("a binder has exactly one top folder")
    members: dict[str, Entry] = {}
    folders: set[str] = set()
    folded: set[str] = set()
    for entry in entries:
        if _is_unsafe(entry.name):
            raise BinderMalformed("a member has an unsafe path", member=entry.name)
        path = entry.name.partition("/")[2]
        fold = _fold(path)
        if fold in folded:
            raise BinderMalformed("two members have the same name on some systems", member=path)
        folded.add(fold)
        if entry.is_folder:
            folders.add(path)
        else:
            members[path] = entry
    _check_folders(folders, members)
    return tops.pop(), members


def _check_folders(folders: set[str], members: Mapping[str, Entry]) -> None:
    """Check that each path is either a file or a folder, and that there is no folder of nothing."""
    parents = {f"{parent}/" for path in members for parent in PurePosixPath(path).parents if parent.name}
    for folder in sorted(folders - parents - {""}):
        raise BinderMalformed("a folder with nothing in it", member=folder)
    taken = {_fold(folder) for folder in parents}
    for path in members:
        if _fold(path) in taken:
            raise BinderMalformed("a file and a folder have the same name", member=path)


def _fold(path: str) -> str:
    """Return the form under which two paths collide on some file system."""
    return unicodedata.normalize("NFC", path.removesuffix("/")).casefold()
