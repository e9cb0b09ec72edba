"""`tracebinder signer --key FILE --token-file FILE`: hold a signing key, and sign for the process that has the token.

Run one for the log's key and another for that of binders, each where nothing else runs, behind a proxy with TLS where
it is not on the machine of who asks. On its first start it makes its key. It prints what it signed, by digest.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.listening import add_listening_options, serve_until_stopped
from tracebinder.errors import TracebinderError
from tracebinder.signer import SHORTEST_TOKEN, Signer, serve
from tracebinder.witness import load_key

COULD_NOT_RUN: Final = 3


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "signer",
        purpose="hold a signing key for a server",
        description=__doc__,
        run=run,
        error_code=COULD_NOT_RUN,
    )
    parser.add_argument(
        "--key", type=Path, required=True, help="file of the private key; made on the first start"
    )
    parser.add_argument("--token-file", type=Path, required=True, help="file of the token that it asks for")
    add_listening_options(parser, port=8091)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    signer = open_signer(arguments.key, arguments.token_file)
    return serve_until_stopped(
        arguments,
        lambda host, port: serve(signer, host=host, port=port),
        lambda url: f"{signer.public.hex()}\nsigner on {url}",
    )


def open_signer(key: Path, token_file: Path) -> Signer:
    """Return the signer of a key and a token.

    Raises:
        TracebinderError: a file is not what it should be, or the token is soon guessed.
    """
    try:
        token = token_file.read_text(encoding="ascii").strip()
        private, _ = load_key(key)
    except (OSError, UnicodeDecodeError) as exc:
        raise TracebinderError(f"{key} or {token_file} cannot be read: {exc}") from exc
    if len(token) < SHORTEST_TOKEN:
        raise TracebinderError(
            f"{token_file}: {SHORTEST_TOKEN} characters are the least; make one with `openssl rand -hex 32`"
        )
    return Signer(private, token)
