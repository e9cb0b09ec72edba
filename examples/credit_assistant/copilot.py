"""Credit Assistant: answers lending staff of Harbour & Linden Bank from credit policy and case files."""

from __future__ import annotations

from pathlib import Path

from examples.common.copilot import Copilot, load_copilot
from examples.credit_assistant.tools import TOOLS


def load() -> Copilot:
    """Read the copilot from its folder."""
    return load_copilot(
        Path(__file__).parent,
        key="credit-assistant",
        name="Credit Assistant",
        risk_tier="high",
        release="credit-assistant-1.1",
        prompt_version="1.2.0",
        index_version="2026.03",
        tools=TOOLS,
    )
