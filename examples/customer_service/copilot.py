"""Customer Service Copilot: answers customers of Harbour & Linden Bank from fee schedules and procedures."""

from __future__ import annotations

from pathlib import Path

from examples.common.copilot import Copilot, load_copilot
from examples.customer_service.tools import TOOLS


def load() -> Copilot:
    """Read the copilot from its folder."""
    return load_copilot(
        Path(__file__).parent,
        key="customer-service",
        name="Customer Service Copilot",
        risk_tier="medium",
        release="customer-service-1.1",
        prompt_version="2.0.0",
        index_version="2026.04",
        tools=TOOLS,
    )
