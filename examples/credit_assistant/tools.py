"""The two tools of the Credit Assistant: the affordability calculator and the credit bureau look-up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from examples.common.tools import Tool, ToolError

BUREAU_FILE: Final = Path(__file__).parent / "data" / "bureau.yaml"
LIMIT_PERCENT: Final = 40  # of net monthly income, policy CR-AFFORD


def affordability_calculator(
    *, net_monthly_income: float, existing_payments: float, new_instalment: float
) -> dict[str, Any]:
    """Return the share of net income that debt payments would take, the new loan included.

    Args:
        net_monthly_income: after tax, in the currency of the payments, above 0.
        existing_payments: monthly debt payments of today.
        new_instalment: monthly payment of the loan applied for.

    Raises:
        ToolError: the income is zero or below.
    """
    if net_monthly_income <= 0:
        raise ToolError("net_monthly_income must be above 0")
    share = round(100 * (existing_payments + new_instalment) / net_monthly_income, 1)
    return {
        "debt_share_percent": share,
        "limit_percent": LIMIT_PERCENT,
        "within_limit": "yes" if share <= LIMIT_PERCENT else "no",
    }


def bureau_lookup(*, applicant: str) -> dict[str, Any]:
    """Return what the credit bureau's extract holds on an applicant: counts, and months of history.

    Raises:
        ToolError: the extract has no such applicant.
    """
    records = yaml.safe_load(BUREAU_FILE.read_text(encoding="utf-8"))
    if applicant not in records:
        raise ToolError(f"no bureau record for {applicant!r}")
    return dict(records[applicant])


TOOLS: Final = (
    Tool("affordability_calculator", "1.1.0", affordability_calculator),
    Tool("bureau_lookup", "1.0.0", bureau_lookup, BUREAU_FILE),
)
