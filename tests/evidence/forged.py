"""Binders that a dishonest producer would hand out: changed after the export, and signed anew with the right key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from evidence.models import Binder
from tests.client.binders import KeyPair, describe_anew, relist, repack, resign
from tests.evidence.binder_world import verify
from tests.evidence.kept_binders import KeptBinder, keep
from tracebinder.verify import Report

Lines = list[dict[str, Any]]
_OF_THE_LOG = ("attest/binder.log-entry.json", "attest/binder.tlog-proof")


_NEEDS_A_LOG = {"log", "requireAuditSlice", "requireSidecar"}


def verify_forged(
    folder: Path,
    binder: Binder | KeptBinder,
    edits: Mapping[str, Callable[[Lines], object]],
    *,
    without: str = "",
) -> Report:
    """Verify a binder in which the objects of some files, by path below `data/`, were changed in place.

    Args:
        without: a file that is left out.
    """
    kept = binder if isinstance(binder, KeptBinder) else keep(binder)
    members = {path: content for path, content in kept.members.items() if path not in _OF_THE_LOG}
    for path, edit in edits.items():
        rows: Lines = [json.loads(line) for line in members[f"data/{path}"].splitlines()]
        edit(rows)
        members[f"data/{path}"] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    if without:
        del members[f"data/{without}"]
        crate = json.loads(members["data/ro-crate-metadata.json"])
        crate["@graph"] = [entity for entity in crate["@graph"] if entity["@id"] != without]
        members["data/ro-crate-metadata.json"] = json.dumps(crate).encode()
    members = relist(describe_anew(members))

    def count_again(statement: dict[str, object]) -> None:
        predicate = cast("dict[str, Any]", statement["predicate"])
        predicate["log"] = None
        predicate["populations"] = [one for one in predicate["populations"] if one["path"] != without]
        for entry in predicate["populations"]:
            content = members[f"data/{entry['path']}"]
            entry.update(count=content.count(b"\n"), digest=hashlib.sha256(content).hexdigest())

    members = resign(members, signers=[cast("KeyPair", kept.signer)], change=count_again)
    trusted = {key: value for key, value in kept.trusted.items() if key not in _NEEDS_A_LOG}
    return verify(folder, repack(members, top=kept.top), trusted=trusted)
