"""The BagIt layer: step 2. Every file is listed, every listed file is there, and every digest is right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tracebinder.verify.container import Container
from tracebinder.verify.errors import (
    BinderFailed,
    BinderMalformed,
    BinderUnverifiable,
    VerifyError,
)

BAGIT_TXT: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
BAG_INFO: Final = "bag-info.txt"
MANIFEST: Final = "manifest-sha256.txt"
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"
TAGGED: Final = frozenset({"bagit.txt", BAG_INFO, MANIFEST})
ENVELOPE: Final = "attest/binder.intoto.jsonl"
LOG_ENTRY: Final = "attest/binder.log-entry.json"
LOG_PROOF: Final = "attest/binder.tlog-proof"
TIMESTAMP: Final = "attest/binder.tsr"
ATTESTATIONS: Final = frozenset({ENVELOPE, LOG_ENTRY, LOG_PROOF, TIMESTAMP})
FORMAT_MAJOR: Final = "1"
_ROW: Final = re.compile(r"([0-9a-f]{64})  ([^\r\n]+)")
_MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Bag:
    """A bag whose files are all there and unchanged since the tag manifest was written.

    Attributes:
        digests: SHA-256 of each payload file, by path with `data/`.
        tag_manifest_digest: what the signature must be over.
        info: the labels of `bag-info.txt`.
    """

    digests: dict[str, str]
    tag_manifest_digest: str
    info: dict[str, str]


def check_format(container: Container) -> None:
    """Refuse a binder of a newer major format before anything else is expected of it.

    Raises:
        BinderUnverifiable: newer than this verifier.
        BinderMalformed, BinderFailed: `bag-info.txt` is missing or unreadable.
    """
    version = read_bag_info(container).get("Binder-Format", "")
    if not re.fullmatch(r"[0-9]+\.[0-9]+", version):
        raise BinderMalformed("no Binder-Format of the form 1.0", member=BAG_INFO)
    if version.partition(".")[0] != FORMAT_MAJOR:
        raise BinderUnverifiable(f"format {version} is not known; get a newer verifier", member=BAG_INFO)


def read_bag_info(container: Container) -> dict[str, str]:
    """Return the labels of `bag-info.txt`. Raises `BinderMalformed` for a line that is none."""
    labels: dict[str, str] = {}
    for line in _lines(container, BAG_INFO):
        label, colon, value = line.partition(": ")
        if not colon or label in labels:
            raise BinderMalformed(f"not a label and value, or given twice: {line[:80]!r}", member=BAG_INFO)
        labels[label] = value
    return labels


def check_bag(container: Container) -> tuple[Bag, list[VerifyError]]:
    """Check both manifests and hash every file, reading each once.

    Returns:
        The bag, and everything that does not hold (at most 20 files are named).

    Raises:
        BinderMalformed: a tag file is not in the form of the format.
        BinderFailed: a tag file is missing.
    """
    if container.read("bagit.txt") != BAGIT_TXT:
        raise BinderMalformed("not the two lines of BagIt 1.0 in UTF-8", member="bagit.txt")
    tags = _manifest(container, TAG_MANIFEST)
    if set(tags) != TAGGED:
        raise BinderMalformed(f"must list exactly {', '.join(sorted(TAGGED))}", member=TAG_MANIFEST)
    digests = _manifest(container, MANIFEST)
    if any(not path.startswith("data/") for path in digests):
        raise BinderMalformed("lists a file outside data/", member=MANIFEST)
    problems = [*_set_problems(container, digests), *_digest_problems(container, {**tags, **digests})]
    info = read_bag_info(container)
    problems.extend(_oxum_problems(container, digests, info))
    bag = Bag(digests=digests, tag_manifest_digest=container.digest(TAG_MANIFEST), info=info)
    return bag, problems[:_MOST_NAMED]


def _manifest(container: Container, member: str) -> dict[str, str]:
    rows: dict[str, str] = {}
    for line in _lines(container, member):
        found = _ROW.fullmatch(line)
        if found is None or found[2] in rows:
            raise BinderMalformed(f"not a digest and a path, or given twice: {line[:90]!r}", member=member)
        rows[found[2]] = found[1]
    return rows


def _lines(container: Container, member: str) -> list[str]:
    """Return the lines of a tag file, each of which ends with a line feed and with nothing else."""
    try:
        text = container.read(member).decode()
    except UnicodeDecodeError as exc:
        raise BinderMalformed("not UTF-8", member=member) from exc
    if text.startswith("\ufeff") or "\r" in text:
        raise BinderMalformed("has a byte order mark or carriage returns", member=member)
    if not text.endswith("\n"):
        raise BinderMalformed("must end with a line feed", member=member)
    return text[:-1].split("\n")


def _set_problems(container: Container, digests: dict[str, str]) -> list[VerifyError]:
    expected = set(digests) | TAGGED | {TAG_MANIFEST, ENVELOPE}
    present = set(container.members)
    missing = [BinderFailed("missing from the binder", member=path) for path in sorted(expected - present)]
    unlisted = [
        BinderFailed("is in the binder but in no manifest", member=path)
        for path in sorted(present - expected - ATTESTATIONS)
    ]
    return [*missing, *unlisted]


def _digest_problems(container: Container, digests: dict[str, str]) -> list[VerifyError]:
    problems: list[VerifyError] = []
    for path, digest in sorted(digests.items()):
        if path not in container.members:
            continue
        try:
            if container.digest(path) != digest:
                problems.append(
                    BinderFailed("is not the file that was listed: its SHA-256 differs", member=path)
                )
        except BinderFailed as exc:
            problems.append(exc)
    return problems


def _oxum_problems(container: Container, digests: dict[str, str], info: dict[str, str]) -> list[VerifyError]:
    sizes = [container.members[path].size for path in digests if path in container.members]
    if info.get("Payload-Oxum") == f"{sum(sizes)}.{len(sizes)}":
        return []
    return [BinderFailed("Payload-Oxum is not the size and number of the files", member=BAG_INFO)]
