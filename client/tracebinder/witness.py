"""A witness of logs (C2SP tlog-witness): it cosigns a checkpoint only where the log has grown from the one before.

What it has cosigned lies in one file, which is on the disk before the cosignature leaves. One process at a time may use
it, and requests are looked at one by one, so that no two of them sign two histories.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tracebinder.durable import replace_text
from tracebinder.errors import TracebinderError
from tracebinder.verify.encoding import decode_base64
from tracebinder.verify.errors import BinderFailed, VerifyError
from tracebinder.verify.merkle import check_consistency
from tracebinder.verify.note import (
    COSIGNATURE_V1,
    NoteKey,
    is_signed_by,
    parse_checkpoint,
    parse_note,
    vkey_of,
)
from tracebinder.verify.strict_json import object_at, parse_object, text_at, whole_at

STATE_FORMAT: Final = "tracebinder.witness/1"
MOST_BODY: Final = 64 * 1024  # bytes of a request
SLOWEST: Final = 10  # seconds a client may take to send one
_MOST_HASHES: Final = 63
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")
_MEMBER: Final = "request"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered with."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Seen:
    """The last tree head of a log that was cosigned."""

    size: int
    root: bytes  # 32 bytes


class Refused(Exception):
    """A request that is not cosigned, and what it is answered with."""

    def __init__(self, status: int, body: str, content_type: str = "text/plain; charset=utf-8") -> None:
        super().__init__(body)
        self.reply = Reply(status, f"{body}\n", content_type)


class WitnessState:
    """What was cosigned, of each log by its origin; kept in a file that one process holds."""

    def __init__(self, path: Path, *, begin: bool) -> None:
        """Open the file.

        Args:
            begin: make it where it is missing: for a witness that has signed nothing yet.

        Raises:
            TracebinderError: it is missing, another process holds it, or it is none.
        """
        self._path = path
        if not begin and not path.exists():
            raise TracebinderError(
                f"{path} is missing. A witness that has forgotten what it cosigned would cosign another history: "
                "restore the file, or begin anew under a new key and name."
            )
        self._lock = path.with_name(f"{path.name}.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            self._lock.close()
            raise TracebinderError(f"another witness uses {path}") from exc
        try:
            self._seen = _read_state(path) if path.exists() else {}
            if not path.exists():
                self._write(self._seen)
        except BaseException:
            self._lock.close()
            raise

    def last(self, origin: str) -> Seen | None:
        """Return what was cosigned last of a log."""
        return self._seen.get(origin)

    def note(self, origin: str, seen: Seen) -> None:
        """Keep what is to be cosigned, durably. Raises `OSError` where that fails, and then nothing is kept."""
        now = {**self._seen, origin: seen}
        self._write(now)
        self._seen = now

    def close(self) -> None:
        """Let another process have the file."""
        self._lock.close()

    def _write(self, seen: dict[str, Seen]) -> None:
        logs = {
            origin: {"size": head.size, "root": base64.b64encode(head.root).decode()}
            for origin, head in sorted(seen.items())
        }
        replace_text(self._path, json.dumps({"format": STATE_FORMAT, "logs": logs}, indent=1) + "\n")


class Witness:
    """Looks at one request at a time, and cosigns what only grew."""

    def __init__(
        self,
        *,
        name: str,
        key: Ed25519PrivateKey,
        logs: Iterable[NoteKey],
        state: WitnessState,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Know the logs by their keys; a log's origin is its key's name, and it may have several."""
        self._key, self._state, self._clock = key, state, clock
        self.public = NoteKey(name, COSIGNATURE_V1, key.public_key().public_bytes_raw())
        self._logs = list(logs)
        self._one_by_one = threading.Lock()

    @property
    def vkey(self) -> str:
        """The key under which it is to be trusted."""
        return vkey_of(self.public)

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answer one `add-checkpoint` request."""
        with self._one_by_one:
            try:
                return self._cosign(body)
            except Refused as refused:
                return refused.reply
            except OSError as exc:
                return Reply(500, f"the witness cannot keep what it would sign: {exc.strerror}\n")

    def _cosign(self, body: bytes) -> Reply:
        old, path, note_text = _take_apart(body)
        try:
            note = parse_note(note_text, member=_MEMBER)
            head = parse_checkpoint(note, member=_MEMBER)
        except VerifyError as exc:
            raise Refused(400, exc.detail) from exc
        keys = [log for log in self._logs if log.name == head.origin]
        if not keys:
            raise Refused(404, f"the log {head.origin!r} is not known here")
        if not any(is_signed_by(note, key) for key in keys):
            raise Refused(403, "no signature by a key that is trusted for this log")
        if old > head.size:
            raise Refused(400, "the old size is larger than the checkpoint's")
        last = self._state.last(head.origin)
        known = last.size if last else 0
        if old != known or (last and head.size == known and head.root != last.root):
            raise Refused(409, str(known), "text/x.tlog.size")
        try:
            check_consistency(
                first_size=known,
                first_root=last.root if last else b"",
                second_size=head.size,
                second_root=head.root,
                path=path,
            )
        except BinderFailed as exc:
            raise Refused(422, exc.detail) from exc
        self._state.note(head.origin, Seen(head.size, head.root))
        return Reply(200, self._line(note.text))

    def _line(self, text: str) -> str:
        moment = int(self._clock())
        signature = self._key.sign(f"cosignature/v1\ntime {moment}\n{text}".encode())
        raw = self.public.key_id + moment.to_bytes(8, "big") + signature
        return f"— {self.public.name} {base64.b64encode(raw).decode()}\n"


def serve(witness: Witness, *, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server that answers for a witness; it serves once `serve_forever` is called."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = SLOWEST

        def do_POST(self) -> None:
            if self.path.rstrip("/").rpartition("/")[2] != "add-checkpoint":
                self._answer(Reply(404, "POST add-checkpoint\n"))
                return
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MOST_BODY:
                self.close_connection = True  # what was sent is not read
                self._answer(Reply(413, f"a request has a Content-Length of {MOST_BODY} at most\n"))
                return
            self._answer(witness.add_checkpoint(self.rfile.read(int(length))))

        def do_GET(self) -> None:
            self._answer(Reply(200, f"{witness.vkey}\n"))

        def _answer(self, reply: Reply) -> None:
            data = reply.body.encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as the base class names it
            print(f"{self.address_string()} {format % args}", flush=True)  # what the command shows

    return _Server((host, port), Handler)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # connections that wait to be taken
    daemon_threads = True


def load_key(path: Path) -> tuple[Ed25519PrivateKey, bool]:
    """Return the key in a file, made first where there is none, and whether it was made.

    Raises:
        TracebinderError: the file can be read by others, or holds no Ed25519 key in PEM.
    """
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
            stream.flush()
            os.fsync(stream.fileno())
        return made, True
    if path.stat().st_mode & 0o077:
        raise TracebinderError(f"{path} can be read by others than its owner. Run: chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as exc:
        raise TracebinderError(f"{path} holds no private key in PEM: {exc}") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise TracebinderError(f"{path} holds another kind of key than Ed25519")
    return key, False


def _take_apart(body: bytes) -> tuple[int, list[bytes], bytes]:
    """Return the old size, the proof and the checkpoint of a request."""
    head, blank, note = body.partition(b"\n\n")
    lines = head.decode("ascii", errors="replace").split("\n")
    old = _OLD.fullmatch(lines[0])
    if not blank or old is None:
        raise Refused(400, "expected `old <size>`, a proof line by line, an empty line and a checkpoint")
    if len(lines) - 1 > _MOST_HASHES:
        raise Refused(400, f"a proof has {_MOST_HASHES} lines at most")
    try:
        path = [decode_base64(line, member=_MEMBER, length=32) for line in lines[1:]]
    except VerifyError as exc:
        raise Refused(400, exc.detail) from exc
    return int(old[1]), path, note


def _read_state(path: Path) -> dict[str, Seen]:
    member = str(path)
    value = parse_object(path.read_bytes(), member=member)
    if value.get("format") != STATE_FORMAT:
        raise TracebinderError(f"{path} holds no state of a witness ({STATE_FORMAT})")
    seen = {}
    for origin in object_at(value, "logs", member=member):
        entry = object_at(cast("dict[str, object]", value["logs"]), origin, member=member)
        root = decode_base64(text_at(entry, "root", member=member), member=member, length=32)
        seen[origin] = Seen(whole_at(entry, "size", member=member), root)
    return seen
