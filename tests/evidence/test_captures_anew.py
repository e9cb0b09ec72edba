"""`make soak` runs each library anew, in an environment of its own: it is read today as it was read then."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evidence.capture_truths import Verdict, judged
from tests.evidence.captured import captures
from tests.evidence.test_captures import NOT_RIGHT

SCRIPTS = Path(__file__).parents[1] / "captures"
IN_PYTHON = sorted(path.with_suffix(".py") for path in SCRIPTS.glob("with_*.txt"))
IN_NODE = sorted(SCRIPTS.glob("vercel_ai_*.json"))
LONGEST = 900  # seconds for an installation, and for all scenarios of a library


def run(*command: str | Path, **environment: str) -> None:
    subprocess.run(command, check=True, timeout=LONGEST, env={**os.environ, **environment})


def check_bodies(folder: Path) -> None:
    """See that a library's bodies were all sent, and that they tell as much as the ones that are kept."""
    sent = captures(folder)
    assert sent
    assert {one for one in captures() if one[0] == sent[0][0]} == set(sent)
    for library, scenario in sent:
        verdicts = [told for _, _, told in judged(library, scenario, folder)]
        less = {
            f"{name} {told}" for one in verdicts for name, told in one.items() if told is not Verdict.RIGHT
        }
        assert less == NOT_RIGHT.get((library, scenario), set()), scenario


@pytest.mark.soak
@pytest.mark.parametrize("script", IN_PYTHON, ids=lambda path: path.stem)
def test_a_python_library_is_read_as_it_was(script: Path, tmp_path: Path) -> None:
    environment, bodies = tmp_path / "venv", tmp_path / "bodies"
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "-r", script.with_suffix(".txt"))
    run(python, script, bodies)
    check_bodies(bodies)


@pytest.mark.soak
@pytest.mark.parametrize("manifest", IN_NODE, ids=lambda path: path.stem)
def test_a_node_library_is_read_as_it_was(manifest: Path, tmp_path: Path) -> None:
    packages, bodies = tmp_path / manifest.stem, tmp_path / "bodies"
    packages.mkdir()
    shutil.copy(manifest, packages / "package.json")
    run("npm", "install", "--no-audit", "--no-fund", "--prefix", packages)
    run(sys.executable, SCRIPTS / "with_vercel_ai.py", bodies, TRACEBINDER_NODE_PACKAGES=str(packages))
    check_bodies(bodies)


def test_each_captured_library_has_its_script_and_versions() -> None:
    pinned = [path.with_suffix(".txt").read_text(encoding="utf-8").split() for path in IN_PYTHON]
    assert all("==" in line for lines in pinned for line in lines)
    assert all("ai" in json.loads(path.read_text(encoding="utf-8"))["dependencies"] for path in IN_NODE)
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in IN_PYTHON)
    libraries = {library for library, _ in captures()} - {path.stem for path in IN_NODE}
    assert [library for library in sorted(libraries) if f'"{library}"' not in scripts] == []
