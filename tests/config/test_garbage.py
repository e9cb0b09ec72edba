"""A web process leaves alone what it has loaded, and still finds what a request leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.invariants.walk import REPOSITORY

SERVES = """
import gc, weakref
import config.wsgi
from django.urls import resolve

assert gc.get_freeze_count() > 100_000, gc.get_freeze_count()
resolve("/api/v1/impact")
known = [each for each in gc.get_objects() if type(each).__name__ == "URLPattern"]
assert not known, f"{len(known)} addresses were loaded after"


class Ring:
    def __init__(self):
        self.itself = self


left = weakref.ref(Ring())
kept = [[] for _ in range(20_000)]
assert left() is None, "a ring stays"
print("serves")
"""


def test_what_is_loaded_is_never_looked_through_and_a_ring_is_found() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    ended = subprocess.run(
        [sys.executable, "-c", SERVES], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "serves" in ended.stdout
