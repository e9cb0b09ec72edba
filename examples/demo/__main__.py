"""`make demo`. Every figure it prints was measured in this run."""

from __future__ import annotations

import logging
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ["TRACEBINDER_PROCESS"] = "worker"  # the rights of the product, not of its owner
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from rich.console import Console  # after the environment is set

from examples.demo import stack
from examples.run import load_model

START = "start the product; meanwhile fetch and load the model"
PLAIN_WIDTH = 140  # columns where the output goes to a file


def main() -> int:
    """Run the demo; return 0 when everything that it is meant to show was seen."""
    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG
    started = time.monotonic()
    console.rule("[bold]Tracebinder")
    from django.conf import settings  # noqa: PLC0415  # reading settings makes the embedded servers' plan

    var: Path = settings.VAR
    console.print(f"[bold cyan]•[/] {START}")
    try:
        with ThreadPoolExecutor(1) as beside:
            loading = beside.submit(load_model, var / "models", console)
            with stack.running(var) as running:
                import django  # noqa: PLC0415  # the database is there only now

                django.setup()
                from examples.demo.story import tell  # noqa: PLC0415  # imports models

                generator = loading.result()
                seconds = {START: time.monotonic() - started}
                complete = tell(running, generator, seconds, var, console)
    except stack.StackError as exc:
        console.print(f"[red]{exc}[/]")
        return 1
    console.print(f"{time.monotonic() - started:.0f} s in all, without installing.")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
