"""What every subcommand has: a name, what it is for, what carries it out, and the exit code where that fails."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final, TypeAlias

WRONG_USAGE: Final = 3  # as what a server refuses: nothing was done, and the command line has to be put right
UNREACHABLE: Final = 4

# As `add_subparsers` returns it, whose type has no public name.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def add_to(
    commands: Commands,
    name: str,
    *,
    purpose: str,
    description: str | None,
    run: Callable[[argparse.Namespace], int],
    error_code: int,
) -> argparse.ArgumentParser:
    """Add a subcommand and return its parser, which takes its options.

    Args:
        purpose: a few words, for the list of all.
        description: as it stands above its module, line by line.
        error_code: with which it ends where it raises a `TracebinderError`.
    """
    parser = commands.add_parser(
        name,
        help=purpose,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # what is short for one option today could be short for two tomorrow
    )
    parser.set_defaults(run=run, command=name, error_code=error_code)
    return parser
