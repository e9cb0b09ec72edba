"""What a reader says of itself, for docs/reference/eval-formats.md: which files it was tried with, and what to add."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormatNotes:
    """Sentences without their full stop, in plain Markdown."""

    tried: str  # the runner and the versions whose files were read
    post: str  # what to post
    reads: str  # what becomes a measurement, a sample, a metric
    poster: str  # what the file does not say, so that its poster must
    flags: str  # what stands beside the numbers
