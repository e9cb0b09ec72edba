"""Which files a call of `push-eval` posts, and what kind of file one looks like to somebody who cannot read it.

Some runners write a folder for a run. It is posted as one ZIP, which is the same each time, byte by byte: a run is
known by its content. So nothing in it is compressed, and no date is kept.
"""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Final, TypeAlias

from tracebinder.errors import TracebinderError
from tracebinder.upload import STDIN, FileUpload, PipeUpload, cannot_read, keep_pipe, kept_upload, upload_of

EvalUpload: TypeAlias = "FileUpload | PipeUpload"
SUFFIXES: Final = frozenset({".json", ".jsonl", ".eval", ".xml", ".csv"})  # of what a folder is searched for
_HEAD: Final = 512  # bytes
_IN_MEMORY: Final = 4 << 20  # bytes of a ZIP that are kept before a temporary file is made
_HELM: Final = "per_instance_stats.json"
_LM_EVAL: Final = re.compile(r"results(?P<date>_[^/]*)?\.json")

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


def choose_files(given: Sequence[Path], kept_for: ExitStack) -> dict[str, EvalUpload]:
    """Return what is to be posted, by the name it was given; folders are searched, nothing is taken twice.

    Args:
        kept_for: for as long as what came through a pipe, or was packed, is kept.

    Raises:
        TracebinderError: something is not there, cannot be read, or holds no eval file.
    """
    chosen: dict[str, EvalUpload] = {}
    for path in given:
        if str(path) == STDIN:
            chosen[STDIN] = keep_pipe(sys.stdin.buffer, kept_for)
        elif path.is_dir():
            chosen |= _in_folder(path, chosen, kept_for)
        elif path.as_posix() not in chosen:
            chosen[path.as_posix()] = upload_of(path, kept_for)
    return chosen


def looks_like(upload: EvalUpload) -> str:
    """Return in words what a file looks like by its first bytes; empty where that says nothing."""
    if upload.size == 0:
        return "empty: the runner wrote nothing"
    with upload.open() as file:
        head = file.read(_HEAD)
    return next((words for magic, words in _MAGIC if head.lstrip(b" \r\n\t").startswith(magic)), "")


def _in_folder(folder: Path, chosen: dict[str, EvalUpload], kept_for: ExitStack) -> dict[str, EvalUpload]:
    """Return what of a folder is not chosen yet: a ZIP for each run that is several files, and the other files."""
    try:
        found = [each for each in sorted(folder.rglob("*")) if _is_eval_file(each.relative_to(folder), each)]
    except OSError as exc:
        raise cannot_read(folder, exc) from exc
    if not found:
        raise TracebinderError(
            f"{folder} holds no eval file: none in it ends in {', '.join(sorted(SUFFIXES))}; name the file itself"
        )
    runs = dict(_runs_of_several(found))
    packed = {file for files in runs.values() for file in files}
    uploads: dict[str, EvalUpload] = {
        name: _pack(files, kept_for) for name, files in runs.items() if name not in chosen
    }
    alone = (file for file in found if file not in packed and file.as_posix() not in chosen)
    return uploads | {file.as_posix(): upload_of(file, kept_for) for file in alone}


def _is_eval_file(within: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in within.parts)
    return not hidden and path.suffix.lower() in SUFFIXES and path.is_file()


def _runs_of_several(files: Sequence[Path]) -> Iterator[tuple[str, list[Path]]]:
    """Yield the runs that are several files, by a name: HELM's folders, and what lm-evaluation-harness dates alike."""
    by_folder: dict[Path, list[Path]] = {}
    for file in files:
        by_folder.setdefault(file.parent, []).append(file)
    for folder, beside in by_folder.items():
        if any(file.name == _HELM for file in beside):
            yield f"{folder.as_posix()}.zip", [file for file in beside if file.suffix == ".json"]
            continue
        for results in beside:
            date = _LM_EVAL.fullmatch(results.name)
            samples = [
                file
                for file in beside
                if date and file.name.startswith("samples_") and file.stem.endswith(date["date"] or "")
            ]
            if samples:
                yield f"{results.with_suffix('.zip').as_posix()}", [results, *samples]


def _pack(files: Sequence[Path], kept_for: ExitStack) -> PipeUpload:
    """Return files as a ZIP that is the same for the same files.

    Raises:
        FileChanged: one of them is still being written.
    """
    kept = kept_for.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  # it does
    with ExitStack() as sources, zipfile.ZipFile(kept, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            with (
                upload_of(file, sources).open() as source,
                archive.open(zipfile.ZipInfo(file.name), "w") as member,
            ):
                shutil.copyfileobj(source, member)
    return kept_upload(kept)
