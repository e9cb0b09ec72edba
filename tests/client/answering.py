"""A server on localhost that answers with what it is told, or not at all: for what a network does to a client."""

from __future__ import annotations

import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

TOKEN: Final = "tb_0123456789ab_" + "x" * 43
CUT: Final = 0  # in place of a status: the connection is reset


class Answering:
    """A server that answers in order, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, object, dict[str, str]]] = []
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                owner.asked.append((self.path, dict(self.headers), body))
                if len(body) < length:
                    return
                # Nobody foresaw that this is asked: an answer that is not tried for again.
                unforeseen = (404, {"title": "no answer was foreseen"}, dict[str, str]())
                status, answer, headers = owner.answers.pop(0) if owner.answers else unforeseen
                if status == CUT:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    return
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

            def finish(self) -> None:
                if not self.wfile.closed and self.connection.fileno() >= 0:
                    super().finish()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """Return its root."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def will_answer(self, status: int, answer: object = b"", **headers: str) -> None:
        """Answer the next request that has no answer yet."""
        self.answers.append(
            (status, answer, {name.replace("_", "-"): value for name, value in headers.items()})
        )

    def stop(self) -> None:
        """Serve no more."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
