"""The Celery application. Which task goes to which queue is in `settings.CELERY_TASK_ROUTES`."""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, task_prerun, worker_init, worker_ready

from config.garbage import collect_seldom
from config.worker_end import EndWhenFailed

logger = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# They would load every page into every worker; web processes and `make check` run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("tracebinder")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(EndWhenFailed)


def _look_before_serving(**_: Any) -> None:
    from config.env import ConfigurationError  # noqa: PLC0415  # Django is not set up when this file is read
    from config.starting import look_before_serving  # noqa: PLC0415  # likewise

    try:
        look_before_serving()
    except ConfigurationError as exc:
        logger.critical("%s", exc)
        raise SystemExit(1) from exc  # Celery would log any other exception of a receiver, and go on


@worker_init.connect(weak=False, dispatch_uid="config.garbage")
def _collect_seldom(**_: Any) -> None:
    """Once all is loaded, and before the processes are forked that work."""
    collect_seldom(forks=True)


@worker_ready.connect(weak=False, dispatch_uid="config.keys")
def _publish_keys(**_: Any) -> None:
    from config.starting import publish_keys  # noqa: PLC0415  # likewise

    publish_keys()


@task_prerun.connect(weak=False, dispatch_uid="config.heartbeats")
def _note_message(task: Any = None, **_: Any) -> None:
    from config.heartbeats import note_message  # noqa: PLC0415  # likewise

    note_message((task.request.delivery_info or {}).get("routing_key", ""))


for _signal in (worker_ready, beat_init):
    _signal.connect(_look_before_serving, weak=False, dispatch_uid="config.starting")
