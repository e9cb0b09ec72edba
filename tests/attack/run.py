"""`make attack`: every attack against a running copy of its own; the figures go into docs/reference/security.md.

    python -m tests.attack.run [matrix writes binders owner bombs] [--cases 10000] [--no-page]

It ends with 1 where an attack found something, which is named.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

from tests.attack.page import write_figures
from tests.attack.running import Copy, running_copy
from tests.client.both import NO_NODE

THREADS: Final = 6  # that ask at once: the web process must not be what waits
_CALLERS: Final = {
    "own": "of the tenant itself",
    "other": "of another tenant, or of none",
    "nobody": "anonymous, or a token that is used up",
}


@dataclass(frozen=True)
class Outcome:
    """What one part found: sentences with figures for the page, and faults."""

    lines: list[str]
    faults: list[str]


def attack_addresses(copy: Copy, asked: argparse.Namespace) -> Outcome:
    """Carry out the address matrix."""
    from tests.attack.addresses import addresses_of
    from tests.attack.matrix import METHODS, run_matrix  # needs Django
    from tests.attack.running import empty
    from tests.attack.tenants import make_tenants

    empty()
    tenants = make_tenants()
    paths = list(addresses_of(tenants.victim))
    found = run_matrix(copy.send(), tenants, paths=paths[:: asked.every], threads=THREADS)
    told = (
        f"{found.cells:,} requests: {found.addresses} of {len(paths)} addresses by {len(METHODS)} methods as "
        f"{found.callers} callers, about the rows of one tenant, which {found.words:,} words of its own give away. "
        f"To its own people {found.seen_by_own:,} answers told of them, so the attack can see; "
        f"{found.away} answers are 503: of the two addresses that lead to a provider of single sign-on, which the "
        f"copy has in its settings and nobody runs. {len(found.faults)} faults."
    )
    return Outcome(
        [told, "", *_table(("caller", "2xx", "3xx", "4xx", "5xx"), _by_caller(found.answers))], found.faults
    )


def _by_caller(answers: Counter[str]) -> Iterable[Sequence[object]]:
    for of, name in _CALLERS.items():
        yield name, *(f"{answers[f'{of} {status}xx']:,}" for status in (2, 3, 4, 5))


def attack_writes(copy: Copy, asked: argparse.Namespace) -> Outcome:
    """Take each door that writes as everybody who may not."""
    from tests.attack.scenarios import play
    from tests.attack.writes import attack_doors

    found = attack_doors(copy.send(), copy.room, every=asked.every)
    played = play(copy.send(), copy.room)
    faults = [*found.faults, *(fault for told in played.values() for fault in told)]
    told = (
        f"{found.doors} doors of acts (one of {asked.every}): {found.by_whom_it_may_not:,} attempts by people and "
        f"tokens whom the rule does not allow, {found.without_the_csrf_token} from another site by those it allows, "
        f"and {found.with_forged_columns:,} columns of ours put into bodies and forms. {found.opened} doors opened for "
        f"somebody who may. Stories of several steps: {'; '.join(played)}. {len(faults)} faults."
    )
    return Outcome([told], faults)


def attack_binders(_: Copy | None, asked: argparse.Namespace) -> Outcome:
    """Change binders at random and ask both verifiers."""
    from tests.attack import binders

    figures = binders.run(asked.cases)
    found = list(figures.values())
    told = (
        f"{sum(one.cases for one in found):,} binders in {len(figures)} classes of change: "
        f"{sum(one.cases - one.exit_codes['0'] for one in found):,} refused, the others say what they said or were "
        f"signed anew; the verifiers differ on {sum(len(one.differ) for one in found)}, and "
        f"{sum(len(one.forged) for one in found)} were accepted with another content."
    )
    faults = [
        f"{name}: the verifiers differ on seeds {one.differ[:10]}, forged {one.forged[:10]}"
        for name, one in figures.items()
        if one.differ or one.forged
    ]
    return Outcome([told], faults)


def attack_as_owner(_: Copy, __: argparse.Namespace) -> Outcome:
    """Change every column of every append-only table as the owner of the database."""
    from tests.attack.owner import tamper
    from tests.attack.running import empty
    from tests.invariants.every_table import fill_every_table

    empty()
    fill_every_table()
    found = tamper()
    told = (
        f"{found.columns} columns of {found.tables} tables changed, one at a time, and {found.whole_rows} rows "
        f"deleted, inserted or renumbered: {len(found.missed)} were missed. {len(found.refused)} more were refused by "
        "a constraint of the table itself."
    )
    return Outcome([told], found.missed)


def attack_with_bombs(copy: Copy, asked: argparse.Namespace) -> Outcome:
    """Send bodies that are dear to read to each door."""
    from tests.attack.bombs import MOST_CPU, MOST_MEMORY, send_bombs

    with copy.room() as world:
        found = send_bombs(copy.send(), world, copy.meter(), scale=asked.scale, every=asked.every)
    told = (
        f"{found.bombs:,} bodies at {len(found.kinds)} doors, of the largest sizes times {asked.scale:g}, "
        f"{len(found.faults)} faults. Allowed for one request: "
        f"{MOST_CPU:.0f} s of processor time, web and PostgreSQL together, and {MOST_MEMORY >> 20} MiB more of a "
        "process."
    )
    rows = [
        (
            f"`{door}`",
            answers.total(),
            _told(answers),
            f"{found.cpu[door]:.2f}",
            found.dearest[door],
            memory >> 20,
        )
        for (door, answers), memory in zip(found.kinds.items(), found.memory.values(), strict=True)
    ]
    heads = ("door", "bodies", "answers", "most CPU s", "by", "most MiB")
    return Outcome([told, "", *_table(heads, rows)], found.faults)


def _told(answers: Counter[str]) -> str:
    return ", ".join(f"{count} x {answer}" for answer, count in answers.most_common())


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    return [f"| {' | '.join(map(str, row))} |" for row in (heads, ["---"] * len(heads), *rows)]


PARTS: Final[dict[str, Callable[[Any, argparse.Namespace], Outcome]]] = {
    "matrix": attack_addresses,
    "writes": attack_writes,
    "binders": attack_binders,
    "owner": attack_as_owner,
    "bombs": attack_with_bombs,
}


def carry_out(name: str, copy: Copy | None, asked: argparse.Namespace) -> list[str]:
    """Carry out one part, print its figures, write them into the page, and return its faults.

    One that fails by itself has found something, too, and is no reason to leave the others out.
    """
    began = time.monotonic()
    try:
        outcome = PARTS[name](copy, asked)
    except Exception as exc:  # noqa: BLE001  # whatever it is: it is said, and the run ends with 1
        traceback.print_exc()
        outcome = Outcome([], [f"it was not carried out to its end: {exc!r}"])
    took = f"It took {time.monotonic() - began:.0f} s."
    print(f"== {name}", *outcome.lines, took, sep="\n")
    for fault in outcome.faults:
        print(f"FOUND {name}: {fault}")
    if asked.page and not outcome.faults:
        write_figures(name, [*outcome.lines, "", took])
    return outcome.faults


def part_named(text: str) -> str:
    """Return the name of a part, for argparse: its `choices` would refuse that none is named, which means all."""
    if text not in PARTS:
        raise argparse.ArgumentTypeError(f"the parts are {', '.join(PARTS)}, not {text!r}")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the parts that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", type=part_named, default=list(PARTS), metavar="part")
    parser.add_argument("--cases", type=int, default=10_000, help="changed binders")
    parser.add_argument(
        "--every", type=int, default=1, help="of so many addresses, doors and bodies one is tried"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="by which the sizes of bombs are multiplied")
    parser.add_argument(
        "--no-page", dest="page", action="store_false", help="leave docs/reference/security.md alone"
    )
    asked = parser.parse_args(arguments)
    if "binders" in asked.parts and shutil.which("node") is None:  # said now and not after an hour
        parser.error(f"{NO_NODE} Name the parts that you want.")
    faults: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copy ends with us
    alone = set(asked.parts) == {"binders"}  # which need no server
    with nullcontext() if alone else running_copy() as copy:
        for name in asked.parts:
            faults += carry_out(name, copy, asked)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
