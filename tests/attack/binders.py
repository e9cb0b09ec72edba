"""Binders changed in one place at random, asked of both verifiers: `python -m tests.attack.binders --cases 10000`.

Two kinds of attacker: one without the key, who changes what is in a file, and the holder of the key, who changes what
is said and signs it again. Of the first nothing may be accepted whose content is another; of the second the verifiers
must think alike, which is how a slip of either is found.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from evidence.binder.files import BinderFile
from tests.attack.changes import change_text, change_value
from tests.client.binders import (
    ENVELOPE,
    LOG,
    SIGNER,
    SmallLog,
    build,
    criterion,
    describe_anew,
    facts,
    honest_files,
    payload_of,
    relist,
    repack,
    requirement,
    resign,
    trust_document,
    trusted,
    unpack,
)
from tests.client.both import NO_NODE, answers_of, javascript, question_about
from tests.client.newest import build_newest
from tests.client.zip_model import FIELDS, SHAPES, inflate, mutate, say, take_apart
from tracebinder.verify import BinderMalformed, Report, verify_binder
from tracebinder.verify.trust import parse_trust

GOLDEN: Final = Path(__file__).parent.parent / "client" / "golden"
NOW: Final = datetime(2027, 1, 1, tzinfo=UTC)
NEWEST: Final = "of today's version"  # what the golden ones, which are older, do not tell
OF_THE_LOG: Final = ("attest/binder.log-entry.json", "attest/binder.tlog-proof")
CRATE: Final = "data/ro-crate-metadata.json"
TAG_FILES: Final = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt")
STRATEGIES: Final = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)

Members = dict[str, bytes]


@dataclass(frozen=True)
class Case:
    """A changed binder, and what an attacker could not have changed it into."""

    archive: bytes
    trust: bytes
    sidecar: bytes | None = None
    honest: Members | None = None  # None: the holder of the key may say what they like


@dataclass
class Figures:
    """What became of the cases of one class."""

    cases: int = 0
    exit_codes: Counter[int | str] = field(default_factory=Counter)
    differ: list[int] = field(default_factory=list)  # seeds of which the verifiers think differently
    forged: list[int] = field(default_factory=list)  # seeds that were accepted with another content


Attack = Callable[[random.Random], Case]


@cache
def _logged() -> tuple[bytes, bytes, bytes]:
    """A small binder in a log, its sidecar, and whom to trust."""
    log = {"origin": LOG.name, "vkey": LOG.vkey()}
    built = build(about=facts(log=log), prove=SmallLog())
    policy = trust_document(log={**log, "required": True, "minimumTreeSize": 7})
    return built.archive, built.written.sidecar, json.dumps(policy).encode()


@cache
def _large() -> tuple[bytes, bytes]:
    """A binder with a file whose packed bytes are read in several pieces, some of them hardly packed; whom to trust."""
    dice = random.Random("large")
    content = b"".join(
        dice.choice([dice.randbytes(n), b"line of text\n" * n, bytes(n)]) for n in range(0, 1_400, 7)
    )
    file = BinderFile("evals/large.bin", (content,), "application/octet-stream", "Large")
    return build([*honest_files(), file]).archive, json.dumps(trust_document()).encode()


def _small_or_large(dice: random.Random) -> tuple[bytes, bytes]:
    archive, _, trust = _logged()
    return dice.choice([(archive, trust), (archive, trust), _large()])


@cache
def _full(folder: str) -> tuple[Members, dict[str, Any]]:
    """The files of a binder with something in every section, most of them from a server, and whom to trust."""
    if folder == NEWEST:
        return unpack(build_newest().archive), trust_document()
    (path,) = (GOLDEN / folder).glob("*.zip")
    members = unpack(path.read_bytes())
    statement = cast("dict[str, Any]", payload_of(members[ENVELOPE]))
    redacted = statement["predicate"].get("redacted", False)
    about = replace(
        facts(), producer_version=statement["predicate"]["producer"]["version"], redacted=redacted
    )
    built = build([*_requirement_files(), *_files_of(members, statement)], about=about)
    trust = json.loads((GOLDEN / folder / "trust.json").read_text())
    return unpack(built.archive), {
        **trust,
        "signers": [trusted(SIGNER)],
        "log": {**trust["log"], "required": False},
    }


def _files_of(members: Members, statement: dict[str, Any]) -> Iterator[BinderFile]:
    populations = {entry["path"]: entry["name"] for entry in statement["predicate"]["populations"]}
    for entity in json.loads(members[CRATE])["@graph"]:
        path = entity["@id"]
        if entity["@type"] == "File" and not path.startswith("schemas/") and path != "index.html":
            schema = Path(entity.get("conformsTo", {}).get("@id", "")).stem
            content, kind, title = members[f"data/{path}"], entity["encodingFormat"], entity["name"]
            yield BinderFile(path, (content,), kind, title, schema, populations.get(path, ""))


def _requirement_files() -> Iterator[BinderFile]:
    """Requirements of several statuses, a finding, and what they refer to."""
    slices = [{"language": "en"}, {"language": "zh-Hans"}]
    measured = [{"where": where, "n": 60, "low": 0.92, "high": 0.98, "missing": 2} for where in slices]
    recent = {"missing": 3, "maxAgeDays": 30, "observedTo": "2026-11-20T00:00:00Z"}
    sliced = criterion(slices=slices, sliceResults=measured, **recent)
    evidence = ["interpretability/1.json", "evals/run-1.json"]
    capped = criterion(key="capped", comparator="at_most", threshold=0.99, evidence=evidence)
    unmet = criterion(verdict="not_met", low=0.4)
    waiver = {
        "criterion": "cited", "requestedBy": "wei", "approvedBy": "ana", "reason": "until r2",
        "expiresAt": "2026-12-01T00:00:00Z",
    }  # fmt: skip
    requirements = [
        requirement(criteria=[sliced, capped]),
        requirement(key="unmet", criteria=[unmet, capped], status="notSatisfied"),
        requirement(key="waived", criteria=[unmet], waivers=[waiver], status="waived"),
        requirement(key="unread", criteria=[criterion(verdict="not_assessed")], status="notAssessed"),
        requirement(key="drafted", state="draft", status="notAssessed"),
    ]
    for file in honest_files(requirements=requirements):
        if file.path.startswith(("requirements/", "interpretability/", "evals/")):
            yield file


def _signed_again(
    folder: str, change: Callable[[Members], object], say_else: Callable[[Any], object]
) -> Case:
    """Return a full binder that its producer changed and signed again."""
    honest, policy = _full(folder)
    members = dict(honest)
    change(members)
    if members[CRATE] == honest[CRATE]:
        members = describe_anew(members)
    members = relist(members)

    def count_again(statement: dict[str, Any]) -> None:
        for entry in statement["predicate"]["populations"]:
            content = members[f"data/{entry['path']}"]
            digest = _digest_listed(members, entry["path"])
            entry.update(count=content.count(b"\n"), digest=digest)
        say_else(statement)

    return Case(repack(resign(members, change=count_again)), json.dumps(policy).encode())


def _digest_listed(members: Members, path: str) -> str:
    rows = members["manifest-sha256.txt"].decode().splitlines()
    return next(row[:64] for row in rows if row[66:] == f"data/{path}")


def _full_folder(dice: random.Random, within: str = "") -> str:
    folders = ["1.0-people", "1.0-spans", NEWEST]
    return dice.choice([name for name in folders if any(path.startswith(within) for path in _full(name)[0])])


def _pick(members: Members, dice: random.Random, *, within: str = "data/", ending: tuple[str, ...]) -> str:
    """Return a file; a folder is as likely as another, however many files are in it."""
    found = sorted(path for path in members if path.startswith(within) and path.endswith(ending))
    folder = dice.choice(sorted({path.rpartition("/")[0] for path in found}))
    return dice.choice([path for path in found if path.rpartition("/")[0] == folder])


def _container(mutations: dict[str, Any]) -> Attack:
    def attack(dice: random.Random) -> Case:
        archive, sidecar, trust = _logged()
        changed = mutate(archive, mutations[dice.choice(sorted(mutations))], dice)
        return Case(changed, trust, dice.choice([None, sidecar]), unpack(archive))

    return attack


def a_bit_of_a_member(dice: random.Random) -> Case:
    archive, _, trust = _logged()
    members = unpack(archive)
    path = dice.choice([path for path, content in members.items() if content])
    content = bytearray(members[path])
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return Case(repack({**members, path: bytes(content)}), trust, None, members)


def text_of_an_attestation(dice: random.Random) -> Case:
    archive, _, trust = _logged()
    members = unpack(archive)
    path = dice.choice([ENVELOPE, *OF_THE_LOG])
    return Case(repack({**members, path: change_text(members[path], dice)}), trust, None, members)


def text_of_the_sidecar(dice: random.Random) -> Case:
    archive, sidecar, trust = _logged()
    return Case(archive, trust, change_text(sidecar, dice), unpack(archive))


def text_of_a_tag_file(dice: random.Random) -> Case:
    archive, _, trust = _logged()
    honest = unpack(archive)
    path = dice.choice(TAG_FILES)
    members = {**honest, path: change_text(honest[path], dice)}
    return Case(repack(members), trust, None, honest)


def tag_files_signed_again(dice: random.Random) -> Case:
    archive, _, trust = _logged()
    members = {path: content for path, content in unpack(archive).items() if path not in OF_THE_LOG}
    path = dice.choice(TAG_FILES[:3])
    members[path] = change_text(members[path], dice)
    tagged = relist({**members, "manifest-sha256.txt": b""}) if path == "bagit.txt" else members
    return Case(repack(resign(tagged)), trust)


def _value_in(within: str, *, ending: tuple[str, ...] = (".json", ".jsonl")) -> Attack:
    def attack(dice: random.Random) -> Case:
        def change(members: Members) -> None:
            path = _pick(members, dice, within=within, ending=ending)
            lines = members[path].splitlines() if path.endswith(".jsonl") else [members[path]]
            if lines:
                place = dice.randrange(len(lines))
                lines[place] = json.dumps(change_value(json.loads(lines[place]), dice)).encode()
                members[path] = b"".join(line + b"\n" for line in lines)

        return _signed_again(_full_folder(dice, within), change, lambda _: None)

    return attack


def _text_in(within: str) -> Attack:
    def attack(dice: random.Random) -> Case:
        def change(members: Members) -> None:
            path = _pick(members, dice, within=within, ending=(".json", ".jsonl", ".txt", ".bin"))
            members[path] = change_text(members[path], dice)

        return _signed_again(_full_folder(dice, within), change, lambda _: None)

    return attack


def a_value_of_the_statement(dice: random.Random) -> Case:
    def say_else(statement: dict[str, Any]) -> None:
        changed = change_value(statement, dice)
        if isinstance(changed, dict):
            statement.clear()
            statement.update(changed)

    try:
        return _signed_again(_full_folder(dice), lambda _: None, say_else)
    except ValueError:  # it has no RFC 8785 form, so nobody can sign it
        return a_value_of_the_statement(dice)


def a_value_of_the_trust_file(dice: random.Random) -> Case:
    archive, sidecar, trust = _logged()
    changed = json.dumps(change_value(json.loads(trust), dice)).encode()
    return Case(archive, changed, sidecar, unpack(archive))


def packed_in_another_way(dice: random.Random) -> Case:
    """The same files by another deflater: accepted, whatever its blocks are."""
    archive, trust = _small_or_large(dice)
    whole = take_apart(archive)
    for member in whole.members:
        content = inflate(member.packed)
        packer = zlib.compressobj(
            dice.randint(0, 9), zlib.DEFLATED, -15, dice.randint(1, 9), dice.choice(STRATEGIES)
        )
        middle = dice.randrange(len(content) + 1)
        packed = packer.compress(content[:middle]) + packer.flush(
            dice.choice([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH])
        )
        say(member, content, packed + packer.compress(content[middle:]) + packer.flush())
    return Case(whole.settle().to_bytes(), trust, None, unpack(archive))


def a_bit_of_a_stream(dice: random.Random) -> Case:
    """A damaged stream whose headers say what it now unpacks to, where it unpacks at all."""
    archive, trust = _small_or_large(dice)
    whole = take_apart(archive)
    member = dice.choice([member for member in whole.members if len(member.packed) > 8])
    packed = bytearray(member.packed)
    packed[dice.randrange(len(packed))] ^= 1 << dice.randrange(8)
    try:
        content = inflate(bytes(packed))
    except zlib.error:
        content = inflate(member.packed)
    say(member, content, bytes(packed))
    return Case(whole.settle().to_bytes(), trust, None, unpack(archive))


ATTACKS: Final[dict[str, Attack]] = {
    "container: shape": _container(dict(SHAPES)),
    "container: a field": _container(dict(FIELDS)),
    "container: packed in another way": packed_in_another_way,
    "container: a bit of a stream": a_bit_of_a_stream,
    "a bit of a member": a_bit_of_a_member,
    "text of an attestation": text_of_an_attestation,
    "text of the sidecar": text_of_the_sidecar,
    "text of a tag file": text_of_a_tag_file,
    "signed again: tag file": tag_files_signed_again,
    "signed again: any value": _value_in("data/"),
    "signed again: any text": _text_in("data/"),
    "signed again: requirements": _value_in("data/requirements/"),
    "signed again: spans and traces": _value_in("data/traces/"),
    "signed again: citations": _value_in("data/citations/"),
    "signed again: eval runs": _value_in("data/evals/"),
    "signed again: gates": _value_in("data/gates/"),
    "signed again: versions, deployments": _value_in("data/versions/"),
    "signed again: findings": _value_in("data/interpretability/"),
    "signed again: slice of the log": _text_in("data/audit/"),
    "signed again: people": _value_in("data/people.json"),
    "signed again: redactions": _value_in("data/redactions.json"),
    "signed again: schemas": _value_in("data/schemas/"),
    "signed again: RO-Crate": _value_in("data/ro-crate-metadata.json"),
    "the statement": a_value_of_the_statement,
    "the trust file": a_value_of_the_trust_file,
}


def run(cases: int, *, first_seed: int = 0) -> dict[str, Figures]:
    """Try each class with as many seeds as make `cases` together, and return what became of them."""
    each = -(-cases // len(ATTACKS))
    figures = {name: Figures() for name in ATTACKS}
    with tempfile.TemporaryDirectory() as folder:
        for name in ATTACKS:
            for seed in range(first_seed, first_seed + each):
                _try(name, seed, figures[name], Path(folder))
    return figures


def _try(name: str, seed: int, figures: Figures, folder: Path) -> None:
    case = ATTACKS[name](random.Random(f"{name} {seed}"))
    path, beside = folder / "case.zip", folder / "case.sidecar"
    path.write_bytes(case.archive)
    beside.write_bytes(case.sidecar or b"")
    sidecar = beside if case.sidecar is not None else None
    ours, theirs = _ask_both(path, sidecar, case)
    figures.cases += 1
    figures.exit_codes[str(ours["exit code"])] += 1
    if ours != theirs:
        figures.differ.append(seed)
    if ours["exit code"] == 0 and case.honest is not None and _says(case) != case.honest:
        figures.forged.append(seed)


def _says(case: Case) -> Members:
    """Return what a changed binder holds, without the signatures that were added to its checkpoint.

    Anybody may add one: a signed note says that those of keys that a reader does not know are left unread.
    """
    members = unpack(case.archive)
    proof = OF_THE_LOG[1]
    if case.honest and proof in members and proof in case.honest:
        honest = case.honest[proof].splitlines(keepends=True)
        lines = members[proof].splitlines(keepends=True)
        kept = [line for line in lines if line in honest or not line.startswith("— ".encode())]
        members[proof] = b"".join(kept)
    return members


def _ask_both(path: Path, sidecar: Path | None, case: Case) -> tuple[dict[str, object], dict[str, object]]:
    other = javascript()
    if other is None:
        raise SystemExit(NO_NODE)
    told = other.ask(question_about(path, case.trust, sidecar=sidecar, now=NOW))
    theirs: dict[str, object] = {"exit code": "trust"} if "trustRefused" in told else answers_of(told)
    try:
        report: Report = verify_binder(path, trust=parse_trust(case.trust), sidecar=sidecar, now=NOW)
    except BinderMalformed:
        return {"exit code": "trust"}, theirs
    return answers_of(report.as_dict()), theirs


def lines_of(figures: dict[str, Figures]) -> Iterator[str]:
    """Yield the table that is printed."""
    codes = ["0", "1", "2", "3", "4", "trust"]
    yield (
        f"{'changed':36}{'cases':>7}"
        + "".join(f"{code:>7}" for code in codes)
        + f"{'differ':>8}{'forged':>8}"
    )
    for name, found in figures.items():
        counts = "".join(f"{found.exit_codes[code]:>7}" for code in codes)
        yield f"{name:36}{found.cases:>7}{counts}{len(found.differ):>8}{len(found.forged):>8}"
    total = sum(found.cases for found in figures.values())
    differ = sum(len(found.differ) for found in figures.values())
    forged = sum(len(found.forged) for found in figures.values())
    yield f"{total} cases; the verifiers differ on {differ}; {forged} accepted with another content"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when the verifiers differ, or a forged content was accepted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first of those that are tried")
    asked = parser.parse_args(arguments)
    figures = run(asked.cases, first_seed=asked.seed)
    print("\n".join(lines_of(figures)))
    for name, found in figures.items():
        if found.differ or found.forged:
            print(f"{name}: differ {found.differ[:10]}, forged {found.forged[:10]}")
    return int(any(found.differ or found.forged for found in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
