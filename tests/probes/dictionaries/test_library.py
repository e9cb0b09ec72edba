"""sae-lens is loaded without what the image leaves out, without a network, and at one place."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from importlib.machinery import SourceFileLoader

from tests.invariants.walk import REPOSITORY

WITHOUT = """
import socket, sys
LEFT_OUT = {names}
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in LEFT_OUT:
            raise ImportError(name + " is not in the image")
sys.meta_path.insert(0, Refuse())
def refuse(*_, **__):
    raise OSError("no network")
socket.socket.connect = refuse
import numpy as np
from interpret.dictionaries import library, storing
from interpret.dictionaries.training import Training, train
train(np.ones((64, 8), dtype=np.float32), Training(features=8, active=2, samples=128, batch=32))
print("loaded")
"""


def test_it_loads_and_trains_without_what_the_image_leaves_out() -> None:
    path = str(REPOSITORY / ".ci" / "hash-requirements")
    spec = importlib.util.spec_from_loader("hash_requirements", SourceFileLoader("hash_requirements", path))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    names = {name.replace("-", "_") for name in module.LEFT_OUT}
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(names=names)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.endswith("loaded\n")


def test_one_module_imports_it() -> None:
    importing = set()
    for path in (REPOSITORY / "interpret").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.partition(".")[0] in {"sae_lens", "transformer_lens"} for name in names):
                importing.add(path.relative_to(REPOSITORY).as_posix())
    assert importing == {"interpret/dictionaries/library.py"}
