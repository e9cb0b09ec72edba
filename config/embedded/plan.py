"""What is decided once for a folder of embedded servers: ports, passwords, roles. And how its files are kept."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import quote

START_TIMEOUT = 60  # seconds to wait for a server to answer
STOP_TIMEOUT = 60  # seconds to wait for a server to end

OWNER_ROLE = "tracebinder_owner"  # owns the tables; migrations only
WEB_ROLE = "tracebinder_web"  # login of web and default workers; member of RUNTIME_ROLE
PROBE_ROLE = "tracebinder_probe"  # login of interpret workers; member of INTERPRET_ROLE
SIGNER_ROLE = "tracebinder_signer"  # login of the log worker; member of LOG_ROLE
RUNTIME_ROLE = "tracebinder_runtime"  # group: SELECT and INSERT; UPDATE and DELETE on work rows only
INTERPRET_ROLE = "tracebinder_interpret"  # group: may only carry out probe runs
LOG_ROLE = "tracebinder_log"  # group: alone may insert leaves, tiles and checkpoints
DATABASE = "tracebinder"
_PORTS = ("postgres_port", "valkey_port")


class EmbeddedError(Exception):
    """An embedded server could not be started; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Ports and passwords of the embedded servers, made once and kept in `embedded.json` (mode 0600)."""

    postgres_port: int
    valkey_port: int
    postgres_password: str
    owner_password: str
    web_password: str
    probe_password: str
    valkey_password: str
    secret_key: str
    signer_password: str

    def database_url(self, role: str) -> str:
        """Return the connection URL of one of the four login roles."""
        password = {
            OWNER_ROLE: self.owner_password,
            WEB_ROLE: self.web_password,
            PROBE_ROLE: self.probe_password,
            SIGNER_ROLE: self.signer_password,
        }[role]
        return f"postgresql://{role}:{quote(password)}@127.0.0.1:{self.postgres_port}/{DATABASE}"

    @property
    def redis_url(self) -> str:
        """Return the URL of the Valkey server, database 0."""
        return f"redis://:{quote(self.valkey_password)}@127.0.0.1:{self.valkey_port}/0"


def read_plan(var: Path) -> Plan:
    """Return the plan kept in `var`, made first where there is none; what one of before lacks is added to it."""
    var.mkdir(parents=True, exist_ok=True)
    path = var / "embedded.json"
    with locked(var):
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        missing = [field.name for field in fields(Plan) if field.name not in kept]
        if missing:
            ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
            made = {name: ports.get(name, secrets.token_urlsafe(24)) for name in missing}
            kept = {**kept, **made}
            write_private(path, json.dumps(kept, indent=2))
        return Plan(**kept)


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def tail_of(path: Path, lines: int = 15) -> str:
    """Return the last lines of a log."""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


@contextmanager
def locked(var: Path, what: str = "embedded") -> Iterator[None]:
    """One process at a time starts, stops or plans the servers of this folder, or settles who looks after one."""
    with (var / f"{what}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _free_ports(count: int) -> list[int]:
    """Return free loopback ports. They may be taken by the time they are used; the start then says so."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for candidate in sockets:
            candidate.bind(("127.0.0.1", 0))
        return [int(candidate.getsockname()[1]) for candidate in sockets]
    finally:
        for candidate in sockets:
            candidate.close()
