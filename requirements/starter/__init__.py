"""The starter baseline: the six requirements every copilot must meet, ready to import."""

from __future__ import annotations

from pathlib import Path

STARTER_FILE = Path(__file__).with_name("baseline.yaml")


def read_starter() -> bytes:
    """Return the bytes of the starter baseline, a `tracebinder.requirements/1` file."""
    return STARTER_FILE.read_bytes()
