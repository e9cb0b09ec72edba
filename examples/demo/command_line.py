"""What CI does: the `tracebinder` client, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ClientFailed(Exception):
    """The client could not do what it was asked; the message is its own."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a command said: its exit code, and the JSON it printed."""

    code: int
    answer: dict[str, Any]


def push_eval(url: str, token: str, path: Path, system: str, release: str) -> Told:
    """Post an eval file."""
    told = _client(url, token, "push-eval", str(path), "--system", system, "--release", release, "--json")
    if told.code not in {0, 1}:  # 1: stored, and not whole, as the tables say
        raise ClientFailed(f"push-eval ended with {told.code}: {told.answer}")
    return told


def ask_gate(url: str, token: str, gate: str, system: str, release: str) -> Told:
    """Ask a gate; any verdict is an answer."""
    told = _client(url, token, "gate", gate, "--system", system, "--release", release, "--json")
    if not told.answer.get("verdict"):
        raise ClientFailed(f"gate ended with {told.code}: {told.answer}")
    return told


def ask_impact(url: str, token: str, system: str, release: str) -> Told:
    """Ask what a release would do if it went live; 1 says that something becomes suspect."""
    told = _client(url, token, "impact", "--system", system, "--release", release, "--json")
    if told.code not in {0, 1}:
        raise ClientFailed(f"impact ended with {told.code}: {told.answer}")
    return told


def verify(binder: Path, trust: Path, *options: str) -> Told:
    """Verify a binder offline."""
    return _client("", "", "verify", str(binder), "--trust", str(trust), "--json", *options)


def _client(url: str, token: str, *arguments: str) -> Told:
    result = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "tracebinder.cli.main", *arguments],
        env={**os.environ, "TRACEBINDER_URL": url, "TRACEBINDER_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        answer = json.loads(result.stdout)
    except json.JSONDecodeError as exc:
        raise ClientFailed(
            f"`tracebinder {arguments[0]}` ended with {result.returncode}: {result.stderr}"
        ) from exc
    return Told(result.returncode, answer)
