"""The verifier in JavaScript beside the one in Python. `make test` has it asked about every binder the tests have."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from evidence.binder.files import BinderFile
from tests.attack import binders as attack
from tests.client.binders import LOG, SIGNER, Built, build, honest_files, trust_document, trusted
from tests.client.both import NO_NODE, javascript, question_about, verify_with_both

CLI = Path(__file__).parents[2] / "client" / "verify-js" / "cli.js"
NODE = shutil.which("node") or ""
needs_node = pytest.mark.skipif(not NODE and "CI" not in os.environ, reason=NO_NODE)
pytestmark = needs_node
MANY = 48


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    assert NODE, NO_NODE
    return subprocess.run([NODE, str(CLI), *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture
def files(honest: Built, tmp_path: Path) -> tuple[Path, Path]:
    """A binder, and a trust file that trusts its signer."""
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps(trust_document()))
    return honest.save(tmp_path), trust


def test_there_is_a_node_to_ask() -> None:
    assert javascript() is not None, NO_NODE


def test_the_command_prints_the_seven_lines_and_what_is_not_claimed(files: tuple[Path, Path]) -> None:
    binder, trust = files
    done = run(binder, "--trust", trust)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{binder.name}: verified"
    assert [line.split("  ")[0] for line in lines[3:10]] == [
        "integrity", "origin", "container", "log inclusion", "witnessed", "completeness", "freshness",
    ]  # fmt: skip
    assert lines[-1].startswith("not claimed:")


def test_the_sidecar_beside_a_binder_is_found(files: tuple[Path, Path], honest: Built) -> None:
    binder, trust = files
    binder.with_name(f"{binder.name}.intoto.jsonl").write_bytes(honest.written.sidecar)
    assert "its bytes are signed" in run(binder, "--trust", trust).stdout


def test_json_is_what_the_command_in_python_prints(files: tuple[Path, Path]) -> None:
    binder, trust = files
    command = [sys.executable, "-m", "tracebinder", "verify", str(binder), "--trust", str(trust), "--json"]
    client = CLI.parents[1]
    python = subprocess.run(command, cwd=client, capture_output=True, text=True, check=True)
    assert json.loads(run(binder, "--trust", trust, "--json").stdout) == json.loads(python.stdout)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        ([], 64, "usage:"),
        (["a.zip"], 64, "usage:"),
        (["a.zip", "--trust", "t", "--frob"], 64, "--frob"),
        (["none.zip", "--trust", "{trust}"], 2, "none.zip"),
        (["{binder}", "--trust", "none.json"], 2, "none.json"),
        (["{binder}", "--trust", "{binder}"], 2, "trust file: not valid JSON"),
        (["{binder}", "--trust", "{trust}", "--sidecar", "none"], 2, "none"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(
    files: tuple[Path, Path], arguments: list[str], exit_code: int, told: str
) -> None:
    binder, trust = files
    done = run(*(each.format(binder=binder, trust=trust) for each in arguments))
    assert done.returncode == exit_code
    assert told in done.stderr
    assert "    at " not in done.stderr  # no trace of a stack


def test_names_collide_alike() -> None:
    """Every letter that this Python's Unicode has; case folding differs by letters that came later."""
    letters = [
        chr(code)
        for code in range(0x20, 0x110000)
        if not 0xD800 <= code < 0xE000 and unicodedata.category(chr(code)) != "Cn"
    ]
    asked = javascript()
    assert asked is not None
    theirs = dict(zip(letters, asked.ask({"fold": letters}), strict=True))
    ours = {letter: unicodedata.normalize("NFC", letter).casefold() for letter in letters}
    assert _classes(ours) == _classes(theirs)


def _classes(folded: dict[str, str]) -> set[frozenset[str]]:
    """Return which letters are taken for one another; the form itself is nobody's business."""
    classes: dict[str, set[str]] = {}
    for letter, form in folded.items():
        classes.setdefault(form, set()).add(letter)
    return {frozenset(each) for each in classes.values() if len(each) > 1}


def test_a_trust_file_that_one_refuses_the_other_refuses(files: tuple[Path, Path]) -> None:
    binder, _ = files
    documents: list[dict[str, object]] = [
        {"format": "tracebinder.trust/2"}, {"threshold": 0}, {"threshold": 2}, {"threshold": True},
        {"threshold": 1.0}, {"signers": [trusted(SIGNER)] * 2}, {"predicateTypes": []}, {"quorum": 1},
        {"signers": [{**trusted(SIGNER), "keyid": "0" * 64}]}, {"witnesses": [{"vkey": LOG.vkey()}]},
        {"log": {"origin": LOG.name, "vkey": LOG.vkey(4)}}, {"maximumAgeDays": "30"}, {"maximumAgeDays": -1},
        {"log": {"origin": LOG.name, "vkey": LOG.vkey(), "required": None}},
    ]  # fmt: skip
    other = javascript()
    assert other is not None
    for changes in documents:
        policy = json.dumps(trust_document(**changes)).encode()
        with pytest.raises(Exception, match="trust file"):
            verify_with_both(binder, trust=policy)
        assert "trustRefused" in other.ask(question_about(binder, policy, sidecar=None, now=attack.NOW)), (
            changes
        )


def test_files_that_are_read_in_many_pieces_are_read_to_their_end(tmp_path: Path) -> None:
    """Whatever the pieces are: blocks end, and bytes of a symbol lie, on both sides of where one piece ends."""
    dice = random.Random("pieces")
    for size in range(65_000, 66_200, 80):
        content = dice.randbytes(size) + b"and much that is said again, " * 9_000
        file = BinderFile("evals/large.bin", (content,), "application/octet-stream", "Large")
        path = build([*honest_files(), file]).save(tmp_path)
        assert verify_with_both(path, trust=trust_document()).problems == []


def test_both_think_alike_of_binders_changed_at_random() -> None:
    """A few of what `python -m tests.attack.binders` tries by the thousand."""
    figures = attack.run(MANY)
    assert sum(found.cases for found in figures.values()) >= MANY
    told = "\n".join(attack.lines_of(figures))
    assert not any(found.differ or found.forged for found in figures.values()), told
    assert figures["container: packed in another way"].exit_codes.keys() == {"0"}
    refused = sum(found.cases - found.exit_codes["0"] for found in figures.values())
    assert refused * 2 > MANY, told  # what is changed is noticed, most of the time
