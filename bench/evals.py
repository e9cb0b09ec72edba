"""Eval logs read and stored, beside `inspect_ai.log.read_eval_log` of the same file in the same run.

    python -m bench.evals [--samples 1000 100000] [--peer /path/to/python] [--words 40]

Each figure is of a process of its own: CPU seconds and the most memory it held. `--peer` is a Python that has
`inspect_ai`; without one, the peer is left out and that is said. Storing goes through the API of a server with a
database of its own, so its CPU seconds are the web process's, without PostgreSQL's; wall seconds are those of both.
`--words` makes samples larger: 1,000 of 100,000 samples make a log of a gigabyte.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.eval_logs import write_log
from bench.server import REPOSITORY, environment_of, make_token, own_database

SYSTEM: Final = "bench"
_MIB: Final = 2**20
_PEER: Final = """
import json, sys, time
from pathlib import Path
from inspect_ai.log import read_eval_log
before = time.process_time()
log = read_eval_log(sys.argv[1])
cpu = time.process_time() - before
peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
print(json.dumps({"samples": len(log.samples), "cpu": cpu, "peak": peak}))
"""


def main() -> int:
    """Measure each size, and print a line each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--samples", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--words", type=int, default=40, help="of each event of a sample")
    parser.add_argument("--peer", default="", help="a Python that has inspect_ai")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read or options.store:
        print(json.dumps(read(options.read) if options.read else store(options.store)))
        return 0
    with tempfile.TemporaryDirectory() as name, own_database() as folder:
        make_token(folder, SYSTEM)
        for samples in options.samples:
            path = Path(name) / f"{samples}.eval"
            write_log(path, samples, words=options.words)
            print(f"{samples:,} samples, {path.stat().st_size / _MIB:,.0f} MiB")
            _compare(path, folder, options.peer)
    return 0


def read(path: Path) -> dict[str, Any]:
    """Read a log without storing it, and return what that took."""
    from evidence.evals.gathering import Bounds, gather  # noqa: PLC0415  # measured from here
    from evidence.evals.measurements import Said  # noqa: PLC0415
    from evidence.evals.registry import open_eval_file  # noqa: PLC0415
    from evidence.evals.sources import Source  # noqa: PLC0415

    before, count = time.process_time(), 0
    with path.open("rb") as stream:
        opened = open_eval_file(Source(stream, path.name, path.stat().st_size), None, Said())
        for measurement in opened.measurements:
            bounds = Bounds(samples=10**9, remarks=100, values=100)
            count += len(gather(measurement, measurement.said, bounds, lambda _: None).samples)
    return {"samples": count, **_used_since(before)}


def store(path: Path) -> dict[str, Any]:
    """Post a log to the API of this process, and return what that took. The database is the one configured."""
    import django  # noqa: PLC0415

    django.setup()
    from django.test import Client  # noqa: PLC0415  # after django.setup()

    from evidence.models import Scope  # noqa: PLC0415

    headers = {"Authorization": f"Bearer {_token(Scope.PUSH_EVAL)}"}
    client = Client(headers=headers, SERVER_NAME="localhost")
    client.get("/healthz")
    before, began = time.process_time(), time.monotonic()
    with path.open("rb") as stream:
        body: dict[str, Any] = {"wsgi.input": stream, "CONTENT_LENGTH": str(path.stat().st_size)}
        answer = client.generic("POST", f"/api/v1/eval-runs?system={SYSTEM}", b"", **body)
    wall = time.monotonic() - began
    if answer.status_code != 201:
        raise SystemExit(answer.content.decode())
    return {"samples": answer.json()["n_samples"], "wall": wall, **_used_since(before)}


def _token(scope: Any) -> str:
    from datetime import timedelta  # noqa: PLC0415

    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from evidence.access import principal_of_command_line  # noqa: PLC0415
    from evidence.models import System  # noqa: PLC0415
    from evidence.services.people import tokens  # noqa: PLC0415

    return tokens.issue_token(
        principal=principal_of_command_line(),
        name=f"bench-{os.getpid()}",
        owner=User.objects.get(username="bench"),
        scopes=[scope],
        systems=[System.objects.get(key=SYSTEM)],
        expires_at=timezone.now() + timedelta(days=1),
    ).text


def _compare(path: Path, folder: Path, peer: str) -> None:
    ours = _run([sys.executable, "-m", "bench.evals", "--read", str(path)], folder)
    _say("read here", ours)
    if peer:
        theirs = _run([peer, "-c", _PEER, str(path)], folder)
        _say("inspect_ai reads", theirs)
        print(
            f"  {theirs['cpu'] / ours['cpu']:.1f} times our CPU, {theirs['peak'] / ours['peak']:.1f} times our memory"
        )
    else:
        print("  inspect_ai: not measured, no --peer has it")
    _say("stored here", _run([sys.executable, "-m", "bench.evals", "--store", str(path)], folder))


def _run(command: list[str], folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=environment_of(folder, "web"),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _say(what: str, found: dict[str, Any]) -> None:
    wall = f", {found['wall']:.2f} s in all" if "wall" in found else ""
    used = f"{found['cpu']:.2f} CPU s{wall}, at most {found['peak'] / _MIB:.0f} MiB"
    print(f"  {what}: {found['samples']:,} samples, {used}", flush=True)


def _used_since(before: float) -> dict[str, float]:
    """Return CPU seconds and peak memory of this process. Of `ru_maxrss`, part would be the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {
        "cpu": time.process_time() - before,
        "peak": int(status.partition("VmHWM:")[2].split()[0]) * 1024,
    }


if __name__ == "__main__":
    sys.exit(main())
