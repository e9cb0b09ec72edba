"""What every command with a server shares: where it is, the token, and the file that is posted."""

from __future__ import annotations

import argparse
import os
import urllib.parse
from pathlib import Path

from tracebinder.errors import TracebinderError
from tracebinder.http import Server


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add `--url` and `--token`; both can come from the environment."""
    parser.add_argument("--url", help="root of the server; default: TRACEBINDER_URL")
    parser.add_argument(
        "--token", help="access token; default: TRACEBINDER_TOKEN, which others cannot see in ps"
    )


def server_of(arguments: argparse.Namespace) -> Server:
    """Return the server the options or the environment name.

    Raises:
        TracebinderError: no URL, no token, or a URL that is none.
    """
    url = arguments.url or os.environ.get("TRACEBINDER_URL", "")
    token = arguments.token or os.environ.get("TRACEBINDER_TOKEN", "")
    if not url or not token:
        raise TracebinderError("set TRACEBINDER_URL and TRACEBINDER_TOKEN, or give --url and --token")
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise TracebinderError(f"not an http or https address: {url!r}")
    if not token.isascii() or any(character.isspace() for character in token):
        raise TracebinderError("the token holds characters that no token has; copy it again")
    return Server(url=url, token=token)


def read_file(path: Path) -> bytes:
    """Return the bytes of the file to post.

    Raises:
        TracebinderError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise TracebinderError(f"cannot read {path}: {exc.strerror or exc}") from exc
