"""Tools a copilot may call: plain functions with a name, a version and a digest of their source and data."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.common.digests import digest_of, digest_of_file, sha256_hex


class ToolError(ValueError):
    """The tool cannot answer for these arguments."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function of keyword arguments that returns a flat dict of JSON values; equal calls, equal results."""

    name: str
    version: str
    function: Callable[..., dict[str, Any]]
    data_file: Path | None = None

    @property
    def digest(self) -> str:
        """Digest of the module the function stands in and, where it reads one, of its data file."""
        source = Path(inspect.getfile(self.function))
        return digest_of(
            {
                "function": self.function.__name__,
                "source": sha256_hex(source.read_bytes()),
                "data": None if self.data_file is None else digest_of_file(self.data_file),
            }
        )
