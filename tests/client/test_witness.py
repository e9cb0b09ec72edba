"""A witness cosigns one history of a log, whatever is sent to it, and remembers across starts."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.client.binders import LOG, STRANGER, WITNESS, KeyPair, checkpoint_note, naive_consistency
from tracebinder.cli.witness import open_witness
from tracebinder.errors import TracebinderError
from tracebinder.verify.note import NoteKey, is_signed_by, parse_note, parse_vkey
from tracebinder.witness import MOST_BODY, Reply, Witness, WitnessState, serve

LEAVES = [hashlib.sha256(b"\x00%d" % number).digest() for number in range(40)]
FORKED = [*LEAVES[:9], *(hashlib.sha256(b"\x00other %d" % number).digest() for number in range(31))]


def request(
    old: int, new: int, *, leaves: list[bytes] = LEAVES, key: KeyPair = LOG, proof: list[bytes] | None = None
) -> bytes:
    path = naive_consistency(leaves[:new], old) if proof is None and 0 < old <= new else proof or []
    lines = "".join(base64.b64encode(value).decode() + "\n" for value in path)
    return f"old {old}\n{lines}\n{checkpoint_note(leaves[:new], key=key)}".encode()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@contextmanager
def running(state: Path, *, begin: bool = True) -> Iterator[Witness]:
    """Have a witness that holds the file inside the block."""
    kept = WitnessState(state, begin=begin)
    try:
        log = parse_vkey(LOG.vkey())
        yield Witness(name=WITNESS.name, key=WITNESS.private, logs=[log], state=kept, clock=lambda: 1.7e9)
    finally:
        kept.close()


@pytest.fixture
def witness(state: Path) -> Iterator[Witness]:
    with running(state) as ours:
        yield ours


def cosigned(reply: Reply, new: int, leaves: list[bytes] = LEAVES) -> bool:
    note = parse_note((checkpoint_note(leaves[:new]) + reply.body).encode(), member="note")
    return reply.status == 200 and is_signed_by(note, NoteKey(WITNESS.name, 4, WITNESS.public))


def known_to(state: Path) -> int:
    return int(json.loads(state.read_text())["logs"][LOG.name]["size"])


def test_it_cosigns_what_grows_and_keeps_it_first(witness: Witness, state: Path) -> None:
    old = 0
    for new in (1, 7, 8, 33, 33, 40):
        assert cosigned(witness.add_checkpoint(request(old, new)), new)
        assert known_to(state) == new
        old = new


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (request(0, 12), 409, "10\n"),
        (request(9, 12), 409, "10\n"),
        (request(12, 12), 409, "10\n"),
        (request(10, 10, leaves=FORKED), 409, "10\n"),
        (request(10, 12, leaves=FORKED), 422, "does not lead"),
        (request(10, 12, proof=[]), 422, "proof is empty"),
        (request(10, 12, proof=[LEAVES[0]]), 422, "does not lead"),
        (request(10, 10, proof=[LEAVES[0]]), 422, "carry a proof"),
        (request(12, 11), 400, "larger"),
        (request(10, 12, key=STRANGER), 404, "not known"),
        (request(10, 12).replace(b"old 10", b"old 010"), 400, "old <size>"),
        (request(10, 12, proof=[LEAVES[0]] * 64), 400, "63 lines"),
        (request(10, 12).replace(b"\n12\n", b"\n13\n"), 403, "no signature"),
        (b"old 10\n\n" + STRANGER.name.encode(), 400, "signed note"),
        (b"", 400, "old <size>"),
        (b"\xff" * 100, 400, "old <size>"),
    ],
)
def test_anything_else_is_answered_as_the_specification_says_and_not_signed(
    witness: Witness, state: Path, body: bytes, status: int, told: str
) -> None:
    assert cosigned(witness.add_checkpoint(request(0, 10)), 10)
    before = state.read_bytes()
    reply = witness.add_checkpoint(body)
    assert (reply.status, told in reply.body) == (status, True), reply
    assert "—" not in reply.body
    assert state.read_bytes() == before
    if status == 409:
        assert reply.content_type == "text/x.tlog.size"


def test_a_log_with_two_histories_gets_one_of_them_cosigned(witness: Witness) -> None:
    """Whoever cuts the log and grows it anew is refused, by whichever road."""
    assert cosigned(witness.add_checkpoint(request(0, 12)), 12)
    for old in range(41):
        for new in (8, 9, 12, 13, 40):
            assert witness.add_checkpoint(request(old, new, leaves=FORKED)).status != 200, (old, new)


def test_it_remembers_across_starts(state: Path) -> None:
    with running(state) as first:
        assert cosigned(first.add_checkpoint(request(0, 12)), 12)
    with running(state, begin=False) as again:
        assert again.add_checkpoint(request(0, 5)).status == 409
        assert cosigned(again.add_checkpoint(request(12, 13)), 13)


def test_what_cannot_be_kept_is_not_signed(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("tracebinder.witness.replace_text", fail)
        reply = witness.add_checkpoint(request(0, 12))
    assert (reply.status, "—" in reply.body) == (500, False)
    assert cosigned(witness.add_checkpoint(request(0, 10)), 10), "it knows of nothing that it did not sign"


def options(folder: Path, **changes: object) -> Namespace:
    given = {
        "name": "w.example/1",
        "key": folder / "key.pem",
        "state": folder / "state.json",
        "log": [LOG.vkey()],
    }
    return Namespace(**{**given, **changes})


def test_a_witness_that_lost_its_memory_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(TracebinderError, match="no blanks"):
        open_witness(options(tmp_path, name="two words"))
    first = open_witness(options(tmp_path))
    with pytest.raises(TracebinderError, match="another witness uses"):
        open_witness(options(tmp_path))
    first._state.close()
    (tmp_path / "state.json").unlink()
    with pytest.raises(TracebinderError, match="has forgotten what it cosigned"):
        open_witness(options(tmp_path))


def test_its_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    open_witness(options(tmp_path))._state.close()
    key = tmp_path / "key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    with pytest.raises(TracebinderError, match="chmod 600"):
        open_witness(options(tmp_path))


@pytest.mark.parametrize("log", ["nonsense", WITNESS.vkey(4)])
def test_only_logs_are_witnessed(tmp_path: Path, log: str) -> None:
    with pytest.raises(TracebinderError):
        open_witness(options(tmp_path, log=[log]))
    assert not (tmp_path / "key.pem").exists()


@pytest.fixture
def port(witness: Witness) -> Iterator[int]:
    with serve(witness, host="127.0.0.1", port=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_over_http_two_at_once_are_looked_at_one_by_one(port: int, witness: Witness, state: Path) -> None:
    assert ask(port, "GET", "/") == (200, f"{witness.vkey}\n")
    assert ask(port, "POST", "/elsewhere", b"x")[0] == 404
    assert ask(port, "POST", "/add-checkpoint", b"x" * (MOST_BODY + 1))[0] == 413
    statuses: list[int] = []
    bodies = [request(0, new) for new in range(1, 41)]
    threads = [
        threading.Thread(target=lambda b=b: statuses.append(ask(port, "POST", "/w/add-checkpoint", b)[0]))
        for b in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 39, "only one of them was the first"
    assert known_to(state) >= 1
