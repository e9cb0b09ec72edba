"""`tracebinder redraw SAMPLE.json --trust trust.json`: draw a sample of reviews again, offline.

From the plan, the list of answers that was frozen and the log's checkpoint, it verifies that plan and list were in the
log in the order that leaves nobody a choice, computes the seed and the ids anew, and says whether the same answers were
drawn. With --kept a checkpoint that was passed over is found out, if it was kept (`tracebinder checkpoint`).

Exit codes: 0 the same, 1 another sample or a proof that does not hold, 2 not readable, 64 wrong usage.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.server import read_file
from tracebinder.cli.table import print_line
from tracebinder.errors import TracebinderError
from tracebinder.verify.errors import VerifyError
from tracebinder.verify.kept import load_kept
from tracebinder.verify.sampling import Redrawn, Sampled, redraw
from tracebinder.verify.trust import load_trust

WRONG_USAGE: Final = 64  # as of `verify`
_SHOWN: Final = 10  # ids that differ


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "redraw",
        purpose="draw a sample of reviews again, offline",
        description=__doc__,
        run=run,
        error_code=2,
    )
    parser.set_defaults(usage_code=WRONG_USAGE)
    parser.add_argument("sample", type=Path, metavar="SAMPLE.json", help="the file that the server gives")
    parser.add_argument("--trust", type=Path, required=True, help="trust.json, which names the log's key")
    parser.add_argument(
        "--kept", type=Path, help="file of kept checkpoints, as `tracebinder checkpoint` makes it"
    )
    parser.add_argument("--ids", action="store_true", help="print each answer drawn again")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Draw again, print what came of it, and return the exit code."""
    log = load_trust(arguments.trust).log
    if log is None:
        raise TracebinderError("the trust file names no log whose checkpoint could have drawn a sample")
    kept = load_kept(arguments.kept, log) if arguments.kept is not None else []
    try:
        found = redraw(read_file(arguments.sample), log, kept=kept)
    except VerifyError as exc:
        if arguments.json:
            print(json_text({"same": False, "refused": str(exc)}))
        else:
            print_line(f"REFUSED: {exc}")
        return exc.exit_code
    if arguments.json:
        print(json_text(_as_dict(found)))
    else:
        _print(found, ids=arguments.ids)
    return 0 if found.is_same else 1


def _as_dict(found: Redrawn) -> dict[str, object]:
    return {
        "same": found.is_same,
        "plan": found.plan.digest,
        "answers": found.population_size,
        "checkpoint": {"size": found.checkpoint_size, "root": found.checkpoint_root.hex()},
        "seed": found.seed,
        "n": found.n,
        "drawn": [list(each) for each in found.sample],
    }


def _print(found: Redrawn, *, ids: bool) -> None:
    print_line("the same sample" if found.is_same else "ANOTHER SAMPLE")
    print_line(f"plan {found.plan.digest} of {found.plan.system}")
    print_line(
        f"{found.n} of {found.population_size} answers, and {len(found.sample) - found.n} besides for their strata"
    )
    print_line(f"checkpoint over {found.checkpoint_size} leaves, root {found.checkpoint_root.hex()}")
    print_line(f"seed {found.seed}")
    for each in _different(found)[:_SHOWN]:
        print_line(each)
    for answer, stratum, of_whole in found.sample if ids else ():
        print_line(f"{answer}\t{stratum}\t{'all' if of_whole else 'stratum'}")


def _different(found: Redrawn) -> list[str]:
    """Say which answers were drawn by one alone, or in which order where they are the same."""
    ours, theirs = set(found.sample), set(found.claimed)
    lines = [f"only here: {_name(each)}" for each in found.sample if each not in theirs]
    lines += [f"only in the file: {_name(each)}" for each in found.claimed if each not in ours]
    return lines or ([] if found.is_same else ["the same answers, in another order"])


def _name(each: Sampled) -> str:
    answer, stratum, of_whole = each
    return f"{answer} {stratum} {'of all' if of_whole else 'of its stratum'}"
