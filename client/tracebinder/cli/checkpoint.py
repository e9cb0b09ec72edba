"""`tracebinder checkpoint --keep kept.json --trust trust.json`: keep the log's checkpoints, as the smallest witness.

With --url the log's newest checkpoint is fetched, and its tiles must show that it continues every one that is kept.
With --from a checkpoint is kept that came by another way (a mail, another auditor). `tracebinder verify --kept
kept.json` refuses a binder whose log does not continue them, and keeps those of each binder that it verifies. The
newest one kept is printed: give it to others, or to `manage.py verify_log --checkpoint`.

Exit codes: 0 kept, 1 the log does not continue what was kept, 2 not readable, 3 the log could not be asked.
"""

from __future__ import annotations

import argparse
import urllib.parse
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.server import read_file
from tracebinder.errors import TracebinderError
from tracebinder.http import get_bytes
from tracebinder.verify.errors import BinderFailed, VerifyError
from tracebinder.verify.kept import KeptHead, add_head, load_kept, open_head, save_kept
from tracebinder.verify.merkle import check_consistency
from tracebinder.verify.served_tree import ServedTree
from tracebinder.verify.trust import TrustedLog, load_trust

COULD_NOT_ASK: Final = 3


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "checkpoint",
        purpose="keep the log's checkpoints",
        description=__doc__,
        run=run,
        error_code=COULD_NOT_ASK,
    )
    parser.add_argument(
        "--keep", type=Path, required=True, help="file of the kept checkpoints; made at first"
    )
    parser.add_argument("--trust", type=Path, required=True, help="trust.json, which names the log's key")
    parser.add_argument("--url", help="root of the server whose log is asked; no token is needed")
    parser.add_argument("--from", type=Path, dest="note", metavar="NOTE", help="a checkpoint in a file")


def run(arguments: argparse.Namespace) -> int:
    """Keep what is given and fetched, print the newest, and return the exit code."""
    try:
        heads = _keep(arguments)
    except VerifyError as exc:
        print(f"tracebinder: {exc}")
        return exc.exit_code
    print(heads[-1].note, end="")
    return 0


def _keep(arguments: argparse.Namespace) -> Sequence[KeptHead]:
    log = load_trust(arguments.trust).log
    if log is None:
        raise TracebinderError("the trust file names no log whose checkpoints could be kept")
    heads: list[KeptHead] = load_kept(arguments.keep, log) if arguments.keep.exists() else []
    now = datetime.now(timezone.utc)
    if arguments.note is not None:
        text = read_file(arguments.note).decode("utf-8", errors="replace")
        heads = add_head(heads, open_head(text, log, seen_at=now))
    if arguments.url is not None:
        heads = add_head(heads, _fetch_head(arguments.url, log, heads, now))
    if not heads:
        raise TracebinderError("nothing is kept yet: give --url or --from")
    try:
        save_kept(arguments.keep, heads)
    except OSError as exc:
        raise TracebinderError(f"cannot write {arguments.keep}: {exc.strerror or exc}") from exc
    return heads


def _fetch_head(url: str, log: TrustedLog, heads: Sequence[KeptHead], now: datetime) -> KeptHead:
    """Return the checkpoint that the server has now, which continues all that are kept.

    Raises:
        BinderFailed: it does not; both sizes and roots are named.
    """
    if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
        raise TracebinderError(f"not an http or https address: {url!r}")
    prefix = f"{url.rstrip('/')}/log"
    new = open_head(get_bytes(f"{prefix}/checkpoint").decode("utf-8", errors="replace"), log, seen_at=now)
    tree = ServedTree(lambda path: get_bytes(f"{prefix}/{path}"), new.size)
    for head in heads:
        try:
            path = tree.consistency_path(head.size) if head.size <= new.size else []
            check_consistency(
                first_size=head.size,
                first_root=head.root,
                second_size=new.size,
                second_root=new.root,
                path=path,
            )
        except BinderFailed as exc:
            raise BinderFailed(
                f"the log does not continue what was kept: it has {new}, but {head} were kept on "
                f"{head.seen_at.isoformat()} ({exc.detail}). Keep both notes: together they are the proof."
                f"\n{new.note}\n{head.note}"
            ) from exc
    return new
