"""The Celery application. Which task goes to which queue is in `settings.CELERY_TASK_ROUTES`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tracebinder")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
