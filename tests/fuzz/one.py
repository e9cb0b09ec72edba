"""Fuzz one target in this process, with libFuzzer's own arguments; `tests.fuzz.run` starts it."""

from __future__ import annotations

import os
import sys

import atheris
import django

_GUIDING = [
    "evidence.otlp",
    "evidence.semconv",
    "evidence.citations",
    "evidence.evals",
    "evidence.log",
    "evidence.digests",
    "tracebinder.verify",
    "requirements.yaml_import",
]


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    name = sys.argv.pop(1)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with atheris.instrument_imports(include=_GUIDING):
        django.setup()  # requirement files are read against the checks, which are declared beside their queries
        from tests.fuzz.targets import TARGETS
    atheris.Setup(sys.argv, TARGETS[name].try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
