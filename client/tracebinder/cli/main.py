"""`tracebinder`: what CI, auditors and witnesses do from a terminal with releases, runs, gates, binders and the log."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from tracebinder import __version__
from tracebinder.cli import (
    checkpoint,
    compare,
    deploy,
    gate,
    impact,
    push_eval,
    redraw,
    register_release,
    register_versions,
    requirements,
    retract,
    schema,
    signer,
    verify,
    witness,
)
from tracebinder.cli.command import WRONG_USAGE
from tracebinder.cli.hidden_signs import json_text, marked_output, show_hidden
from tracebinder.documents import problem_document
from tracebinder.errors import TracebinderError
from tracebinder.http import ServerUnreachable

STOPPED: Final = 130  # as shells say of what Ctrl-C ended
_STOPPED: Final = (
    "stopped; what was being sent may be on record or not: send it again, nothing is stored twice"
)


class _WrongUsage(TracebinderError):
    """The command line says what nobody knows. `exit_code` is that of its command."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class _Parser(argparse.ArgumentParser):
    """A parser that leaves the exit code to us: argparse says 2, which already means something else here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise _WrongUsage(f"{self.prog}: {message}", self.get_default("usage_code") or WRONG_USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    _write_what_can_be_written()
    try:
        arguments = build_parser().parse_args(argv)
    except _WrongUsage as exc:
        print(show_hidden(str(exc)), file=sys.stderr)
        return exc.exit_code
    except SystemExit:  # after --help or --version
        return 0
    try:
        with marked_output():
            code: int = arguments.run(arguments)
            sys.stdout.flush()
    except TracebinderError as exc:
        return _say_failure(exc, arguments)
    except BrokenPipeError:
        # whoever read our output stopped reading: nothing more can be said, and Python must not try at exit
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(arguments.error_code)
    except KeyboardInterrupt:
        print(
            f"\ntracebinder: {_STOPPED if hasattr(arguments, 'unreachable_code') else 'stopped'}",
            file=sys.stderr,
        )
        return STOPPED
    return code


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(prog="tracebinder", description=__doc__)
    parser.add_argument("--version", action="version", version=f"tracebinder {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (
        register_release, register_versions, requirements, push_eval, retract, compare, gate, impact, deploy, verify,
        redraw, checkpoint, witness, signer, schema,
    ):  # fmt: skip
        module.add_command(commands)
    return parser


def _write_what_can_be_written() -> None:
    """Have characters that the terminal's encoding lacks written as escapes, and not end the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _say_failure(error: TracebinderError, arguments: argparse.Namespace) -> int:
    """Print an error, and as data where that was asked for, and return the exit code."""
    code = int(arguments.error_code)
    if isinstance(error, ServerUnreachable):
        code = getattr(arguments, "unreachable_code", code)
    with marked_output():
        print(f"tracebinder: {error}", file=sys.stderr)
        if getattr(arguments, "json", False) and hasattr(arguments, "unreachable_code"):
            print(json_text(problem_document(error, exit_code=code)))
        if hasattr(arguments, "publish_failure"):
            _publish_failure(error, arguments)
    return code


def _publish_failure(error: TracebinderError, arguments: argparse.Namespace) -> None:
    try:
        arguments.publish_failure(arguments, error)
    except TracebinderError as exc:
        print(f"tracebinder: {exc}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
