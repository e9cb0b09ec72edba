"""Prompt templates: versioned YAML files, each field in each language; the file's digest is the version's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from examples.common.digests import digest_of_file


class PromptError(LookupError):
    """The template has no such field, language or value; the message says which."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str  # system, user or assistant
    content: str


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """One version of a copilot's prompt: a template for each field of its answer."""

    name: str
    version: str
    digest: str
    fields: Mapping[str, Any]

    def render(self, field: str, language: str, **values: str) -> tuple[Message, ...]:
        """Fill the template of `field` in `language`. A last turn of the assistant is one the model goes on from.

        Raises:
            PromptError: no such field or language, or the template asks for a value that was not given.
        """
        try:
            templates = self.fields[field]
            user = templates["user"][language].format(**values)
            system = templates["system"][language] if "system" in templates else None
            opening = templates["assistant"][language] if "assistant" in templates else None
        except KeyError as exc:
            raise PromptError(f"{self.name} {self.version}: {field}/{language} lacks {exc}") from exc
        turns = [Message("system", system or ""), Message("user", user), Message("assistant", opening or "")]
        return tuple(turn for turn in turns if turn.content)

    def budget(self, field: str, language: str) -> int:
        """Return how many tokens the model may write for `field`."""
        return int(self.fields[field]["max_new_tokens"][language])


def load_prompt(folder: Path, version: str) -> PromptVersion:
    """Read `<folder>/<version>.yaml`.

    Raises:
        PromptError: there is no such version.
    """
    path = folder / f"{version}.yaml"
    if not path.exists():
        raise PromptError(f"no prompt version {version} in {folder}")
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return PromptVersion(data["name"], str(data["version"]), digest_of_file(path), data["fields"])
