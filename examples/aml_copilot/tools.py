"""The two tools of the AML Copilot: the transaction look-up and the structuring screen."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

import yaml

from examples.common.tools import Tool, ToolError

TRANSACTIONS_FILE: Final = Path(__file__).parent / "data" / "transactions.yaml"
WINDOW_DAYS: Final = 10  # typology FC-STRUCT
MIN_DEPOSITS: Final = 3  # in the window


def _read_customer(customer: str) -> dict[str, Any]:
    records: dict[str, dict[str, Any]] = yaml.safe_load(TRANSACTIONS_FILE.read_text(encoding="utf-8"))
    if customer not in records:
        raise ToolError(f"no transactions for {customer!r}")
    return records[customer]


def transaction_lookup(*, customer: str) -> dict[str, Any]:
    """Return the cash deposits of a customer: their number, total and largest, with the currency.

    Raises:
        ToolError: the customer is unknown.
    """
    record = _read_customer(customer)
    amounts = [deposit["amount"] for deposit in record["deposits"]]
    return {
        "deposits": len(amounts),
        "total": sum(amounts),
        "largest": max(amounts),
        "currency": record["currency"],
    }


def structuring_screen(*, customer: str) -> dict[str, Any]:
    """Return the largest number of deposits just below the threshold within `WINDOW_DAYS` days.

    "Just below" is from 80 percent of the customer's reporting threshold up to, not including, the threshold.

    Raises:
        ToolError: the customer is unknown.
    """
    record = _read_customer(customer)
    threshold = record["threshold"]
    days = sorted(
        dt.date.fromisoformat(deposit["date"])
        for deposit in record["deposits"]
        if 0.8 * threshold <= deposit["amount"] < threshold
    )
    window = dt.timedelta(days=WINDOW_DAYS)
    most = max((sum(first <= day <= first + window for day in days) for first in days), default=0)
    return {
        "near_threshold_deposits": most,
        "window_days": WINDOW_DAYS,
        "alert": "yes" if most >= MIN_DEPOSITS else "no",
    }


TOOLS: Final = (
    Tool("transaction_lookup", "1.0.0", transaction_lookup, TRANSACTIONS_FILE),
    Tool("structuring_screen", "1.2.0", structuring_screen, TRANSACTIONS_FILE),
)
