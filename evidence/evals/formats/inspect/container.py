"""The parts of an Inspect log: its head, and its samples one after the other, in each of the shapes they have.

A `.eval` file is a ZIP. A sample is one member (`samples/ID_epoch_N.json`), or, since it may be large, a folder of a
shell, its metadata and numbered pieces of each list (inspect_ai's `log/_recorders/chunked/format.py`). A log that was
not finished has no `header.json`; what was known when it began is in `_journal/start.json`. A `.json` file is one
object with all of it. Events and messages, in whichever way they are shared between samples, are passed over: no score
is in them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

from evidence.evals.contracts import CUT_SHORT, EvalFileError
from evidence.evals.json_stream import JsonStream
from evidence.evals.sources import Member, Source

_HEADER, _START = "header.json", "_journal/start.json"
_SUMMARIES: Final = re.compile(r"_journal/summaries/\d+\.json")
_MONOLITH: Final = re.compile(r"samples/.+_epoch_\d+\.json", re.DOTALL)
_SHELL: Final = re.compile(r"(samples/.+_epoch_\d+)/sample\.json", re.DOTALL)
_BUILT_WHOLE: Final = 2 * 2**20  # bytes of a sample that is built at once; of a larger one, only what is read
_NOT_OF_THE_HEAD: Final = frozenset({"samples", "reductions"})
# What of a sample is read. Attachments come last in a sample, when it is known which are spoken of.
_WANTED: Final = frozenset(
    {
        "id", "epoch", "input", "target", "choices", "output", "scores", "metadata", "error", "error_retries", "limit",
        "invalidation", "completed_at",
    }
)  # fmt: skip
_ATTACHMENT: Final = re.compile(r"attachment://([0-9a-f]+)")

RawSample = dict[str, Any]  # as the log has it


class BrokenSample(Exception):
    """One sample that cannot be read, while the others can."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log that was opened."""

    version: str
    head: dict[str, Any]  # `eval`, `status`, `results`, `stats` ...
    is_finished: bool  # whether the runner wrote its end
    samples: Callable[[], Iterator[RawSample | BrokenSample]]
    last_seen: str | None = field(default=None)  # when the last sample ended, of a log that was not finished


def open_log(source: Source) -> Log:
    """Open a log of either kind.

    Raises:
        EvalFileError: it is neither, or damaged.
    """
    return _open_archive(source) if source.is_folder else _open_text(source)


# --- .eval -----------------------------------------------------------------------------------------------------
def _open_archive(source: Source) -> Log:
    members = source.members
    name = _HEADER if _HEADER in members else _START
    if name not in members:
        raise EvalFileError(
            [f"no log of Inspect: the ZIP has neither {_HEADER} nor {_START}: post the log as it was written"]
        )
    head = _object_in(source, name)
    is_finished = name == _HEADER
    return Log(
        version=_check_head(head, name),
        head=head if is_finished else {"status": "started", **head},
        is_finished=is_finished,
        samples=lambda: _samples_in(source, members),
        last_seen=None if is_finished else _last_seen(source, members),
    )


def _samples_in(source: Source, members: Any) -> Iterator[RawSample | BrokenSample]:
    for name, member in members.items():
        try:
            if _MONOLITH.fullmatch(name):
                yield _read_monolith(source, name, member)
            elif shell := _SHELL.fullmatch(name):
                yield _read_chunked(source, shell[1])
        except EvalFileError as exc:
            yield BrokenSample(str(exc))


def _read_monolith(source: Source, name: str, member: Member) -> RawSample:
    if member.size <= _BUILT_WHOLE:
        sample = _object_in(source, name)
        return {**sample, "attachments": _texts(sample.get("attachments"))}
    stream = JsonStream(source.open_member(name), name)
    return _read_members(stream)


def _read_chunked(source: Source, prefix: str) -> RawSample:
    """Return a sample of which each list is in pieces, named by the number of their first item."""
    sample = _object_in(source, f"{prefix}/sample.json")
    metadata = f"{prefix}/metadata.json"
    if metadata in source.members:
        sample["metadata"] = _object_in(source, metadata)
    wanted = {int(each) for each in _spoken_of(sample) if each.isdecimal()}
    return {**sample, "attachments": _numbered_attachments(source, prefix, wanted)}


def _numbered_attachments(source: Source, prefix: str, wanted: set[int]) -> dict[str, str]:
    found: dict[str, str] = {}
    if not wanted:
        return found
    piece = re.compile(re.escape(prefix) + r"/attachments/(\d{1,12})\.json")
    for name in source.members:
        if named := piece.fullmatch(name):
            stream = JsonStream(source.open_member(name), name)
            for index, _ in enumerate(stream.items(), int(named[1])):
                if index in wanted:
                    found[str(index)] = str(stream.take())
                else:
                    stream.skip()
    return found


def _last_seen(source: Source, members: Any) -> str | None:
    """Return when the last sample ended that the journal of an unfinished log tells of."""
    seen: list[str] = []
    for name in members:
        if _SUMMARIES.fullmatch(name):
            listed = _value_in(source, name)
            for each in listed if isinstance(listed, list) else []:
                ended = each.get("completed_at") if isinstance(each, dict) else None
                seen += [ended] if isinstance(ended, str) else []
    return max(seen, default=None)


def _object_in(source: Source, name: str) -> dict[str, Any]:
    value = _value_in(source, name)
    if not isinstance(value, dict):
        raise EvalFileError([f"{name}: is no JSON object; {CUT_SHORT}"])
    return value


def _value_in(source: Source, name: str) -> object:
    with source.open_member(name) as stream:
        text = JsonStream(stream, name)
        value = text.take()
        text.check_end()
        stream.read()  # to the end, where it is compared with its checksum
        return value


# --- .json -----------------------------------------------------------------------------------------------------
def _open_text(source: Source) -> Log:
    """Open a log that is one object. Its samples stand after its head, as Inspect writes it."""
    name = source.name or "the log"
    stream = JsonStream(source.open(), name)
    head: dict[str, Any] = {}
    keys = stream.members()
    has_samples = False  # a run of no sample has no list of them
    for key in keys:
        if has_samples := key == "samples":
            break
        head[key] = stream.take()
    if has_samples and "eval" not in head:
        head = _read_head_only(source, name)
        stream, keys = _at_samples(source, name)
    version = _check_head(head, name)
    return Log(
        version=version,
        head=head,
        is_finished=head.get("status") != "started",
        samples=lambda: _listed_samples(stream, keys, has_samples=has_samples),
    )


def _read_head_only(source: Source, name: str) -> dict[str, Any]:
    stream = JsonStream(source.open(), name)
    head: dict[str, Any] = {}
    for key in stream.members():
        if key in _NOT_OF_THE_HEAD:
            stream.skip()
        else:
            head[key] = stream.take()
    return head


def _at_samples(source: Source, name: str) -> tuple[JsonStream, Iterator[str]]:
    stream = JsonStream(source.open(), name)
    keys = stream.members()
    for key in keys:
        if key == "samples":
            break
        stream.skip()
    return stream, keys


def _listed_samples(
    stream: JsonStream, keys: Iterator[str], *, has_samples: bool
) -> Iterator[RawSample | BrokenSample]:
    if has_samples and stream.next_is("["):
        for _ in stream.items():
            if stream.next_is("{"):
                yield _read_members(stream)
            else:
                stream.skip()
                yield BrokenSample("is no JSON object")
    for _ in keys:
        stream.skip()
    stream.check_end()


# --- Either ----------------------------------------------------------------------------------------------------
def _read_members(stream: JsonStream) -> RawSample:
    """Return what is read of a sample, and the attachments that it speaks of."""
    sample: RawSample = {}
    attachments: dict[str, str] = {}
    for key in stream.members():
        if key in _WANTED:
            sample[key] = stream.take()
        elif key == "attachments" and stream.next_is("{"):
            wanted = _spoken_of(sample)
            attachments = _texts(stream.take_members(wanted))
        else:
            stream.skip()
    return {**sample, "attachments": attachments}


def _spoken_of(sample: RawSample) -> set[str]:
    return set(
        _ATTACHMENT.findall(
            json.dumps({key: sample.get(key) for key in ("input", "output", "scores", "target")})
        )
    )


def _texts(value: object) -> dict[str, str]:
    return (
        {key: each for key, each in value.items() if isinstance(each, str)} if isinstance(value, dict) else {}
    )


def _check_head(head: dict[str, Any], name: str) -> str:
    """Return the version that a log says it is of.

    Raises:
        EvalFileError: it does not tell of a task.
    """
    told = head.get("eval")
    if not isinstance(told, dict) or not isinstance(told.get("task"), str):
        raise EvalFileError([f"{name}: no log of Inspect: eval.task is missing; {CUT_SHORT}"])
    return str(cast("object", head.get("version", "?")))[:20]
