"""Which files a call of `push-eval` posts, and what kind of file one looks like to somebody who cannot read it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tracebinder.errors import TracebinderError
from tracebinder.upload import STDIN, FileUpload, PipeUpload, cannot_read, keep_pipe, upload_of

SUFFIXES: Final = frozenset({".json", ".jsonl", ".eval", ".xml", ".csv"})  # of what a folder is searched for
_HEAD: Final = 512  # bytes

_MAGIC: Final = (
    (b"PK\x03\x04", "a ZIP, as an Inspect log (.eval) is"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"\xef\xbb\xbf", "text with a byte order mark (UTF-8 with BOM)"),
    (b"\xff\xfe", "UTF-16 text, as PowerShell's > writes: write UTF-8"),
    (b"<", "XML, as JUnit reports are"),
    (b"{", "JSON"),
    (b"[", "a JSON array"),
)


def choose_files(given: Sequence[Path], kept_for: ExitStack) -> dict[str, FileUpload | PipeUpload]:
    """Return what is to be posted, by the name it was given; folders are searched, nothing is taken twice.

    Args:
        kept_for: for as long as what came through a pipe is kept.

    Raises:
        TracebinderError: something is not there, cannot be read, or holds no eval file.
    """
    chosen: dict[str, FileUpload | PipeUpload] = {}
    for path in given:
        if str(path) == STDIN:
            chosen[STDIN] = keep_pipe(sys.stdin.buffer, kept_for)
            continue
        for file in _files_in(path):
            if file.as_posix() not in chosen:
                chosen[file.as_posix()] = upload_of(file, kept_for)
    return chosen


def looks_like(upload: FileUpload | PipeUpload) -> str:
    """Return in words what a file looks like by its first bytes; empty where that says nothing."""
    if upload.size == 0:
        return "empty: the runner wrote nothing"
    with upload.open() as file:
        head = file.read(_HEAD)
    return next((words for magic, words in _MAGIC if head.lstrip(b" \r\n\t").startswith(magic)), "")


def _files_in(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    try:
        found = [each for each in sorted(path.rglob("*")) if _is_eval_file(each.relative_to(path), each)]
    except OSError as exc:
        raise cannot_read(path, exc) from exc
    if not found:
        raise TracebinderError(
            f"{path} holds no eval file: none in it ends in {', '.join(sorted(SUFFIXES))}; name the file itself"
        )
    yield from found


def _is_eval_file(within: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in within.parts)
    return not hidden and path.suffix.lower() in SUFFIXES and path.is_file()
