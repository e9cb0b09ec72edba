"""The worked copilots, by system key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from examples.aml_copilot import copilot as aml_copilot
from examples.common.copilot import Copilot
from examples.credit_assistant import copilot as credit_assistant
from examples.customer_service import copilot as customer_service

COPILOTS: Final[dict[str, Callable[[], Copilot]]] = {
    "credit-assistant": credit_assistant.load,
    "aml-copilot": aml_copilot.load,
    "customer-service": customer_service.load,
}


def load_named(name: str) -> list[Copilot]:
    """Return the copilot of this system key, or every one for `all`.

    Raises:
        KeyError: there is none of that key.
    """
    return [load() for load in COPILOTS.values()] if name == "all" else [COPILOTS[name]()]
