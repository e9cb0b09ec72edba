"""What many requirements take: plan and import, the same again, all links checked, coverage, impact; beside peers.

    python -m bench.requirements [--sizes 100 1000 5000 10000] [--traces 1000000] [--peers FOLDER] [--json]

It runs in a folder of its own with its own PostgreSQL. Each size is one file and a system of its own, in two languages
with one criterion and two links each: to a parent, ten children of which have the same, and to one of twenty prompts.
All are approved and assessed on a release before coverage, impact and the check of links are asked of the whole API in
this process; one link in twenty is suspect. `--traces` are stored behind them, of all systems together. With `--peers`,
an environment in which `doorstop` and `strictdoc` are installed, the same tree is written as theirs and read by them,
in the same run.

CPU s are of this process, or of the peer's; database s are CPU seconds of all of PostgreSQL's processes, with what they
do in the background.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.reads import SYSTEM
from bench.server import connect_as_owner, prepare_database
from config import embedded

SIZES: Final = (100, 1_000, 5_000, 10_000)
PROMPTS: Final = 20  # of a system
_DOORSTOP: Final = {
    "check": ["doorstop"],
    "check, files left as they are": ["doorstop", "-F"],
    "publish": ["doorstop", "publish", "all", "out"],
}
_STRICTDOC: Final = ["strictdoc", "export", "."]
_LIMIT: Final = 600  # seconds for a peer

_HEAD: Final = "format: tracebinder.requirements/1\nrequirements:\n"
_ENTRY: Final = """\
  - key: R-{n:05}
    statement:
      en: Each answer about product {n} must cite a source in which its quote is found.
      zh-Hans: 关于产品{n}的每个回答必须引用能查到其原文的来源。
    rationale: A reader can check an answer only against the text it rests on, case {n}.
    risk_tier: high
    layer: grounding
    owner: product-owner
    review_every_days: {days}
    {derives}satisfies: [{{prompt: p{prompt}}}]
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
    parser.add_argument("--traces", type=int, default=0, help="stored traces behind them (default none)")
    parser.add_argument("--peers", type=Path, help="environment with doorstop and strictdoc")
    parser.add_argument(
        "--peers-up-to", type=int, default=1_000, help="most requirements that peers read (default 1,000)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tracebinder-bench-"))
    result: dict[str, Any] = {"processors": os.cpu_count(), "traces": options.traces}
    try:
        with embedded.running(folder, valkey=False):
            prepare_database(folder, SYSTEM)
            result |= _measure(folder, options.sizes, options.traces)
        if options.peers:
            for size in options.sizes:
                if size <= options.peers_up_to:
                    result["rows"] += _measure_peers(folder, options.peers, size)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result["load_average_1_minute"] = round(os.getloadavg()[0], 1)
    print(json.dumps(result) if options.json else _format_table(result))


def write_file(size: int, *, days: int = 180) -> bytes:
    """Return a file of so many requirements, each but the first with a parent, and each with a prompt."""
    entries = (
        _ENTRY.format(
            n=n, days=days, prompt=prompt_of(n), derives=f"derives: [R-{parent_of(n):05}]\n    " if n else ""
        )
        for n in range(size)
    )
    return (_HEAD + "".join(entries)).encode()


def parent_of(n: int) -> int:
    """Return the number of the requirement that number n derives from."""
    return n // 10


def prompt_of(n: int) -> int:
    """Return the number of the prompt that satisfies number n."""
    return n % PROMPTS


def _measure(folder: Path, sizes: list[int], traces: int) -> dict[str, Any]:
    """Return what each act takes at each size, and how long the traces took to store."""
    os.environ.update({"TRACEBINDER_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "config.settings"})
    (folder / "static").mkdir(exist_ok=True)  # WhiteNoise warns of a missing folder
    import django  # noqa: PLC0415  # settings read the folder

    django.setup()
    import config.urls  # noqa: F401, PLC0415  # likewise
    from bench.requirement_acts import Bench, fill_traces, measure  # noqa: PLC0415  # likewise
    from config.garbage import collect_seldom  # noqa: PLC0415  # likewise

    collect_seldom()  # as a web process does

    rows = []
    with connect_as_owner(folder) as owner:
        benches = {size: Bench(f"bench-{size}", SYSTEM) for size in sizes}
        filled = fill_traces(owner, list(benches.values()), traces) if traces else 0.0
        for size, bench in benches.items():
            source = write_file(size)
            changed = source.replace(
                b"must cite a source", b"must name a source", 1
            )  # of what all derive from

            def timed(what: str, act: Callable[[], None], size: int = size) -> None:
                taken = measure(act)
                rows.append({"what": what, "requirements": size, **asdict(taken)})

            timed("plan", partial(bench.plan, source))
            timed("import", partial(bench.load, source))
            timed("import again, unchanged", partial(bench.load, source))
            bench.settle(owner)
            owner.execute("VACUUM ANALYZE")
            bench.impact()  # the first request of a process loads what all of them need
            timed("impact of a release", bench.impact)
            bench.put_next_live()
            timed("all links checked", bench.check_suspects)
            timed("coverage matrix", bench.cover)
            timed("plan, the first changed", partial(bench.plan, changed))
            timed("import, the first changed", partial(bench.load, changed))
    return {"fill_seconds": filled, "rows": rows}


def _row(what: str, size: int, seconds: float, cpu: float) -> dict[str, Any]:
    return {"what": what, "requirements": size, "seconds": seconds, "cpu_seconds": cpu}


def _measure_peers(folder: Path, environment: Path, size: int) -> list[dict[str, Any]]:
    """Have the peers that are installed read the same requirements, as a tree of theirs."""
    rows = []
    for name, make, commands in (
        ("doorstop", _write_doorstop, _DOORSTOP),
        ("strictdoc", _write_strictdoc, {"html": _STRICTDOC, "html again": _STRICTDOC}),
    ):
        if not (environment / "bin" / name).exists():
            continue
        tree = folder / f"{name}-{size}"
        tree.mkdir()
        make(tree, size)
        for what, command in commands.items():
            seconds, cpu = _run_peer(tree, [str(environment / "bin" / command[0]), *command[1:]])
            rows.append(_row(f"{name} {what}", size, seconds, cpu))
    return rows


def _write_doorstop(tree: Path, size: int) -> None:
    """Write the prompts as one document, and the requirements as another with two links each."""
    subprocess.run(["git", "init", "-q", str(tree)], check=True)  # doorstop wants a repository
    for prefix, parent, items in (("PRM", "", PROMPTS), ("REQ", "PRM", size)):
        folder = tree / prefix.lower()
        folder.mkdir()
        below = f"  parent: {parent}\n" if parent else ""
        settings = f"settings:\n  digits: 5\n  prefix: {prefix}\n  sep: ''\n{below}"
        (folder / ".doorstop.yml").write_text(settings, encoding="utf-8")
        for n in range(items):
            ends = [*([f"REQ{parent_of(n):05}"] if n else []), f"PRM{prompt_of(n):05}"] if parent else []
            links = "links:\n" + "".join(f"- {end}: null\n" for end in ends) if ends else "links: []\n"
            text = f"Each answer about product {n} must cite a source in which its quote is found."
            (folder / f"{prefix}{n:05}.yml").write_text(
                f"active: true\nderived: false\nheader: ''\nlevel: 1.{n}\n{links}normative: true\nref: ''\n"
                f"reviewed: null\ntext: |\n  {text}\n",
                encoding="utf-8",
            )


def _write_strictdoc(tree: Path, size: int) -> None:
    """Write a document of the prompts and of requirements with two parents each."""
    parts = ["[DOCUMENT]\nTITLE: Requirements\n"]
    for prefix, items in (("PRM", PROMPTS), ("REQ", size)):
        for n in range(items):
            ends = [*([f"REQ-{parent_of(n):05}"] if n else []), f"PRM-{prompt_of(n):05}"]
            parents = "".join(f"- TYPE: Parent\n  VALUE: {end}\n" for end in ends)
            relations = f"RELATIONS:\n{parents}" if prefix == "REQ" else ""
            parts.append(
                f"\n[REQUIREMENT]\nUID: {prefix}-{n:05}\nTITLE: Product {n}\nSTATEMENT: >>>\n"
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
    lines = [
        f"{result['processors']} processors, load average {result['load_average_1_minute']}",
        f"{result['traces']:,} traces stored in {result['fill_seconds']} s",
        "",
        f"{'what':36} {'requirements':>12} {'seconds':>9} {'CPU s':>8} {'database s':>11} {'statements':>11}",
    ]
    lines += [
        f"{row['what']:36} {row['requirements']:>12,} {row['seconds']:>9.2f} {row['cpu_seconds']:>8.2f} "
        f"{row.get('database_seconds', ''):>11} {row.get('statements', ''):>11}"
        for row in result["rows"]
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
