"""Inspect logs of any size, as `inspect_ai` writes them: zstd in every member, events beside each sample."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from backports import zstd

_ZSTD: Final = 93  # of APPNOTE.TXT, 4.4.5
_LANGUAGES: Final = ("en", "zh-Hans", "de")
_EVENTS: Final = ("span_begin", "sample_init", "state", "model", "score", "span_end")
_WORDS: Final = [f"word{number}" for number in range(5_000)]


def write_log(path: Path, samples: int, *, words: int = 40) -> None:
    """Write a log of so many samples.

    Args:
        words: of each event; forty make a sample of about three kilobytes, packed to one.
    """
    draw = random.Random(7)  # the same log each time
    with path.open("wb") as stream:
        archive = _Archive(stream)
        head = _head(samples)
        archive.add("_journal/start.json", {"version": 2, "eval": head["eval"], "plan": head["plan"]})
        for number in range(samples):
            archive.add(f"samples/task-{number}_epoch_1.json", _sample(number, words, draw))
        archive.add("header.json", head)
        archive.end()


class _Archive:
    """A ZIP as it is written, with the numbers of ZIP64. Python's own `zipfile` knows no zstd before 3.14."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._at, self._directory, self._count = stream, 0, bytearray(), 0

    def add(self, name: str, value: object) -> None:
        data = json.dumps(value).encode()
        packed, raw_name = zstd.compress(data), name.encode()
        shared = struct.pack(
            "<5H3L2H", 45, 0x800, _ZSTD, 0, 0x5B21, zlib.crc32(data), len(packed), len(data), len(raw_name), 0
        )
        body = b"PK\x03\x04" + shared + raw_name + packed
        self._directory += b"PK\x01\x02" + struct.pack("<H", 45) + shared
        self._directory += struct.pack("<3H2L", 0, 0, 0, 0, self._at) + raw_name
        self._stream.write(body)
        self._at, self._count = self._at + len(body), self._count + 1

    def end(self) -> None:
        size, at = len(self._directory), self._at
        self._stream.write(self._directory)
        wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, self._count, self._count, size, at)
        self._stream.write(wide + struct.pack("<4sLQL", b"PK\x06\x07", 0, at + size, 1))
        self._stream.write(
            b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        )


def _head(samples: int) -> dict[str, Any]:
    began, ended = "2026-11-25T22:39:08+00:00", "2026-11-25T23:39:08+00:00"
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": f"bench-{samples}",
            "run_id": f"bench-{samples}",
            "created": began,
            "task": "fees",
            "task_id": "fees",
            "task_version": 1,
            "dataset": {"name": "tasks", "location": "memory", "samples": samples, "shuffled": False},
            "model": "mockllm/model",
            "config": {"epochs": 1},
            "revision": {
                "type": "git",
                "origin": "https://git.example.invalid/e.git",
                "commit": "f1b5689",
                "dirty": False,
            },
            "packages": {"inspect_ai": "0.3.285"},
            "scorers": [{"name": "match", "options": {}, "metrics": [{"name": "inspect_ai/accuracy"}]}],
        },
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": {"total_samples": samples, "completed_samples": samples, "scores": []},
        "stats": {"started_at": began, "completed_at": ended, "model_usage": {}},
    }


def _sample(number: int, words: int, draw: random.Random) -> dict[str, Any]:
    question = " ".join(draw.choices(_WORDS, k=20))
    score = {
        "value": draw.choice("CCCI"),
        "answer": question[:20],
        "explanation": question[:80],
        "history": [],
    }
    return {
        "id": f"task-{number}",
        "epoch": 1,
        "input": question,
        "target": question[:20],
        "messages": [{"role": "user", "content": question, "source": "input"}],
        "output": {
            "model": "mockllm/model",
            "choices": [
                {
                    "message": {"content": question[:40], "role": "assistant", "source": "generate"},
                    "stop_reason": "stop",
                }
            ],
            "completion": question[:40],
        },
        "scores": {"match": score},
        "metadata": {"language": _LANGUAGES[number % 3], "number": number},
        "store": {},
        "events": list(_events(words, draw)),
        "model_usage": {},
        "attachments": {},
    }


def _events(words: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    for number, kind in enumerate(_EVENTS):
        yield {
            "event": "info",
            "uuid": f"{draw.getrandbits(128):032x}",
            "timestamp": "2026-11-25T22:39:08.500083+00:00",
            "working_start": number / 10,
            "source": kind,
            "data": " ".join(draw.choices(_WORDS, k=words)),
        }
