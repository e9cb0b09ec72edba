"""The tasks a copilot is asked to do, read from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool the application calls for this task, and with what. The application routes, not the model."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """One question to a copilot."""

    id: str
    language: str  # BCP 47: en or zh-Hans
    risk_tier: str  # low, medium or high
    question: str
    tools: tuple[ToolRequest, ...] = ()
    choices: tuple[str, ...] = ()  # where the model is also asked to decide
    prompt: str | None = None  # a prompt version other than the release's


def load_tasks(path: Path) -> tuple[Task, ...]:
    """Read the tasks of one copilot, in the order of the file."""
    return tuple(_read(entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8")))


def _read(entry: dict[str, Any]) -> Task:
    return Task(
        id=entry["id"],
        language=entry["language"],
        risk_tier=entry["risk_tier"],
        question=entry["question"],
        tools=tuple(ToolRequest(tool["name"], tool["arguments"]) for tool in entry.get("tools", [])),
        choices=tuple(entry.get("choices", [])),
        prompt=entry.get("prompt"),
    )
