"""Carrying out the parts of a check: by several processes, with a file from which an interrupted one goes on."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import django
from django.conf import settings
from django.db import connection

from evidence.digests import digest_of
from evidence.errors import EvidenceError
from evidence.row_schemas import with_todays_schemas
from evidence.services.log.ended import read_plainly
from evidence.services.log.parts import Found, Part, check_part
from evidence.worded import sentence_of, worded

_FORMAT: Final = "tracebinder.verify-log/1"


class ProgressRefused(EvidenceError):
    """A file of progress is of another check than the one that is asked for: remove it, or name another one."""

    code = "progress_refused"
    http_status = 409
    title = "The file of progress is of another check"


@dataclass(frozen=True, slots=True)
class Effort:
    """How a check is carried out.

    Whoever may write the file may have parts left out: it holds what was found, and nothing in it is signed.
    """

    processes: int = 1
    file: Path | None = None  # what is done is kept there until all is
    tell: Callable[[int, int, Found], None] | None = (
        None  # is called after each part: how many, of how many, what
    )


def carry_out(parts: Sequence[Part], effort: Effort) -> Iterator[Found]:
    """Yield what was found in each part, in the order in which they are done; those done before come first.

    Raises:
        ProgressRefused: the file is of another check.
    """
    done: dict[str, Found] = {}
    if effort.file:
        try:
            done = _recall(effort.file)
        except (OSError, ValueError) as exc:
            raise ProgressRefused(
                worded(
                    "%(file)s can be no file of progress: %(reason)s.",
                    file=repr(str(effort.file)),
                    reason=sentence_of(exc),
                )
            ) from exc
    recalled = [done[part.key] for part in parts if part.key in done]
    yield from recalled
    left = [part for part in parts if part.key not in done]
    for n_done, (part, found) in enumerate(_check_each(left, effort.processes), len(recalled) + 1):
        if effort.file and not part.running:  # what had not ended is looked at by the next one
            _keep(effort.file, part, found)
        if effort.tell:
            effort.tell(n_done, len(parts), found)
        yield found
    if effort.file:
        effort.file.unlink(missing_ok=True)


def _check_each(parts: Sequence[Part], processes: int) -> Iterator[tuple[Part, Found]]:
    if processes == 1 or len(parts) < 2:
        yield from ((part, check_part(part)) for part in parts)
        return
    # Processes of their own, from the start: a connection to the database cannot be shared.
    pool = ProcessPoolExecutor(
        min(processes, len(parts)),
        multiprocessing.get_context("spawn"),
        initializer=django.setup,  # before anything of the project is loaded
    )
    database = connection.settings_dict["NAME"]
    with pool:
        futures = {pool.submit(_check_in, database, part): part for part in parts}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _check_in(database: str, part: Part) -> Found:
    """In a process of the pool: check a part of the log of this database."""
    connection.settings_dict["NAME"] = database
    read_plainly()
    return check_part(part)


def _of_this_check() -> dict[str, Any]:
    """Return the first line of a file: what makes one check's parts another's."""
    return {"format": _FORMAT, "log": settings.LOG_ORIGIN, "schemas": digest_of(with_todays_schemas())}


def _recall(file: Path) -> dict[str, Found]:
    """Return what an interrupted check had done; a line that it did not finish counts for nothing."""
    if not file.exists():
        file.write_text(json.dumps(_of_this_check()) + "\n", encoding="utf-8")
        return {}
    head, *lines = (text := file.read_text(encoding="utf-8")).split("\n")
    if lines and lines[-1]:
        file.write_text(text[: -len(lines[-1])], encoding="utf-8")
    refused = ProgressRefused(
        worded(
            "%(file)s is no file of progress of this log and this version: remove it, or name another one.",
            file=file,
        )
    )
    try:
        is_ours = json.loads(head) == _of_this_check()
        done = {kept["part"]: Found.from_json(kept["found"]) for kept in map(json.loads, lines[:-1])}
    except (ValueError, KeyError, TypeError) as exc:
        raise refused from exc
    if not is_ours:
        raise refused
    return done


def _keep(file: Path, part: Part, found: Found) -> None:
    with file.open("a", encoding="utf-8") as kept:
        kept.write(json.dumps({"part": part.key, "found": found.to_json()}) + "\n")
