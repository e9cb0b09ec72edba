"""The auditor's part: export, verify offline, and see a changed byte refused."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from examples.common.copilot import Copilot
from examples.demo.api import Api
from examples.demo.command_line import Told, verify


@dataclass(frozen=True, slots=True)
class Verified:
    """A binder, and what the verifier said of it and of a changed copy."""

    path: Path
    size: int  # bytes
    files: int
    told: Told
    tampered_member: str
    tampered: Told

    @property
    def accepted(self) -> bool:
        """Whether the binder as exported was accepted."""
        return self.told.code == 0

    @property
    def tampered_refused(self) -> bool:
        """Whether the changed copy was refused as failed, not as unreadable."""
        return self.tampered.code == 1


def export_and_verify(
    auditor: Api, copilot: Copilot, baseline: str, *, period: tuple[datetime, datetime], folder: Path
) -> Verified:
    """Export a binder over the API, verify it with the client, then change one byte of one member and verify that."""
    made = auditor.post(
        "binders",
        {
            "system": copilot.key,
            "release": copilot.release,
            "baseline": baseline,
            "period_from": period[0].isoformat(),
            "period_to": period[1].isoformat(),
        },
    )
    path = folder / made["file_name"]
    path.write_bytes(auditor.get_bytes(f"binders/{made['id']}/download"))
    sidecar = folder / f"{made['file_name']}.intoto.jsonl"
    sidecar.write_bytes(auditor.get_bytes(f"binders/{made['id']}/sidecar"))
    trust = folder / "trust.json"
    trust.write_text(json.dumps(auditor.get("trust"), indent=2), encoding="utf-8")
    told = verify(path, trust, "--sidecar", str(sidecar))
    changed, member = _change_one_byte(path)
    with zipfile.ZipFile(path) as archive:
        files = len(archive.namelist())
    return Verified(path, path.stat().st_size, files, told, member, verify(changed, trust))


def _change_one_byte(path: Path) -> tuple[Path, str]:
    """Write a copy in which one byte of one citation file (or, without one, of the front page) is another."""
    changed = path.with_suffix(".changed.zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed, "w") as target:
        names = source.namelist()
        citations = [
            entry.filename
            for entry in source.infolist()
            if "/data/citations/" in entry.filename and entry.file_size
        ]
        member = (
            citations[0] if citations else next(name for name in names if name.endswith("/data/index.html"))
        )
        for name in names:
            data = bytearray(source.read(name))
            if name == member:
                data[len(data) // 2] ^= 1
            target.writestr(name, bytes(data))
    return changed, member
