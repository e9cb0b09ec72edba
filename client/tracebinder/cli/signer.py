"""`tracebinder signer --key FILE --token-file FILE`: hold a signing key, and sign for the process that has the token.

Run one for the log's key and another for that of binders, each where nothing else runs, behind a proxy with TLS where
it is not on the machine of who asks. On its first start it makes its key. It prints what it signed, by digest.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracebinder.errors import TracebinderError
from tracebinder.signer import SHORTEST_TOKEN, Signer, serve
from tracebinder.witness import load_key

if TYPE_CHECKING:
    from argparse import _SubParsersAction

COULD_NOT_RUN: Final = 3


def add_command(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "signer",
        help="hold a signing key for a server",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--key", type=Path, required=True, help="file of the private key; made on the first start"
    )
    parser.add_argument("--token-file", type=Path, required=True, help="file of the token that it asks for")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine alone)"
    )
    parser.add_argument("--port", type=int, default=8091, help="port to listen on (default 8091)")
    parser.set_defaults(run=run, error_code=COULD_NOT_RUN)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    signer = open_signer(arguments.key, arguments.token_file)
    try:
        server = serve(signer, host=arguments.host, port=arguments.port)
    except OSError as exc:
        raise TracebinderError(f"cannot listen on {arguments.host}:{arguments.port}: {exc.strerror}") from exc
    print(f"{signer.public.hex()}\nsigner on http://{arguments.host}:{server.server_port}", flush=True)
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("stopped")
    return 0


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
