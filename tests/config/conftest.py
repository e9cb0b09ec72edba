"""What tests of signing in need: that nobody has tried before them."""

from __future__ import annotations

import pytest

from config.heartbeats import open_broker
from config.sign_in import throttle


@pytest.fixture
def nobody_has_tried() -> None:
    """Forget the attempts of other tests."""
    broker = open_broker()
    for key in broker.scan_iter(f"{throttle._PREFIX}*"):
        broker.delete(key)
