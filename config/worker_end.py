"""A worker that failed ends, whatever its pool does: `manage.py up`, or a container's restart policy, starts it anew.

Celery ends a worker whose main process meets an error that it cannot go on after, such as Valkey's refusal to write
while the disk is full. It first waits for the processes of its pool, and no longer reads what they tell: one that has
a result to tell waits for it, and so both wait for ever. Tasks are acknowledged late, so what was begun is done anew.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from typing import Any, Final

from celery import bootsteps

logger = logging.getLogger(__name__)

GRACE: Final = 10.0  # seconds a worker that failed has for an orderly end


class EndWhenFailed(bootsteps.StartStopStep):
    """Ends the process that is closed with an exit code of failure; one that was asked to stop has none."""

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:
        """Do nothing: there is something to do at the end."""

    def stop(self, parent: Any) -> None:
        """Do nothing: by then it may wait for ever."""

    def close(self, parent: Any) -> None:
        """Give a worker that failed some time to end by itself. Called before anything of it stops."""
        if parent.exitcode:
            processes = parent.pool.info["processes"]
            Thread(target=_end, args=[parent.exitcode, processes], daemon=True).start()


def _end(code: int, processes: Sequence[int]) -> None:
    time.sleep(GRACE)
    logger.critical(
        "the worker failed and does not come to its end: it is ended; what it was at is done anew"
    )
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    os._exit(code)
