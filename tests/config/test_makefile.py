"""Which Python is taken, which environment, and what is said where there is none."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def run(
    *command: str, path: str = os.environ["PATH"], **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env={"PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def make_program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_python_that_does_not_run_is_absent_and_pyenv_says_where_its_own_are(tmp_path: Path) -> None:
    shims, versions = tmp_path / "shims", tmp_path / "versions"
    make_program(shims / "python3.11", "exit 127")  # as a shim of a version that is not selected
    make_program(shims / "python3.12", "exit 127")
    newest = make_program(shims / "python3.13", "exit 0")
    selected = make_program(versions / "3.12.1" / "bin" / "python3.12", "exit 0")
    make_program(
        shims / "pyenv",
        f"""case "$1 $2" in
          "whence python3.12") echo 3.12.1;;
          "prefix 3.12.1") echo {versions}/3.12.1;;
          *) exit 1;;
        esac""",
    )
    found = run(".ci/pythons", path=f"{shims}:/usr/bin:/bin").stdout.split()
    assert [line for line in found if str(tmp_path) in line] == [str(selected), str(newest)]


def test_the_distributions_python_is_taken_before_one_that_comes_earlier_in_the_path(tmp_path: Path) -> None:
    compiled = make_program(tmp_path / "compiled" / "python3.11", "exit 0")
    packaged = make_program(tmp_path / "packaged" / "python3.11", "exit 0")
    path = f"{compiled.parent}:{packaged.parent}:/usr/bin:/bin"
    first, *_ = run(".ci/pythons", path=path, DISTRIBUTION=str(packaged.parent)).stdout.split()
    assert first == str(packaged)
    make_program(packaged, "exit 1")  # without the package that makes environments
    first, *_ = run(".ci/pythons", path=path, DISTRIBUTION=str(packaged.parent)).stdout.split()
    assert first == str(compiled)


@pytest.mark.parametrize("target", ["install", "install-web"])
@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("", "apt install python3.11 python3.11-venv"),
        ("/nowhere/python3.12", "apt install python3.12 python3.12-venv"),
    ],
)
def test_a_missing_python_is_named_with_its_packages(
    tmp_path: Path, target: str, python: str, said: str
) -> None:
    made = run("make", target, f"VENV={tmp_path}/venv", f"PYTHON={python}")
    assert made.returncode != 0
    assert said in made.stdout
    assert not (tmp_path / "venv").exists()


def planned(tmp_path: Path, *goals: str, marker: str) -> str:
    """Return the commands that make would run in an environment that holds this marker."""
    make_program(tmp_path / "venv" / "bin" / "python", "exit 1")
    (tmp_path / "venv" / marker).touch()
    return run("make", "--dry-run", *goals, f"VENV={tmp_path}/venv").stdout


def test_without_torch_all_but_the_probes_runs(tmp_path: Path) -> None:
    small = planned(tmp_path, "up", "test", "PORT=8001", marker=".installed-web")
    assert "manage.py up --port 8001" in small
    assert "--ignore=tests/probes" in small
    assert "pip install" not in small
    assert "torch==" in planned(tmp_path, "demo", marker=".installed-web")


def test_with_torch_everything_runs(tmp_path: Path) -> None:
    whole = planned(tmp_path, "up", "test", "demo", marker=".installed")
    assert "manage.py up" in whole
    assert "--port" not in whole
    assert "--ignore" not in whole
    assert "pip install" not in whole
