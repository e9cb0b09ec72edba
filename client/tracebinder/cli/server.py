"""What every command with a server shares: where it is, the token, how patient to be, and the file that is posted."""

from __future__ import annotations

import argparse
import os
import re
import sys
import urllib.parse
from pathlib import Path
from typing import Final

from tracebinder.cli.command import UNREACHABLE
from tracebinder.errors import TracebinderError
from tracebinder.http import RETRY_FOR, Server
from tracebinder.upload import cannot_read

_SECONDS: Final = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add `--url`, `--token` and `--retry-for`; the first two can come from the environment."""
    parser.add_argument("--url", help="root of the server; default: TRACEBINDER_URL")
    parser.add_argument(
        "--token", help="access token; default: TRACEBINDER_TOKEN, which others cannot see in ps"
    )
    parser.add_argument(
        "--retry-for",
        type=duration,
        default=RETRY_FOR,
        metavar="TIME",
        help="how long to try again while the server cannot be reached, e.g. 90s or 10m; 0: once; default: 5m",
    )
    parser.set_defaults(unreachable_code=UNREACHABLE)


def duration(text: str) -> float:
    """Return the seconds of `90`, `90s`, `5m` or `1h`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|h|)", text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 90s, 5m or 1h")
    return float(found[1]) * _SECONDS[found[2]]


def server_of(arguments: argparse.Namespace) -> Server:
    """Return the server the options or the environment name.

    Raises:
        TracebinderError: no URL, no token, or a URL that is none.
    """
    url = arguments.url or os.environ.get("TRACEBINDER_URL", "")
    token = arguments.token or os.environ.get("TRACEBINDER_TOKEN", "")
    missing = [name for name, value in (("TRACEBINDER_URL", url), ("TRACEBINDER_TOKEN", token)) if not value]
    if missing:
        raise TracebinderError(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set: set TRACEBINDER_URL and"
            " TRACEBINDER_TOKEN, or give --url and --token"
        )
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or any(character.isspace() for character in url):
        raise TracebinderError(f"not an http or https address: {url!r}")
    if not token.isascii() or any(character.isspace() for character in token):
        raise TracebinderError("the token holds characters that no token has; copy it again")
    return Server(url=url.rstrip("/"), token=token, retry_for=arguments.retry_for, tell=tell)


def tell(sentence: str) -> None:
    """Say something beside the answer, at once."""
    print(f"tracebinder: {sentence}", file=sys.stderr, flush=True)


def read_file(path: Path) -> bytes:
    """Return the bytes of a small file to post.

    Raises:
        TracebinderError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise cannot_read(path, exc) from exc
