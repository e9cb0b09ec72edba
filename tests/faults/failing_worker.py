"""A worker with one task that does not end: run by `test_worker_end.py` with the broker's address and a folder."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from celery import Celery

from config import worker_end

app = Celery("failing", broker=sys.argv[1] if len(sys.argv) > 2 else None)
app.conf.broker_connection_retry_on_startup = True
app.steps["worker"].add(worker_end.EndWhenFailed)

vars(worker_end)["GRACE"] = 1.0  # seconds


@app.task(name="never_end", ignore_result=True)
def never_end(folder: str) -> None:
    Path(folder, "running").touch()
    while True:
        time.sleep(1)


if __name__ == "__main__":
    never_end.delay(sys.argv[2])
    command = ["worker", "--loglevel", "WARNING", "-c", "1", "--without-gossip", "--without-mingle"]
    app.worker_main(command)
