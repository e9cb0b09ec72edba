"""What it takes to plan and import requirement files, again without a change, and with one.

    python -m bench.requirements [--sizes 100 1000 5000 10000] [--peers FOLDER] [--json]

It runs in a folder of its own with its own PostgreSQL. Each size is a file of its own system, in two languages with one
criterion each. CPU seconds are of this process alone and leave the database out; seconds are those that pass.
With `--peers`, an environment in which `doorstop` and `strictdoc` are installed, the same requirements are written as a
tree of theirs and checked by them, in the same run; CPU seconds there are of their processes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.reads import SYSTEM
from bench.server import prepare_database
from config import embedded

SIZES: Final = (100, 1_000, 5_000, 10_000)
_PEERS_UP_TO: Final = 1_000  # requirements: more take them minutes
_STRICTDOC: Final = ["strictdoc", "export", "."]
_LIMIT: Final = 600  # seconds for a peer

_HEAD: Final = "format: tracebinder.requirements/1\nrequirements:\n"
_ENTRY: Final = """\
  - key: {system}-{n:05}
    statement:
      en: Each answer about product {n} must cite a source in which its quote is found.
      zh-Hans: 关于产品{n}的每个回答必须引用能查到其原文的来源。
    rationale: A reader can check an answer only against the text it rests on, case {n}.
    risk_tier: high
    layer: grounding
    owner: product-owner
    review_every_days: {days}
    criteria:
      - key: supported
        check: citations.material_supported
        parameters: {{min_score: 0.9}}
        at_least: 0.8
        min_n: 60
        max_age_days: 90
        slices: [{{language: en}}, {{language: zh-Hans}}]
"""


def main() -> None:
    """Run the benchmark and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="requirements of a file")
    parser.add_argument("--peers", type=Path, help="environment with doorstop and strictdoc")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tracebinder-bench-"))
    try:
        with embedded.running(folder, valkey=False):
            prepare_database(folder, SYSTEM)
            rows = _measure(folder, options.sizes)
        if options.peers:
            rows += _measure_peers(folder, options.peers, min(max(options.sizes), _PEERS_UP_TO))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result = {"load_average_1_minute": round(os.getloadavg()[0], 1), "rows": rows}
    print(json.dumps(result) if options.json else _format_table(result))


def write_file(system: str, size: int, *, days: int = 180) -> bytes:
    """Return a file of so many requirements."""
    return (_HEAD + "".join(_ENTRY.format(system=system, n=n, days=days) for n in range(size))).encode()


def _measure(folder: Path, sizes: list[int]) -> list[dict[str, Any]]:
    """Plan, import, import again, and import with one requirement changed, at each size."""
    os.environ.update({"TRACEBINDER_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "config.settings"})
    import django  # noqa: PLC0415  # settings read the folder

    django.setup()
    from bench.requirement_imports import Importer  # noqa: PLC0415  # likewise

    rows = []
    for size in sizes:
        importer = Importer(f"bench-{size}", SYSTEM)
        source = write_file("R", size)
        changed = source.replace(b"must cite a source", b"must name a source", 1)
        acts = (
            ("plan", importer.plan, source),
            ("import", importer.load, source),
            ("import again, unchanged", importer.load, source),
            ("plan, one changed", importer.plan, changed),
            ("import, one changed", importer.load, changed),
        )
        for name, act, file in acts:
            statements, seconds, cpu = importer.measure(act, file)
            rows.append(_row(name, size, seconds, cpu, statements))
    return rows


def _row(what: str, size: int, seconds: float, cpu: float, statements: int | None = None) -> dict[str, Any]:
    return {
        "what": what, "requirements": size, "seconds": seconds, "cpu_seconds": cpu, "statements": statements,
    }  # fmt: skip


def _measure_peers(folder: Path, environment: Path, size: int) -> list[dict[str, Any]]:
    """Have the peers that are installed read the same requirements, as a tree of theirs."""
    rows = []
    for name, make, commands in (
        ("doorstop", _write_doorstop, {"check": ["doorstop"], "publish": ["doorstop", "publish", "all", "out"]}),
        ("strictdoc", _write_strictdoc, {"html": _STRICTDOC, "html again": _STRICTDOC}),
    ):  # fmt: skip
        if not (environment / "bin" / name).exists():
            continue
        tree = folder / name
        tree.mkdir()
        make(tree, size)
        for what, command in commands.items():
            seconds, cpu = _run_peer(tree, [str(environment / "bin" / command[0]), *command[1:]])
            rows.append(_row(f"{name} {what}", size, seconds, cpu))
    return rows


def _write_doorstop(tree: Path, size: int) -> None:
    """Write a document of items, and one of tests that each link to two of them."""
    subprocess.run(["git", "init", "-q", str(tree)], check=True)  # doorstop wants a repository
    for prefix, parent in (("REQ", None), ("TST", "REQ")):
        folder = tree / prefix.lower()
        folder.mkdir()
        below = f"  parent: {parent}\n" if parent else ""
        settings = f"settings:\n  digits: 5\n  prefix: {prefix}\n  sep: ''\n{below}"
        (folder / ".doorstop.yml").write_text(settings, encoding="utf-8")
        for n in range(size):
            links = (
                f"links:\n- REQ{n:05}: null\n- REQ{(n + 1) % size:05}: null\n" if parent else "links: []\n"
            )
            text = f"Each answer about product {n} must cite a source in which its quote is found."
            (folder / f"{prefix}{n:05}.yml").write_text(
                f"active: true\nderived: false\nheader: ''\nlevel: 1.{n}\n{links}normative: true\nref: ''\n"
                f"reviewed: null\ntext: |\n  {text}\n",
                encoding="utf-8",
            )


def _write_strictdoc(tree: Path, size: int) -> None:
    """Write a document of requirements of which each has two parents."""
    parts = ["[DOCUMENT]\nTITLE: Requirements\n"]
    for n in range(size):
        parents = "".join(
            f"- TYPE: Parent\n  VALUE: REQ-{parent:05}\n" for parent in (n - 1, n - 2) if parent >= 0
        )
        relations = f"RELATIONS:\n{parents}" if parents else ""
        parts.append(
            f"\n[REQUIREMENT]\nUID: REQ-{n:05}\nTITLE: Product {n}\nSTATEMENT: >>>\n"
            f"Each answer about product {n} must cite a source in which its quote is found.\n<<<\n{relations}"
        )
    (tree / "requirements.sdoc").write_text("".join(parts), encoding="utf-8")


def _run_peer(tree: Path, command: list[str]) -> tuple[float, float]:
    """Return the seconds and CPU seconds of a command."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, cwd=tree, check=True, capture_output=True, timeout=_LIMIT)  # the peers
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return round(time.perf_counter() - began, 2), round(cpu, 2)


def _format_table(result: dict[str, Any]) -> str:
    lines = [f"load average {result['load_average_1_minute']}", ""]
    lines.append(f"{'what':28} {'requirements':>12} {'seconds':>9} {'CPU s':>8} {'statements':>11}")
    lines += [
        f"{row['what']:28} {row['requirements']:>12,} {row['seconds']:>9.2f} {row['cpu_seconds']:>8.2f} "
        f"{'' if row['statements'] is None else row['statements']:>11}"
        for row in result["rows"]
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
