"""A running copy of the server: PostgreSQL, Valkey and a web process in a folder that goes again."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.server import WebProcess, find_free_port, migrate, running_web
from config import embedded

if TYPE_CHECKING:
    from tests.attack.wire import Send
    from tests.factories import World

WORKERS: Final = 2
_PREFIX: Final = "tracebinder-attack-"
_OF_SERVERS: Final = (
    "DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_LOG_URL", "DATABASE_INTERPRET_URL", "REDIS_URL",
)  # fmt: skip
_TICKS: Final = os.sysconf("SC_CLK_TCK")  # a second of processor time


@dataclass(frozen=True)
class Copy:
    """A server that answers; this process is on its database, with the rights of the web process."""

    folder: Path
    web: WebProcess

    def send(self) -> Send:
        """Return what sends to it."""
        from tests.attack.wire import over_http  # needs Django

        return over_http(self.web.port)

    @contextmanager
    def room(self) -> Iterator[World]:
        """Have a world of its own in it, which is all that it stores."""
        from tests.factories import make_world

        empty()
        yield make_world()

    def meter(self) -> OfTheServer:
        """Return what tells what a request costs this server."""
        return OfTheServer(self)

    def processes(self) -> list[int]:
        """Return the ids of web and PostgreSQL processes."""
        master = int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        return [*_tree(self.web.pid), *_tree(master)]


@contextmanager
def running_copy() -> Iterator[Copy]:
    """Have a copy running inside the block."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        for configured in _OF_SERVERS:  # somebody's own, which no attack is for
            os.environ.pop(configured, None)
        os.environ |= {
            "TRACEBINDER_VAR": name, "TRACEBINDER_PROCESS": "owner", "DJANGO_SETTINGS_MODULE": "config.settings",
            "TRACEBINDER_LOG_LEVEL": "CRITICAL", "TRACEBINDER_PRODUCTION": "false", "TRACEBINDER_EXPORT_WAIT": "1",
            # Of a provider that nobody asks: operators bind people to what it calls them.
            "TRACEBINDER_OIDC_ISSUER": "https://id.example.org", "TRACEBINDER_OIDC_CLIENT_ID": "tracebinder",
        }  # fmt: skip
        (folder / "static").mkdir()
        with embedded.running(folder):
            migrate(folder)
            _act_as_the_web_process()
            with running_web(folder, find_free_port(), WORKERS, folder / "web.log") as web:
                yield Copy(folder, web)


def _act_as_the_web_process() -> None:
    """Set Django up as whoever may become the owner, and has the rights of the web process until then."""
    import django  # settings need the database's address

    django.setup()
    importlib.import_module("config.urls")  # with which the pages of the admin are registered
    from django.conf import settings
    from django.db import connection
    from django.db.backends.signals import connection_created

    def act(sender: object, connection: Any, **_: object) -> None:
        del sender
        with connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')

    connection_created.connect(act, weak=False)
    connection.close()


def empty() -> None:
    """Take every row from the copy, and its log's head, and make the roles anew.

    Raises:
        RuntimeError: this process is on another database.
    """
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    if not (settings.DATABASE_IS_EMBEDDED and settings.VAR.name.startswith(_PREFIX)):
        raise RuntimeError(f"{settings.VAR} is no copy that an attack made for itself, and is left alone")
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    call_command("flush", verbosity=0, interactive=False)
    connection.close()
    Path(settings.LOG_HEAD_FILE).unlink(missing_ok=True)


class OfTheServer:
    """Counts the processes of a running copy."""

    def __init__(self, copy: Copy) -> None:
        self._copy = copy

    def start(self) -> None:
        """Begin to count."""
        self._pids = self._copy.processes()
        for pid in self._pids:
            with suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak starts from what there is
        self._cpu, self._memory = self._seconds(), self._peaks()

    def stop(self) -> tuple[float, int]:
        """Return the seconds of processor time since, and the bytes by which the process that grew most did."""
        peaks = self._peaks()
        return self._seconds() - self._cpu, max(
            peaks.get(pid, 0) - before for pid, before in self._memory.items()
        )

    def _seconds(self) -> float:
        total = 0
        for pid in self._pids:
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        return total / _TICKS

    def _peaks(self) -> dict[int, int]:
        found = {}
        for pid in self._pids:
            with suppress(OSError):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                found[pid] = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
        return found


def _tree(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found
