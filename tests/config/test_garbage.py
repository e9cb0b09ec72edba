"""A web process leaves alone what it has loaded and what stays, and still finds what requests leave behind."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.invariants.walk import REPOSITORY

SERVES = """
import gc, weakref
import config.wsgi
from config.garbage import _ALL_AFTER
from django.urls import resolve

assert gc.get_freeze_count() > 100_000, gc.get_freeze_count()
resolve("/api/v1/impact")
known = [each for each in gc.get_objects() if type(each).__name__ == "URLPattern"]
assert not known, f"{len(known)} addresses were loaded after"


class Kept:
    def __init__(self):
        self.rows = [(number, [number]) for number in range(10)]


class Ring:
    def __init__(self):
        self.itself = self


def looked_through():
    return [each for each in gc.get_objects() if isinstance(each, (Kept, Ring))]


left = weakref.ref(Ring())
young = [[] for _ in range(20_000)]
assert left() is None, "a ring stays"

kept = {"answer": Kept()}
in_use = Ring()
first, ring = weakref.ref(kept["answer"]), weakref.ref(in_use)
assert len(looked_through()) == 2
gc.collect()
assert not looked_through(), "what stays is looked through again"
kept["answer"] = Kept()
assert first() is None, "what was replaced is kept"
del in_use
for look in range(_ALL_AFTER):
    gc.collect()
assert ring() is None, "a ring that was in use during a look stays for ever"
assert not looked_through()

# Requests that a look finds being answered, each with much that it brought.
large = gc.get_freeze_count()
answered = []
for request in range(12):
    asking = Ring()
    asking.sent = [[] for _ in range(large)]
    answered.append(weakref.ref(asking))
    gc.collect()
    del asking
assert sum(each() is not None for each in answered) <= 2, "what requests brought is kept after them"
print("serves")
"""


def test_what_stays_is_looked_through_once_and_what_nobody_has_is_freed() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    ended = subprocess.run(
        [sys.executable, "-c", SERVES], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "serves" in ended.stdout
