"""Where a command takes a password from. It is never an argument: arguments stay in the shell's history, and everybody
on the machine can read them.
"""

from __future__ import annotations

import secrets
import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any, Final

from django.core.management.base import CommandError

GENERATED_BYTES: Final = 15  # of chance in a password made up here: 20 characters


def add_password_options(parser: ArgumentParser) -> None:
    """Declare where the password comes from; asked for where neither is given."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--generate-password", action="store_true", help="make one up and show it once")
    source.add_argument(
        "--password-stdin", action="store_true", help="read it from the first line of standard input"
    )


def choose_password(options: dict[str, Any]) -> str:
    """Return a password for whoever `username` names.

    Raises:
        CommandError: there is nobody to ask, or they typed two.
    """
    if options["generate_password"]:
        return secrets.token_urlsafe(GENERATED_BYTES)
    if options["password_stdin"]:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandError(
            "There is nobody to ask for a password: add --generate-password or --password-stdin."
        )
    password = getpass(f"Password for {options['username']}: ")
    if getpass("Again: ") != password:
        raise CommandError("The two passwords differ; nothing was stored.")
    return password
