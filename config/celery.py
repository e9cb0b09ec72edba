"""The Celery application. Which task goes to which queue is in `settings.CELERY_TASK_ROUTES`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, task_prerun, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# They would load every page into every worker; web processes and `make check` run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("tracebinder")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _say_what_is_wrong(**_: Any) -> None:
    from config.starting import say_what_is_wrong  # noqa: PLC0415  # Django is not set up when this file is read

    say_what_is_wrong()


@task_prerun.connect(weak=False, dispatch_uid="config.heartbeats")
def _note_message(task: Any = None, **_: Any) -> None:
    from config.heartbeats import note_message  # noqa: PLC0415  # likewise

    note_message((task.request.delivery_info or {}).get("routing_key", ""))


for _signal in (worker_ready, beat_init):
    _signal.connect(_say_what_is_wrong, weak=False, dispatch_uid="config.starting")
