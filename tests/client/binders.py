"""Honest binders to attack: built by the real writer with a throw-away key, taken apart and rebuilt."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.binder.bag import LogProof, Prover, WrittenBinder, no_log, write_binder
from evidence.binder.dsse import seal_envelope
from evidence.binder.files import BinderFile, json_file, json_lines_file
from evidence.binder.statement import BINDER_PREDICATE, BinderFacts, binder_uuid
from evidence.digests import canonical_json

ENVELOPE = "attest/binder.intoto.jsonl"
AS_OF = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DIGEST = "ab" * 32


@dataclass(frozen=True)
class KeyPair:
    """A signer whose key is derived from a name, so that tests are repeatable."""

    name: str
    private: Ed25519PrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        seed = hashlib.sha256(self.name.encode()).digest()
        object.__setattr__(self, "private", Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def keyid(self) -> str:
        return hashlib.sha256(self.public).hexdigest()

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data)

    def note_id(self, algorithm: int = 1) -> bytes:
        named = self.name.encode() + b"\n" + bytes([algorithm]) + self.public
        return hashlib.sha256(named).digest()[:4]

    def vkey(self, algorithm: int = 1) -> str:
        raw = base64.b64encode(bytes([algorithm]) + self.public).decode()
        return f"{self.name}+{self.note_id(algorithm).hex()}+{raw}"


SIGNER = KeyPair("signer")
STRANGER = KeyPair("stranger")
LOG = KeyPair("log.example/one")
WITNESS = KeyPair("witness.example")


def facts(
    *, log: Mapping[str, object] | None = None, seed: str = "scope", version: str = "0.1.0"
) -> BinderFacts:
    return BinderFacts(
        binder_id=binder_uuid(hashlib.sha256(seed.encode()).hexdigest()),
        system="credit-assistant",
        purpose="Evidence for release r1 / 版本 r1 的证据",
        period_from=datetime(2026, 11, 1, tzinfo=UTC),
        period_to=AS_OF,
        as_of=AS_OF,
        producer_id="tracebinder",
        producer_version=version,
        log=log,
    )


def criterion(**changes: object) -> dict[str, object]:
    return {
        "key": "cited",
        "check": "citations.material_share",
        "comparator": "at_least",
        "threshold": 0.9,
        "unit": "share",
        "minN": 10,
        "verdict": "met",
        "value": 0.97,
        "low": 0.93,
        "high": 0.99,
        "n": 120,
        "evidence": ["evals/run-1.json"],
        **changes,
    }


def requirement(**changes: object) -> dict[str, Any]:
    return {
        "key": "sources",
        "version": 1,
        "digest": DIGEST,
        "statement": {"en": "Shows its key sources", "zh-Hans": "展示其关键来源"},
        "riskTier": "high",
        "layer": "grounding",
        "owner": "ana",
        "state": "approved",
        "status": "satisfied",
        "asOf": "2026-11-22T09:00:00Z",
        "criteria": [criterion()],
        "waivers": [],
        **changes,
    }


def finding(**changes: object) -> dict[str, object]:
    return {
        "id": "1",
        "role": "supporting",
        "title": "Induction",
        "status": "supported",
        "claim": "descriptive",
        "doesNotShow": "that an answer was copied from its sources",
        "comparisons": [
            {"name": "null", "what": "random twin", "value": 0.02, "low": 0.0, "high": 0.05, "n": 64}
        ],
        "stale": False,
        "digest": DIGEST,
        "statistic": "induction score",
        "unit": "share",
        "value": 0.41,
        "low": 0.37,
        "high": 0.45,
        "n": 64,
        "measuredOn": [],
        **changes,
    }


def review() -> dict[str, object]:
    return {
        "id": "1",
        "traceId": "4f" * 16,
        "reviewer": "wei",
        "decision": "reject",
        "rationale": "引用的条款已失效",
        "reviewedAt": "2026-11-21T10:00:00Z",
    }


def honest_files(
    *,
    requirements: Iterable[dict[str, Any]] | None = None,
    findings: Iterable[dict[str, object]] | None = None,
) -> Iterator[BinderFile]:
    yield json_lines_file(
        "evidence/counter.jsonl", list, title="Counter evidence", population="counter-evidence"
    )
    for document in [requirement()] if requirements is None else requirements:
        yield json_file(
            f"requirements/{document['key']}.json",
            document,
            title="A requirement",
            schema="requirement",
            status=document["status"],
        )
    yield json_lines_file(
        "reviews/reviews.jsonl", lambda: [review()], title="Reviews", schema="review", population="reviews"
    )
    yield json_file("evals/run-1.json", {"score": 0.97, "n": 120}, title="Eval run / 评估")
    for document in [finding()] if findings is None else findings:
        yield json_file(
            f"interpretability/{document['id']}.json", document, title="A finding", schema="finding"
        )
    yield json_file("redactions.json", {"redactions": []}, title="Redactions", schema="redactions")


@dataclass(frozen=True)
class Built:
    archive: bytes
    written: WrittenBinder

    @property
    def top(self) -> str:
        """Name of the folder in the ZIP."""
        with zipfile.ZipFile(io.BytesIO(self.archive)) as packed:
            return packed.namelist()[0].partition("/")[0]

    def save(self, folder: Path) -> Path:
        path = folder / self.written.file_name
        path.write_bytes(self.archive)
        return path


def build(
    files: Iterable[BinderFile] | None = None,
    *,
    about: BinderFacts | None = None,
    signers: Iterable[KeyPair] = (SIGNER,),
    prove: Prover = no_log,
) -> Built:
    sink = io.BytesIO()
    written = write_binder(
        honest_files() if files is None else files,
        facts=about or facts(),
        signers=tuple(signers),
        sink=sink.write,
        prove=prove,
    )
    return Built(archive=sink.getvalue(), written=written)


def unpack(archive: bytes) -> dict[str, bytes]:
    """Return every member by path below the top folder, in order."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name.partition("/")[2]: opened.read(name) for name in opened.namelist()}


def repack(members: Mapping[str, bytes], *, top: str = "") -> bytes:
    """Return an ordinary ZIP of the members, as an ordinary tool would write it."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:
        for path, content in members.items():
            made.writestr(f"{top or 'binder-' + str(facts().binder_id)}/{path}", content)
    return sink.getvalue()


def relist(members: dict[str, bytes]) -> dict[str, bytes]:
    """Write both manifests and Payload-Oxum anew, as an attacker without the key can."""
    payload = {path: content for path, content in members.items() if path.startswith("data/")}
    oxum = f"{sum(map(len, payload.values()))}.{len(payload)}"
    rows = [line.split(": ", 1) for line in members["bag-info.txt"].decode().splitlines()]
    info = "".join(f"{k}: {oxum if k == 'Payload-Oxum' else v}\n" for k, v in rows)
    members = {**members, "bag-info.txt": info.encode()}
    members["manifest-sha256.txt"] = _rows(payload)
    tags = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt")
    members["tagmanifest-sha256.txt"] = _rows({name: members[name] for name in tags})
    return members


def resign(
    members: dict[str, bytes],
    *,
    signers: Iterable[KeyPair] = (SIGNER,),
    change: Callable[[dict[str, object]], None] = lambda _: None,
) -> dict[str, bytes]:
    """Sign the members anew, after `change` was made to the statement: what only the key's holder can."""
    statement = payload_of(members[ENVELOPE])
    digest = hashlib.sha256(members["tagmanifest-sha256.txt"]).hexdigest()
    statement["subject"] = [{"name": "tagmanifest-sha256.txt", "digest": {"sha256": digest}}]
    change(statement)
    return {**members, ENVELOPE: seal_envelope(canonical_json(statement), tuple(signers))}


def payload_of(envelope: bytes) -> dict[str, object]:
    """Return the statement in an envelope."""
    statement: dict[str, object] = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
    return statement


def describe_anew(members: dict[str, bytes]) -> dict[str, bytes]:
    """Correct the RO-Crate's digests and sizes after files were changed."""
    crate = json.loads(members["data/ro-crate-metadata.json"])
    for entity in crate["@graph"]:
        content = members.get(f"data/{entity['@id']}")
        if entity["@type"] == "File" and content is not None:
            entity["sha256"] = hashlib.sha256(content).hexdigest()
    return {**members, "data/ro-crate-metadata.json": canonical_json(crate)}


def trust_document(**changes: object) -> dict[str, object]:
    return {
        "format": "tracebinder.trust/1",
        "signers": [trusted(SIGNER)],
        "threshold": 1,
        "predicateTypes": [BINDER_PREDICATE],
        **changes,
    }


def trusted(key: KeyPair) -> dict[str, object]:
    return {"keyid": key.keyid, "publicKey": base64.b64encode(key.public).decode()}


def naive_root(leaves: list[bytes]) -> bytes:
    """The root by the recursive definition of RFC 9162, 2.1.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_path(leaves: list[bytes], index: int) -> list[bytes]:
    """The inclusion path by the recursive definition of RFC 9162, 2.1.3.1."""
    if len(leaves) <= 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*naive_path(leaves[:split], index), naive_root(leaves[split:])]
    return [*naive_path(leaves[split:], index - split), naive_root(leaves[:split])]


def naive_consistency(leaves: list[bytes], first: int, *, whole: bool = True) -> list[bytes]:
    """The consistency path by the recursive definition of RFC 9162, 2.1.4.1."""
    if first == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = _split(len(leaves))
    if first <= split:
        return [*naive_consistency(leaves[:split], first, whole=whole), naive_root(leaves[split:])]
    return [*naive_consistency(leaves[split:], first - split, whole=False), naive_root(leaves[:split])]


def checkpoint_note(
    leaves: list[bytes],
    *,
    key: KeyPair = LOG,
    witnesses: Iterable[KeyPair] = (),
    cosigned_at: datetime = AS_OF,
) -> str:
    """A signed checkpoint over the leaves, cosigned by the witnesses."""
    root = base64.b64encode(naive_root(leaves)).decode()
    text = f"{key.name}\n{len(leaves)}\n{root}\n"
    lines = [_signature(key.name, key.note_id() + key.sign(text.encode()))]
    for witness in witnesses:
        moment = int(cosigned_at.timestamp())
        cosigned = witness.sign(f"cosignature/v1\ntime {moment}\n{text}".encode())
        lines.append(_signature(witness.name, witness.note_id(4) + moment.to_bytes(8, "big") + cosigned))
    return text + "\n" + "".join(lines)


@dataclass(frozen=True)
class SmallLog:
    """A prover: a log of `others` entries with this export among them."""

    others: int = 6
    key: KeyPair = LOG
    witnesses: tuple[KeyPair, ...] = ()
    cosigned_at: datetime = AS_OF

    def __call__(self, statement: bytes) -> LogProof:
        digest = hashlib.sha256(statement).hexdigest()
        entry = canonical_json(
            {
                "verb": "binder.sealed",
                "system": "credit-assistant",
                "object": {"type": "evidence.Release", "id": "1", "digest": digest},
            }
        )
        entries = [b'{"n":%d}' % number for number in range(self.others)]
        entries.insert(self.others // 2, entry)
        return LogProof(entry=entry, proof=self.prove(entries, self.others // 2))

    def prove(self, entries: list[bytes], index: int) -> bytes:
        leaves = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
        path = "".join(base64.b64encode(node).decode() + "\n" for node in naive_path(leaves, index))
        note = checkpoint_note(leaves, key=self.key, witnesses=self.witnesses, cosigned_at=self.cosigned_at)
        return f"c2sp.org/tlog-proof@v1\nindex {index}\n{path}\n{note}".encode()


def _split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def _signature(name: str, raw: bytes) -> str:
    return f"— {name} {base64.b64encode(raw).decode()}\n"


def _rows(members: Mapping[str, bytes]) -> bytes:
    ordered = sorted(members.items())
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in ordered).encode()
