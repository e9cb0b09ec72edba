"""The two tools of the Customer Service Copilot: the fee look-up and the overdraft calculator."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from examples.common.tools import Tool, ToolError

FEES_FILE: Final = Path(__file__).parent / "data" / "fees.yaml"
DAILY_CHARGE: Final = 6  # pounds, document CS-FEES
MONTHLY_CAP: Final = 42  # pounds


def fee_lookup(*, item: str) -> dict[str, Any]:
    """Return the fee of one item of the schedule: amount in pounds, and what it is charged for.

    Raises:
        ToolError: the schedule has no such item.
    """
    schedule = yaml.safe_load(FEES_FILE.read_text(encoding="utf-8"))
    if item not in schedule:
        raise ToolError(f"the fee schedule has no item {item!r}")
    return {"item": item, **schedule[item]}


def overdraft_calculator(*, days: int) -> dict[str, Any]:
    """Return the charge for `days` days of unarranged overdraft within one month, in pounds.

    Raises:
        ToolError: `days` is not between 0 and 31.
    """
    if not 0 <= days <= 31:
        raise ToolError("days must be between 0 and 31")
    return {"overdraft_days": days, "charge_pounds": min(days * DAILY_CHARGE, MONTHLY_CAP)}


TOOLS: Final = (
    Tool("fee_lookup", "1.0.0", fee_lookup, FEES_FILE),
    Tool("overdraft_calculator", "1.0.1", overdraft_calculator),
)
