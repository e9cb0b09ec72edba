"""Lists of words and openings that tell sentences apart: text files, for whoever knows the language to mend.

A change of any of them changes what is extracted, and with it `EXTRACTOR_VERSION`.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def read_words(name: str) -> list[str]:
    """Return the words of a file, which are set apart by white space."""
    return " ".join(_lines(name)).split()


def read_alternatives(name: str) -> str:
    """Return one regular expression of all those of a file, one a line."""
    return "|".join(f"(?:{line})" for line in _lines(name))


def read_weights(name: str) -> dict[str, int]:
    """Return the weights of a file by what they weigh: one a line, the weight first."""
    pairs = (line.split(" ", 1) for line in _lines(name))
    return {weighed: int(weight) for weight, weighed in pairs}


def _lines(name: str) -> list[str]:
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
