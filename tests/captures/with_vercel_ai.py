"""The Vercel AI SDK, which runs in node: `TRACEBINDER_NODE_PACKAGES` names the folder its packages are installed in.

The folder is called as the captures are: `vercel_ai_5`, from the manifest of that name.
"""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path

from capturing import main

SCENARIOS = ("tool", "history", "title", "content_off", "failed", "embedding")


def _run(scenario: str) -> None:
    script = Path(__file__).parent / "vercel_ai.mjs"
    packages = Path(os.environ["TRACEBINDER_NODE_PACKAGES"])
    beside = packages / script.name  # node looks for packages beside the script
    beside.write_bytes(script.read_bytes())
    subprocess.run(["node", str(beside), scenario], check=True)


if __name__ == "__main__":
    main(
        Path(os.environ["TRACEBINDER_NODE_PACKAGES"]).name, {name: partial(_run, name) for name in SCENARIOS}
    )
