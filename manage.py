#!/usr/bin/env python
"""Django's command line, with the embedded services it needs running around it."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext

# These change the schema or read it as its owner; everything else runs with the restricted runtime role.
OWNER_COMMANDS = {"migrate", "makemigrations", "flush", "sqlmigrate", "showmigrations", "dbshell"}
# These sign, or read what the signing keys signed last; a web process holds no keys.
KEY_COMMANDS = {"verify_log", "resume_log", "rotate_binder_key", "rotate_log_key"}
# These touch no database, or start the services themselves.
WITHOUT_SERVICES = {
    "up",
    "help",
    "spectacular",
    "write_reference",
    "collectstatic",
    "check",
    "--version",
    "--help",
}


def main() -> None:
    """Run one management command."""
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if command in OWNER_COMMANDS:
        os.environ["TRACEBINDER_PROCESS"] = "owner"
    if command in KEY_COMMANDS:
        os.environ.setdefault("TRACEBINDER_PROCESS", "worker")

    from django.conf import settings  # noqa: PLC0415  # after the process role is known
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    from config import embedded  # noqa: PLC0415

    services = (
        nullcontext()
        if command in WITHOUT_SERVICES
        else embedded.running(
            settings.VAR, postgres=settings.DATABASE_IS_EMBEDDED, valkey=settings.REDIS_IS_EMBEDDED
        )
    )
    with services:
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
