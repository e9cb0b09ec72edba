"""AML Copilot: answers money-laundering analysts of Harbour & Linden Bank from typologies and case files."""

from __future__ import annotations

from pathlib import Path

from examples.aml_copilot.tools import TOOLS
from examples.common.copilot import Copilot, load_copilot


def load() -> Copilot:
    """Read the copilot from its folder."""
    return load_copilot(
        Path(__file__).parent,
        key="aml-copilot",
        name="AML Copilot",
        risk_tier="high",
        release="aml-copilot-1.1",
        prompt_version="1.0.1",
        index_version="2026.05",
        tools=TOOLS,
    )
