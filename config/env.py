"""Typed readers of the environment. A value that is set and wrong stops the start with a sentence, never silently."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from evidence.log.errors import MalformedNote
from evidence.log.notes import COSIGNATURE, parse_vkey
from evidence.nearest import nearest_name

PREFIX: Final = "TRACEBINDER_"
# Variables of our name that other programs read: the client, and the tests.
READ_ELSEWHERE: Final = frozenset(
    {
        "TRACEBINDER_URL", "TRACEBINDER_TOKEN", "TRACEBINDER_TEST_VAR", "TRACEBINDER_SHOTS",
        "TRACEBINDER_SOAK_ROUNDS", "TRACEBINDER_SOAK_SEED", "TRACEBINDER_EXAMPLES", "TRACEBINDER_TAKE_DOWN",
    }
)  # fmt: skip
# Kubernetes and Docker set these in every container beside a service whose name begins with ours.
_SERVICE_LINK: Final = re.compile(
    r"TRACEBINDER_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP)(_(ADDR|PORT|PROTO))?)?)"
)

_read: set[str] = set()


class ConfigurationError(Exception):
    """An environment variable is missing or wrong; the message says which and what it takes."""


def env_str(name: str, default: str) -> str:
    """Return the text of `name`, or of the file that `name`_FILE points to, or `default`."""
    _read.add(name)
    path = os.environ.get(f"{name}_FILE")
    if path and name in os.environ:
        raise ConfigurationError(f"{name} and {name}_FILE are both set: unset one, or it would be ignored")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as exc:
            raise ConfigurationError(f"{name}_FILE={path} cannot be read: {exc.strerror}") from exc
    return os.environ.get(name, default)


def env_int(name: str, default: int, *, least: int | None = None, most: int | None = None) -> int:
    """Return `name` as a whole number, no less and no more than these."""
    text = env_str(name, "")
    if not text:
        return default
    try:
        number = int(text)
    except ValueError as exc:
        raise ConfigurationError(f"{name} must be a whole number, not {text!r}") from exc
    if least is not None and number < least:
        raise ConfigurationError(f"{name} must be {least} or more, not {text!r}")
    if most is not None and number > most:
        raise ConfigurationError(f"{name} must be {most} or less, not {text!r}")
    return number


def env_form(name: str, default: str, form: str, what: str) -> str:
    """Return the text of `name`, which must match the regular expression whole: `what` says in words what it takes."""
    text = env_str(name, "")
    if text and not re.fullmatch(form, text):
        raise ConfigurationError(f"{name} must be {what}, not {text!r}")
    return text or default


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


def env_pairs(name: str, what: str) -> list[tuple[str, str]]:
    """Return `name` split at commas, each part split at its one blank: pairs of what the second argument says."""
    pairs = []
    for part in env_list(name, []):
        first, blank, second = part.partition(" ")
        if not blank or " " in second.strip():
            raise ConfigurationError(f"{name} takes {what}, with a blank between them, not {part!r}")
        pairs.append((first, second.strip()))
    return pairs


def refuse_no_witnesses(pairs: Iterable[tuple[str, str]]) -> None:
    """Stop where a witness is named that could not be asked, or under a key that is no witness's.

    Raises:
        ConfigurationError: names it.
    """
    for url, vkey in pairs:
        try:
            parse_vkey(vkey, kind=COSIGNATURE)
        except MalformedNote as exc:
            raise ConfigurationError(
                f"TRACEBINDER_LOG_WITNESSES: {vkey!r} is no witness's vkey: {exc}"
            ) from exc
        if not url.startswith(("https://", "http://")):
            raise ConfigurationError(f"TRACEBINDER_LOG_WITNESSES: {url!r} is no http or https address")


def refuse_unread() -> None:
    """Stop where a variable of our name is set and no setting has read it: it was meant to change something.

    Called once, when all settings are read.

    Raises:
        ConfigurationError: names each, and the nearest that is read.
    """
    known = _read | READ_ELSEWHERE
    unread = [name for name in sorted(os.environ) if name.startswith(PREFIX) and not _is_read(name, known)]
    if unread:
        told = "; ".join(f"{name}: did you mean {nearest_name(name, known)}?" for name in unread)
        raise ConfigurationError(f"no setting reads these variables, unset or correct them: {told}")


def _is_read(name: str, known: set[str]) -> bool:
    return name in known or name.removesuffix("_FILE") in known or _SERVICE_LINK.fullmatch(name) is not None
