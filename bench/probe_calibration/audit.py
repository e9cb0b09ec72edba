"""The blind audit: models of which the hunter knows nothing, drawn after it was committed.

The hunter is the committed code. Its commit is read first, a random number is drawn then and no sooner, and both are
kept: whoever changes the hunter afterwards has another commit, and draws anew.
"""

from __future__ import annotations

import json
import random
import secrets
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.probe_calibration.cases import KINDS, Kind
from bench.probe_calibration.runs import measure

CODE: Final = ("interpret", "bench/probe_calibration", "tests/probes/zoo", "evidence/statistics")
COPIES: Final = 10  # planted ones, and as many clean ones
ROOT: Final = Path(__file__).parents[2]


class NotCommitted(Exception):
    """The hunter has changes that no commit holds."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn for which hunter."""

    commit: str
    trees: tuple[str, ...]  # of `CODE`: the hunter itself
    seed: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """One model: what it is, which nobody told the hunter, and what the hunter said."""

    number: int
    kind: str
    planted: bool
    found: bool


def draw(file: Path) -> Draw:
    """Return the audit's draw for the hunter as it is committed, drawn now where there is none.

    Raises:
        NotCommitted: the hunter's code has changes that are not committed.
    """
    if changes := _git("status", "--porcelain", "--", *CODE):
        raise NotCommitted(
            f"commit these first, so that the draw comes after the hunter: {changes.splitlines()[0]}"
        )
    trees = tuple(_git("rev-parse", f"HEAD:{path}") for path in CODE)
    if file.exists():
        kept = json.loads(file.read_text(encoding="utf-8"))
        before = Draw(kept["commit"], tuple(kept["trees"]), kept["seed"])
        if before.trees == trees:
            return before
    drawn = Draw(_git("rev-parse", "HEAD"), trees, secrets.randbits(64))
    file.write_text(json.dumps(asdict(drawn)), encoding="utf-8")
    return drawn


def models_of(drawn: Draw) -> list[tuple[Kind, int]]:
    """Return the models of a draw, planted and clean ones among each other."""
    order = random.Random(drawn.seed)  # of a seed that is on record, so that others draw the same
    small = [kind for kind in KINDS if not (kind.real or kind.same)]
    sides = [[kind for kind in small if kind.planted], [kind for kind in small if not kind.planted]]
    models = [(order.choice(side), order.getrandbits(31)) for side in sides for _ in range(COPIES)]
    order.shuffle(models)
    return models


def hunt(number: int, kind: Kind, seed: int, store: Path) -> Verdict:
    """Say whether the probe finds the mechanism: that an ablation is supported, whichever heads it names."""
    run = measure(kind, seed, store)
    found = any(
        told.status == "supported" and told.rung in ("interventional", "replicated") for told in run.findings
    )
    return Verdict(number, kind.name, kind.planted, found)


def _git(*arguments: str) -> str:
    out = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return out.stdout.strip()
