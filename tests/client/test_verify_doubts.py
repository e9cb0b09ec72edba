"""Both verifiers work out where each doubt of a binder stands, and who answered it, by themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from evidence.digests import canonical_json
from tests.client.binders import Built, describe_anew, relist, repack, resign, unpack
from tests.client.conftest import Verify
from tests.client.newest import ANA, CI, build_newest, doubts

DEFEATERS: Final = "data/evidence/defeaters.jsonl"
COUNTER: Final = "data/evidence/counter.jsonl"


@pytest.fixture(scope="module")
def newest() -> Built:
    return build_newest()


def test_doubts_are_counted_with_those_that_stand(newest: Built, verify: Verify) -> None:
    report = verify(newest.archive)
    assert report.problems == []
    assert "2 doubts, 1 of them stand;" in report.line("completeness").detail


def test_an_item_from_before_doubts_were_opened_is_counted(newest: Built, verify: Verify) -> None:
    items = [{"id": name, "owner": CI} for name in ("7", "8", "9")]
    report = verify(signed_again(newest, {COUNTER: items}))
    assert report.problems == []
    assert "1 counter items opened none" in report.line("completeness").detail


Change = Callable[[list[dict[str, Any]]], object]
ATTACKS: Final[dict[str, tuple[str, Change]]] = {
    "said to be laid to rest": ("doubt 1 is expired", lambda both: both[0].update(state="accepted")),
    "whose answer is left out": ("doubt 2 is open", lambda both: both[1]["answers"].clear()),
    "of no item": ("is of no item", lambda both: both[0].update(evidence="17")),
    "of an item that opened another": ("is of no item", lambda both: both[1].update(evidence="7")),
    "answered by who raised it": (
        f"is answered by {ANA}, who raised it",
        lambda both: both[1]["answers"][2].update(answeredBy=ANA),
    ),
    "answered by a token of who raised it": (
        f"is answered by {CI}, who raised it",
        lambda both: both[1]["answers"][0].update(answeredBy=CI),
    ),
    "of which an answer was taken out": (
        "neither replaces the other",
        lambda both: both[1]["answers"].pop(1),
    ),
    "that ends and is not accepted": (
        "is answered by 'rebutted', or by what",
        lambda both: both[1]["answers"][2].update(expiresAt="2999-01-01T00:00:00Z"),
    ),
    "answered without a word": ("without a word", lambda both: both[1]["answers"][2].update(words=" \t")),
    "hidden behind others": ("doubt 1 stands, and comes after", lambda both: both.reverse()),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_doubt_is_refused_that_is(newest: Built, verify: Verify, attack: str) -> None:
    told, change = ATTACKS[attack]
    both = doubts()
    change(both)
    (problem,) = verify(signed_again(newest, {DEFEATERS: both})).problems
    assert (problem.line, problem.member, problem.exit_code) == ("completeness", DEFEATERS, 1)
    assert told in str(problem)


def test_whoever_answered_is_named_in_people(newest: Built, verify: Verify) -> None:
    both = doubts()
    both[0]["answers"][0]["answeredBy"] = "person:zzzzzzzzzzzzzzzzzzzz"
    told = [str(problem) for problem in verify(signed_again(newest, {DEFEATERS: both})).problems]
    assert any("is not in people.json" in each for each in told)


def test_the_file_cannot_be_left_out(newest: Built, verify: Verify) -> None:
    told = [str(problem) for problem in verify(signed_again(newest, {DEFEATERS: None})).problems]
    assert any("belongs to every binder of this version" in each for each in told)


def signed_again(newest: Built, changes: Mapping[str, list[dict[str, Any]] | None]) -> bytes:
    """Return the binder with other lines in it, counted and signed by whoever signs it; None: without the file."""
    members = unpack(newest.archive)
    for path, rows in changes.items():
        members[path] = b"".join(canonical_json(row) + b"\n" for row in rows or ())
    kept = {path: content for path, content in members.items() if changes.get(path, ()) is not None}

    def count(statement: Any) -> None:
        counted = [each for each in statement["predicate"]["populations"] if f"data/{each['path']}" in kept]
        for each in counted:
            content = kept[f"data/{each['path']}"]
            each |= {"digest": hashlib.sha256(content).hexdigest(), "count": content.count(b"\n")}
        statement["predicate"]["populations"] = counted

    return repack(resign(relist(describe_anew(kept)), change=count))
