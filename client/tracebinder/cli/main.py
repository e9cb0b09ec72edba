"""`tracebinder`: what CI, auditors and witnesses do from a terminal with releases, runs, gates, binders and the log."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from tracebinder import __version__
from tracebinder.cli import (
    checkpoint,
    compare,
    deploy,
    gate,
    push_eval,
    register_release,
    register_versions,
    retract,
    signer,
    verify,
    witness,
)
from tracebinder.cli.hidden_signs import marked_output, show_hidden
from tracebinder.errors import TracebinderError

WRONG_USAGE: Final = 64


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code. Wrong usage exits with 64, as sysexits.h has it."""
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as exc:  # argparse says 2 for wrong usage, which already means something else here
        return WRONG_USAGE if exc.code else 0
    try:
        with marked_output():
            code: int = arguments.run(arguments)
    except TracebinderError as exc:
        print(f"tracebinder: {show_hidden(str(exc))}", file=sys.stderr)
        return int(arguments.error_code)
    except BrokenPipeError:
        # whoever read our output stopped reading: nothing more can be said, and Python must not try at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(arguments.error_code)
    return code


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(prog="tracebinder", description=__doc__)
    parser.add_argument("--version", action="version", version=f"tracebinder {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (
        register_release, register_versions, push_eval, retract, compare, gate, deploy, verify, checkpoint, witness,
        signer,
    ):  # fmt: skip
        module.add_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
