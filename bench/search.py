"""How long a search for words takes, what its index costs to build and to keep, and how large it is.

    python -m bench.search [--traces 1000000] [--requests 40] [--json]

It runs in a folder of its own with its own PostgreSQL. Traces are made in the database from a pool of sentences, of a
vocabulary in which the word of rank r is 1/r times as frequent as the first: two of three in English, one in Chinese,
over three systems, two a second. The index is built over all of them; some are inserted without it, and some with it.
Questions go through the whole API in this process, beside the plain list, which searches for nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from bench.reads import SYSTEM, make_client, percentile_ms, time_requests
from bench.server import connect_as_owner, prepare_database
from config import embedded

POOL: Final = 20_000  # sentences of each language
WORDS: Final = 20_000  # of the English vocabulary
CHARACTERS: Final = 3_000  # of the Chinese one
SENTENCE: Final = (12, 24)  # words of an English sentence, and twice as many characters of a Chinese one
RATE: Final = 2  # traces a second
RARE: Final = 1_000  # traces that share each rare word
USERS: Final = 20_000
BATCH: Final = 100  # traces that are inserted at once, as assembly does
BATCHES: Final = 20
INDEX: Final = "evidence_trace_words"
_REFUSED: Final = -1  # rows of a page that was refused
_STOPPED: Final = -2  # of one that says how far it came

# Of an even trace and of an odd one: each in half of all, never both in one.
EVEN, ODD = "evenly", "oddly"
_TEXT: Final = "(SELECT said FROM pool WHERE pool.language = {0} AND place = ({1}) %% {2})"
_ANSWER: Final = " || ' ' || ".join(
    _TEXT.format("numbered.language", f"n * {step} + n / {POOL}", POOL) for step in (11, 13, 17, 19)
)
_FILL: Final = f"""
INSERT INTO evidence_trace (system_id, trace_id, revision, digest, status, name, root_span_id, environment, started_at,
    ended_at, span_count, question, answer, language, risk_tier, confidence_factors, limitations, flags,
    assembler_version, sealed_at, user_ids, session_ids, conversation_ids, exchanges, input_tokens, output_tokens)
SELECT (%(systems)s::bigint[])[1 + n %% 3], md5('trace' || n)::uuid, 1, repeat(md5(n::text), 2), 'complete',
    'invoke_agent', '0000000000000001', 'prod', began, began + interval '2 s', 2, question, answer, language, 'low',
    '[]', '[]', '[]', 'bench', now(), jsonb_build_array('user-' || n %% {USERS}), '[]',
    jsonb_build_array('conversation-' || n / 3), jsonb_build_array(jsonb_build_object('number', 0,
        'question', jsonb_build_object('text', question), 'answer', jsonb_build_object('text', answer))),
    100 + n %% 1000, CASE WHEN n %% 100000 = 7 THEN 1000000 ELSE n %% 500 END
FROM (
    SELECT n, language, %(epoch)s::timestamptz + make_interval(secs => n / {RATE}.0) AS began,
        {_TEXT.format("numbered.language", "n * 7", POOL)} AS question,
        {_ANSWER}
        || CASE WHEN n %% 2 = 0 THEN ' {EVEN}' ELSE ' {ODD}' END || ' ref' || n / {RARE} || ' id' || n AS answer
    FROM (SELECT n, CASE WHEN n %% 9 IN (0, 4, 8) THEN 'zh' ELSE 'en' END AS language
        FROM generate_series(%(first)s::int, %(last)s::int) AS n) AS numbered) AS told
"""


def main() -> None:
    """Run the benchmark and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--traces", type=int, default=1_000_000, help="stored traces")
    parser.add_argument("--requests", type=int, default=40, help="of each kind (default 40)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tracebinder-bench-"))
    try:
        with embedded.running(folder, valkey=False):
            prepare_database(folder, SYSTEM)
            result = _measure(folder, options.traces, options.requests)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result) if options.json else _format_table(result))


def _measure(folder: Path, size: int, n_requests: int) -> dict[str, Any]:
    """Fill the store, build and feed the index, and return the figures."""
    epoch = datetime.now(UTC) - timedelta(seconds=size / RATE)
    vocabulary = _Vocabulary(random.Random(1))
    with connect_as_owner(folder) as connection:
        values = {"epoch": epoch, "systems": _register(connection)}
        _load_pool(connection, vocabulary)
        (create,) = _one(connection, f"SELECT pg_get_indexdef('{INDEX}'::regclass)")
        connection.execute(f"DROP INDEX {INDEX}")
        connection.execute(_FILL, {**values, "first": 0, "last": size - 1})
        without = _insert_more(connection, values, size)
        build = _build(connection, create)
        index = _insert_more(connection, values, size + BATCH * BATCHES)
        connection.execute("VACUUM ANALYZE evidence_trace")
        (stored, table_mb) = _one(
            connection, "SELECT count(*), pg_table_size('evidence_trace') / 1048576 FROM evidence_trace"
        )
        client = make_client(folder)
        questions = {}
        for name, query in _questions(vocabulary, stored, epoch).items():
            questions[name] = _ask(client, query, n_requests)
    return {
        "traces": stored, "load_average_1_minute": round(os.getloadavg()[0], 1), "table_mb": table_mb, **build,
        "insert_ms_a_trace": {"without": without, "with": index}, "questions": questions,
    }  # fmt: skip


def _ask(client: Any, query: Callable[[], dict[str, str]], n_requests: int) -> dict[str, Any]:
    """Return how long a question took, in milliseconds, and how many rows it found at last."""
    found = []
    taken = time_requests(lambda: found.append(_get(client, query())), n_requests)
    return {"p50_ms": percentile_ms(taken, 0.50), "p95_ms": percentile_ms(taken, 0.95), "found": found[-1]}


def _register(connection: psycopg.Connection[Any]) -> list[int]:
    """Return the system that asks and two others."""
    system, owner = _one(connection, "SELECT id, owner_id FROM evidence_system")
    others = connection.execute(
        "INSERT INTO evidence_system (key, name, risk_tier, owner_id, created_at)"
        " SELECT key, key, 'low', %s, now() FROM unnest(ARRAY['bench-b', 'bench-c']) AS key RETURNING id",
        [owner],
    )
    return [system, *(pk for (pk,) in others.fetchall())]


class _Vocabulary:
    """Words and characters, the first the most frequent."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        syllables = [consonant + vowel for consonant in "bcdfghjklmnprstvz" for vowel in "aeiou"]
        self.words = ["".join(dice.choices(syllables, k=3)) + str(rank % 10) for rank in range(WORDS)]
        self.characters = [chr(0x4E00 + rank * 5) for rank in range(CHARACTERS)]
        self._of_words = [1 / rank for rank in range(1, WORDS + 1)]
        self._of_characters = [1 / rank for rank in range(1, CHARACTERS + 1)]

    def english(self) -> str:
        """Return a sentence."""
        n_words = self._dice.randint(*SENTENCE)
        return " ".join(self._dice.choices(self.words, self._of_words, k=n_words)).capitalize() + "."

    def chinese(self) -> str:
        """Return a sentence of phrases."""
        n_characters = 2 * self._dice.randint(*SENTENCE)
        said = "".join(self._dice.choices(self.characters, self._of_characters, k=n_characters))
        return f"{said[: n_characters // 2]}，{said[n_characters // 2 :]}。"


def _load_pool(connection: psycopg.Connection[Any], vocabulary: _Vocabulary) -> None:
    connection.execute(
        "CREATE TEMPORARY TABLE pool (language text, place int, said text, PRIMARY KEY (language, place))"
    )
    with connection.cursor().copy("COPY pool FROM STDIN") as copy:
        for place in range(POOL):
            copy.write_row(("en", place, vocabulary.english()))
            copy.write_row(("zh", place, vocabulary.chinese()))
    connection.execute("ANALYZE pool")


def _build(connection: psycopg.Connection[Any], create: str) -> dict[str, Any]:
    started = time.monotonic()
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute(create)
    seconds = time.monotonic() - started
    connection.execute(f"ALTER INDEX {INDEX} ALTER COLUMN 1 SET STATISTICS 0")
    (size,) = _one(connection, f"SELECT pg_relation_size('{INDEX}') / 1048576")
    return {"build_seconds": round(seconds, 1), "index_mb": size}


def _insert_more(connection: psycopg.Connection[Any], values: dict[str, Any], first: int) -> float:
    """Insert some traces as assembly does, a batch at a time; return milliseconds of PostgreSQL's a trace."""
    started = _cpu_seconds(connection)
    for begin in range(first, first + BATCH * BATCHES, BATCH):
        connection.execute(_FILL, {**values, "first": begin, "last": begin + BATCH - 1})
    return round((_cpu_seconds(connection) - started) * 1e3 / (BATCH * BATCHES), 3)


def _cpu_seconds(connection: psycopg.Connection[Any]) -> float:
    """Return the CPU time of the backend so far. Linux only."""
    stat = Path(f"/proc/{connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _one(connection: psycopg.Connection[Any], statement: str) -> tuple[Any, ...]:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return tuple(row)


def _questions(
    vocabulary: _Vocabulary, stored: int, epoch: datetime
) -> dict[str, Callable[[], dict[str, str]]]:
    """Return what is asked, by name."""
    dice = random.Random(stored)
    words, characters = vocabulary.words, vocabulary.characters

    def minute(of: float) -> dict[str, str]:
        began = epoch + timedelta(seconds=stored * of / RATE)
        return {"since": began.isoformat(), "until": (began + timedelta(minutes=1)).isoformat()}

    def ranked(one: int, last: int) -> str:
        return words[dice.randrange(one, last)]

    return {
        "plain list, no words": dict,
        "plain list, an old minute": lambda: minute(0.1),
        "English, the most common": lambda: {"words": words[0]},
        "English, three common": lambda: {"words": " ".join(words[1:4])},
        "English, rank 100 to 1,000": lambda: {"words": ranked(100, 1_000)},
        "English, rank 10,000 and more": lambda: {"words": ranked(10_000, WORDS)},
        "English, in a thousand traces": lambda: {"words": f"ref{dice.randrange(stored // RARE)}"},
        "in one trace": lambda: {"words": f"id{dice.randrange(stored // 3) * 3}"},
        "in none": lambda: {"words": f"nothing{dice.randrange(stored)}"},
        "two in half of all, never both": lambda: {"words": f"{EVEN} {ODD}"},
        "phrase of common words": lambda: {"words": f'"{words[0]} {words[1]}"'},
        "phrase of common words, nowhere": lambda: {"words": f'"{EVEN} {words[0]}"'},
        "Chinese, the most common pair": lambda: {"words": characters[0] + characters[1]},
        "Chinese, a pair": lambda: {"words": characters[dice.randrange(50)] + characters[dice.randrange(50)]},
        "Chinese, four characters": lambda: {
            "words": "".join(characters[dice.randrange(9)] for _ in range(4))
        },
        "Chinese, a rare pair": lambda: {"words": characters[dice.randrange(1_000)] + characters[2_000]},
        "common word, an old minute": lambda: {"words": words[0], **minute(0.1)},
        "rare word, an old minute": lambda: {"words": "ref3", **minute(0.9)},
        "common word, of a user": lambda: {"words": words[0], "user": f"user-{dice.randrange(USERS)}"},
        "common word, many tokens": lambda: {"words": EVEN, "output_tokens_min": "900000"},
        "many tokens, no words": lambda: {"output_tokens_min": "900000"},
    }


def _get(client: Any, query: dict[str, str]) -> int:
    response = client.get("/api/v1/traces", query)
    if response.status_code not in {200, 422}:
        raise SystemExit(f"{query}: {response.status_code} {response.content[:300]!r}")
    if response.status_code != 200:
        return _REFUSED
    return _STOPPED if response.json()["looked_back_to"] else len(response.json()["results"])


def _format_table(result: dict[str, Any]) -> str:
    inserted = result["insert_ms_a_trace"]
    lines = [
        f"{result['traces']:,} traces, {result['table_mb']} MB; load average {result['load_average_1_minute']}",
        f"index: built in {result['build_seconds']} s, {result['index_mb']} MB",
        f"inserting a trace: {inserted['without']} ms of CPU without the index, {inserted['with']} with it",
        f"{'':<36}{'p50 ms':>10}{'p95 ms':>10}{'rows':>8}",
    ]
    for name, one in result["questions"].items():
        found = {_REFUSED: "too wide", _STOPPED: "stopped"}.get(one["found"], one["found"])
        lines.append(f"{name:<36}{one['p50_ms']:>10}{one['p95_ms']:>10}{found:>8}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
