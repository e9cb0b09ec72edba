"""Typed readers of the environment. A value that is set and wrong stops the start with a sentence, never silently."""

from __future__ import annotations

import os
from pathlib import Path


class ConfigurationError(Exception):
    """An environment variable is missing or wrong; the message says which and what it takes."""


def env_str(name: str, default: str) -> str:
    """Return the text of `name`, or of the file that `name`_FILE points to, or `default`."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as exc:
            raise ConfigurationError(f"{name}_FILE={path} cannot be read: {exc.strerror}") from exc
    return os.environ.get(name, default)


def env_int(name: str, default: int) -> int:
    """Return `name` as a whole number."""
    text = env_str(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError as exc:
        raise ConfigurationError(f"{name} must be a whole number, not {text!r}") from exc


def env_bool(name: str, *, default: bool) -> bool:
    """Return `name` as a truth value: 1/0, true/false, yes/no, on/off."""
    text = env_str(name, "").lower()
    if not text:
        return default
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise ConfigurationError(f"{name} must be true or false, not {text!r}")


def env_list(name: str, default: list[str]) -> list[str]:
    """Return `name` split at commas, blanks dropped."""
    text = env_str(name, "")
    return [part.strip() for part in text.split(",") if part.strip()] if text else default
