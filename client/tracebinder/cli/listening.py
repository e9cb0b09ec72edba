"""What commands share that serve until they are stopped: where they listen, and how they end."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import NoReturn

from tracebinder.errors import TracebinderError


def add_listening_options(parser: argparse.ArgumentParser, *, port: int) -> None:
    """Add `--host` and `--port`."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine alone)"
    )
    parser.add_argument("--port", type=int, default=port, help=f"port to listen on (default {port})")


def serve_until_stopped(
    arguments: argparse.Namespace,
    serve: Callable[[str, int], ThreadingHTTPServer],
    say: Callable[[str], str],
) -> int:
    """Serve until Ctrl-C or SIGTERM, which service managers send, and return the exit code.

    Args:
        serve: listens at a host and a port.
        say: what is printed at the start, given the address.

    Raises:
        TracebinderError: nothing can listen there.
    """
    host, port = arguments.host, arguments.port
    try:
        server = serve(host, port)
    except OSError as exc:
        raise TracebinderError(f"cannot listen on {host}:{port}: {exc.strerror}") from exc
    signal.signal(signal.SIGTERM, _stop)
    print(say(f"http://{host}:{server.server_port}"), flush=True)
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("stopped")
    return 0


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt
