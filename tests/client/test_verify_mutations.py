"""Random damage: whatever byte is changed, the verifier refuses, and never with another library's error.

Each change is asked of both verifiers. A few at each change of ours, and 25 times as many under `make soak`.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client.binders import (
    LOG,
    NOW,
    Built,
    SmallLog,
    build,
    facts,
    repack,
    trust_document,
    unpack,
)
from tests.client.both import verify_with_both
from tests.client.conftest import Verify
from tests.how_many import examples

SEED = 20261122
LOGGED = build(about=facts(log={"origin": LOG.name, "vkey": LOG.vkey()}), prove=SmallLog())


def _flip(content: bytes, generator: random.Random) -> bytes:
    position = generator.randrange(len(content))
    changed = bytearray(content)
    changed[position] ^= 1 << generator.randrange(8)
    return bytes(changed)


@pytest.mark.drawn
def test_flipped_bit_in_any_member_is_refused_and_the_member_named(verify: Verify) -> None:
    generator = random.Random(SEED)
    members = unpack(LOGGED.archive)
    log = {"origin": LOG.name, "vkey": LOG.vkey(), "minimumTreeSize": 7, "required": True}
    for path, content in members.items():
        for _ in range(examples(2) if content else 0):
            report = verify(repack({**members, path: _flip(content, generator)}), log=log)
            assert report.exit_code != 0, path
            if path.startswith("data/"):
                assert path in {problem.member for problem in report.problems}


@pytest.mark.drawn
def test_flipped_bit_anywhere_in_the_zip_is_refused_with_the_sidecar(verify: Verify, honest: Built) -> None:
    generator = random.Random(SEED)
    for _ in range(examples(60)):
        report = verify(_flip(honest.archive, generator), sidecar=honest.written.sidecar)
        assert report.exit_code != 0


@pytest.mark.drawn
def test_flipped_bit_in_the_zip_never_passes_changed_content(verify: Verify, honest: Built) -> None:
    generator = random.Random(SEED + 1)
    expected = unpack(honest.archive)
    changes, accepted = examples(60), 0
    for _ in range(changes):
        changed = _flip(honest.archive, generator)
        if verify(changed).exit_code == 0:
            accepted += 1
            assert unpack(changed) == expected
    assert accepted < changes  # what is accepted differs in dates and the like, which the sidecar covers


@pytest.mark.drawn
def test_cut_short_anywhere_is_refused(verify: Verify, honest: Built) -> None:
    generator = random.Random(SEED + 2)
    for _ in range(examples(60)):
        assert verify(honest.archive[: generator.randrange(len(honest.archive))]).exit_code == 2


@settings(max_examples=examples(30), deadline=None)
@given(data=st.data())
def test_garbage_in_place_of_a_member_is_refused(data: st.DataObject, tmp_path_factory: object) -> None:
    members = unpack(LOGGED.archive)
    path = data.draw(st.sampled_from(sorted(members)))
    garbage = data.draw(st.binary(max_size=200))
    if garbage == members[path]:
        return
    target = tmp_path_factory.getbasetemp() / "garbage.zip"  # type: ignore[attr-defined]  # pytest's factory
    target.write_bytes(repack({**members, path: garbage}))
    log = {"origin": LOG.name, "vkey": LOG.vkey(), "required": True}
    assert verify_with_both(target, trust=trust_document(log=log), now=NOW).exit_code != 0
