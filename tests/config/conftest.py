"""What tests of signing in need: that nobody has tried before them."""

from __future__ import annotations

from typing import Any

import pytest

from config.heartbeats import open_broker
from config.sign_in import throttle


@pytest.fixture
def nobody_has_tried(settings: Any) -> None:
    """Forget the attempts of other tests, and make guesses quick."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    broker = open_broker()
    for key in broker.scan_iter(f"{throttle._PREFIX}*"):
        broker.delete(key)
