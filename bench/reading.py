"""How much of what was asked and answered the reading tells: `python -m bench.reading --seeds 20000`.

The traces are made by `tests/evidence/trace_worlds.py` and, of kinds that cannot always be told, by `odd_worlds.py`
beside it; their makers know the truth of each. Told: question and answer are
the true ones. Flagged: what is not told is empty, and the trace says so. Wrong: another text is shown, or something is
missing without a word; the command then names the seeds and ends with 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from evidence.semconv.mapping import map_trace
from tests.evidence.odd_worlds import make_odd_world
from tests.evidence.trace_worlds import World, make_world

_UNSURE: Final = frozenset({"ambiguous_answer", "ambiguous_question", "answer_absent", "question_absent"})


class Outcome(StrEnum):
    """What became of one trace."""

    TOLD = "told"
    FLAGGED = "flagged"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the traces, in [0, 1], and the stories of those that were read wrongly."""

    n: int
    told: float
    flagged: float
    told_of_telling_roots: float  # of the traces whose root carries its output
    wrong: tuple[str, ...]


def outcome_of(world: World) -> Outcome:
    """Read one trace and compare with what its maker knows."""
    draft = map_trace(world.spans)
    codes = {flag.code for flag in draft.flags}
    is_silent = bool(world.must_flag) and world.must_flag not in codes
    if is_silent or world.n_calls not in {None, len(draft.tool_calls)}:
        return Outcome.WRONG
    told = (draft.question == world.question, draft.answer == world.answer)
    shown = (draft.question and not told[0], draft.answer and not told[1])
    if any(shown):
        return Outcome.WRONG
    if all(told):
        return Outcome.TOLD
    return Outcome.FLAGGED if codes & _UNSURE else Outcome.WRONG


def measure(seeds: Iterable[int], make: Callable[[int], World] = make_world) -> Shares:
    """Read the traces of some seeds."""
    outcomes = [(world, outcome_of(world)) for world in map(make, seeds)]
    telling = [outcome for world, outcome in outcomes if world.root_tells]
    found = [outcome for _, outcome in outcomes]
    return Shares(
        n=len(outcomes),
        told=found.count(Outcome.TOLD) / len(found),
        flagged=found.count(Outcome.FLAGGED) / len(found),
        told_of_telling_roots=telling.count(Outcome.TOLD) / max(len(telling), 1),
        wrong=tuple(world.story for world, outcome in outcomes if outcome is Outcome.WRONG),
    )


def main() -> int:
    """Print the shares; 1 where anything was read wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20_000, help="traces to read (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    shares, odd = measure(seeds), measure(seeds, make_odd_world)
    print(
        f"{shares.n} traces: {shares.told:.1%} told, {shares.flagged:.1%} flagged, {len(shares.wrong)} wrong"
    )
    print(f"where the root carries its output: {shares.told_of_telling_roots:.1%} told")
    print(
        f"{odd.n} of kinds that cannot always be told: {odd.told:.1%} told, {odd.flagged:.1%} flagged, "
        f"{len(odd.wrong)} wrong"
    )
    for story in (*shares.wrong[:20], *odd.wrong[:20]):
        print(f"wrong: {story}")
    return 1 if shares.wrong or odd.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
