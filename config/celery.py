"""The Celery application. Which task goes to which queue is in `settings.CELERY_TASK_ROUTES`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# They would load every page into every worker; web processes and `make check` run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("tracebinder")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
