"""The web process runs where torch is not installed."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.invariants.walk import REPOSITORY

# Everything the web process and the default worker load, with torch made impossible to import.
WHOLE_WEB_TREE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "sae_lens", "transformer_lens", "jaxtyping"}:
            raise ImportError(f"{name} is not installed in the web image")

sys.meta_path.insert(0, Refuse())
import django
django.setup()
import importlib, pkgutil
from django.urls import get_resolver
from config.celery import app
import config.wsgi
get_resolver().url_patterns
app.loader.import_default_modules()
from django.contrib import admin
admin.autodiscover()
for package in ("config", "evidence", "requirements", "interpret"):
    module = importlib.import_module(package)
    for info in pkgutil.walk_packages(module.__path__, f"{package}."):
        if not info.name.startswith(("interpret.probes", "interpret.dictionaries.")):
            importlib.import_module(info.name)
loaded = [name for name in sys.modules if name.partition(".")[0] in {"torch", "transformers", "sae_lens"}]
assert not loaded, loaded
print("web tree loaded")
"""


def test_the_whole_web_tree_loads_where_torch_cannot_be_imported() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    result = subprocess.run(
        [sys.executable, "-c", WHOLE_WEB_TREE],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert "web tree loaded" in result.stdout


STATISTICS_ALONE = """
import importlib, pkgutil, sys
import evidence.statistics
for info in pkgutil.walk_packages(evidence.statistics.__path__, "evidence.statistics."):
    importlib.import_module(info.name)
heavy = sorted({"numpy", "scipy"} & sys.modules.keys())
assert not heavy, heavy
print("statistics loaded")
"""


def test_statistics_import_the_numerics_when_they_first_compute() -> None:
    """Importing both takes about a second, at the start of each process."""
    result = subprocess.run(
        [sys.executable, "-c", STATISTICS_ALONE], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert "statistics loaded" in result.stdout
