"""The WSGI application."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

import config.urls  # noqa: E402, F401  # once the apps are loaded; the first request would load it
from config.garbage import collect_seldom  # noqa: E402  # likewise
from config.starting import look_before_serving  # noqa: E402  # likewise

look_before_serving()
collect_seldom()
