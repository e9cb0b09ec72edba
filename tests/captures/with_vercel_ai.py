"""The Vercel AI SDK, which runs in node: `--node FOLDER` names where its packages are installed."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from capturing import main

SCENARIOS = ("tool", "history", "title", "content_off", "failed", "embedding")


def _run(scenario: str) -> None:
    script = Path(__file__).with_suffix("").parent / "vercel_ai.mjs"
    packages = Path(os.environ["TRACEBINDER_NODE_PACKAGES"])
    beside = packages / script.name  # node looks for packages beside the script
    beside.write_bytes(script.read_bytes())
    subprocess.run(["node", str(beside), scenario], check=True)


if __name__ == "__main__":
    major = Path(os.environ["TRACEBINDER_NODE_PACKAGES"]).name
    main(major if sys.argv[1] != "--one" else "", {name: partial(_run, name) for name in SCENARIOS})
