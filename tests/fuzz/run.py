"""`make fuzz`: every target for a set time, guided by coverage. Exits with 1 where an error escaped.

    python -m tests.fuzz.run [--seconds 60] [target ...]

What libFuzzer finds is kept below `var/fuzz/<target>`: the corpus it grew, and the input of a finding.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.fuzz.targets import TARGETS

REPOSITORY: Final = Path(__file__).resolve().parent.parent.parent
MAX_INPUT: Final = 32 * 1024  # bytes
LONGEST_RUN: Final = 30  # seconds one input may take; longer is a finding
WORDS: Final = [  # that bytes changed at random seldom make: what JSON, YAML and their readers stumble over
    r"\\u0000", r"\\ud800", "NaN", "Infinity", "1e999", "-0", "18446744073709551616", r"[[[[[[[[", r"{\"a\":",
    "null", "true", r"\xEF\xBB\xBF", r"\x00", r"\xFF", "&a", "*a", "!!python/object", "<<: ", "---", r"\xC2\x85",
]  # fmt: skip
MEMORY: Final = 2048  # MiB; more is a finding


def main() -> int:
    """Run the chosen targets one after the other and return how many had a finding."""
    options = _read_options()
    failed = [name for name in options.targets or TARGETS if _run(name, options.seconds) != 0]
    sys.stdout.write(f"findings in: {', '.join(failed)}\n" if failed else "nothing escaped\n")
    return len(failed)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="names of targets; all by default")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    return parser.parse_args()


def _run(name: str, seconds: int) -> int:
    """Fuzz one target in a process of its own: libFuzzer ends the process it runs in."""
    folder = Path(os.environ.get("TRACEBINDER_VAR", REPOSITORY / "var")).resolve() / "fuzz" / name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{word}"\n' for word in WORDS), encoding="ascii")
    sys.stdout.write(f"--- {name}: {seconds} s, corpus and findings in {folder}\n")
    sys.stdout.flush()
    options = [
        f"-max_total_time={seconds}", f"-max_len={MAX_INPUT}", f"-timeout={LONGEST_RUN}",
        f"-rss_limit_mb={MEMORY}", f"-artifact_prefix={folder}/", f"-dict={words}",
        "-print_final_stats=1", "-verbosity=0",
    ]  # fmt: skip
    command = [sys.executable, "-m", "tests.fuzz.one", name, *options, str(corpus)]
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'client'}"}
    return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
