"""A container that tools could read differently is refused, and what is accepted they all read alike."""

from __future__ import annotations

import io
import os
import random
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Final

import pytest

from tests.client.binders import Built, repack, unpack
from tests.client.conftest import Verify
from tests.client.zip_model import FIELDS, SHAPES, mutate
from tracebinder.verify import Report
from tracebinder.verify.zip_format import read_entries

MUTATIONS: Final = {**SHAPES, **FIELDS}
PACKERS: Final = [
    command
    for command in (
        [sys.executable, "-m", "zipfile", "-c", "made.zip"],
        ["zip", "-q", "-r", "made.zip"],
        ["zip", "-q", "-X", "-D", "-0", "-r", "made.zip"],
        ["jar", "cfM", "made.zip"],
        ["bsdtar", "-a", "-cf", "made.zip"],
    )
    if shutil.which(command[0])
]
SEEDS: Final = 2
SOAK_SEEDS: Final = 4 * int(os.environ.get("TRACEBINDER_SOAK_ROUNDS", "50"))


def readings(archive: bytes, folder: Path, *, programs: bool) -> dict[str, dict[str, bytes]]:
    """Return what each tool that is here makes of a ZIP: files by path, or nothing where it refuses."""
    found = {"python": _by_python(archive)}
    path = folder / "read.zip"
    path.write_bytes(archive)
    commands = {
        "unzip": ["unzip", "-q", "-o", str(path)],
        "jar": ["jar", "xf", str(path)],
        "bsdtar": ["bsdtar", "-xf", str(path)],
    }
    for name, command in commands.items():
        if programs and shutil.which(command[0]):
            found[name] = _by_program(command, folder / name)
    return {name: files for name, files in found.items() if files}


def _by_python(archive: bytes) -> dict[str, bytes]:
    try:
        return unpack(archive)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError, zlib.error):
        return {}


def _by_program(command: list[str], folder: Path) -> dict[str, bytes]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if done.returncode:
        return {}
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)).partition("/")[2]: path.read_bytes() for path in files}


def container_line(report: Report) -> str:
    return next(f"{line.state}: {line.detail}" for line in report.lines if line.name == "container")


@pytest.mark.parametrize("name", MUTATIONS)
def test_what_is_accepted_reads_one_way_and_holds_nothing_unnamed(
    name: str, honest: Built, verify: Verify, tmp_path: Path
) -> None:
    check_mutation(name, honest, verify, tmp_path, seeds=SEEDS, programs=False)


@pytest.mark.soak
@pytest.mark.parametrize("name", MUTATIONS)
def test_the_same_with_many_seeds_and_every_tool_that_is_here(
    name: str, honest: Built, verify: Verify, tmp_path: Path
) -> None:
    check_mutation(name, honest, verify, tmp_path, seeds=SOAK_SEEDS, programs=True)


def check_mutation(
    name: str, honest: Built, verify: Verify, folder: Path, *, seeds: int, programs: bool
) -> None:
    """Where a changed container is accepted, every tool reads the honest files, and what changed is named."""
    expected = unpack(honest.archive)
    for seed in range(seeds):
        archive = mutate(honest.archive, MUTATIONS[name], random.Random(f"{name} {seed}"))
        assert verify(archive, sidecar=honest.written.sidecar).exit_code != 0, (name, seed)
        report = verify(archive)
        if report.exit_code == 0:
            for tool, files in readings(archive, folder, programs=programs).items():
                assert files == expected, (name, seed, tool)
            assert container_line(report).startswith("not present: repacked"), (name, seed)


def test_the_mutations_are_none_that_any_reader_would_refuse(honest: Built) -> None:
    """At least half of them are read by `zipfile` without a word: what they attack is real."""
    read = [
        name
        for name in SHAPES
        if _by_python(mutate(honest.archive, SHAPES[name], random.Random(f"{name} 0")))
    ]
    assert len(read) * 2 > len(SHAPES), read


@pytest.mark.parametrize("command", PACKERS, ids=lambda command: " ".join(command[:2]))
def test_a_binder_packed_again_is_verified_and_called_so(
    command: list[str], honest: Built, verify: Verify, tmp_path: Path
) -> None:
    with zipfile.ZipFile(honest.save(tmp_path)) as archive:
        archive.extractall(tmp_path / "out")
    (top,) = (tmp_path / "out").iterdir()
    subprocess.run([*command, top.name], cwd=tmp_path / "out", check=True, capture_output=True)
    report = verify((tmp_path / "out" / "made.zip").read_bytes())
    assert report.problems == []
    assert container_line(report).startswith("not present: repacked")


def test_whether_the_containers_bytes_are_signed_is_said(honest: Built, verify: Verify) -> None:
    assert container_line(verify(honest.archive, sidecar=honest.written.sidecar)).startswith(
        "ok: its bytes are signed"
    )
    assert container_line(verify(honest.archive)).startswith("not present: its bytes are not signed")
    assert container_line(verify(repack(unpack(honest.archive)))).startswith("not present: repacked")


def test_more_members_than_fit_the_short_form_are_read(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for number in range(70_000):
            archive.writestr(f"{number:05}", b"")
    assert len(read_entries(sink, most=100_000)) == 70_000
