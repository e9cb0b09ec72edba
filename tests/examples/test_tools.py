from __future__ import annotations

import pytest

from examples.aml_copilot.tools import structuring_screen
from examples.common.tools import ToolError
from examples.credit_assistant.tools import affordability_calculator, bureau_lookup
from examples.customer_service.tools import fee_lookup, overdraft_calculator


def test_affordability_counts_the_new_loan() -> None:
    found = affordability_calculator(net_monthly_income=2450, existing_payments=610, new_instalment=287)
    assert found == {"debt_share_percent": 36.6, "limit_percent": 40, "within_limit": "yes"}


def test_structuring_counts_deposits_just_below_the_threshold() -> None:
    assert structuring_screen(customer="Ferro Tiles Ltd")["near_threshold_deposits"] == 4
    assert structuring_screen(customer="Quayside Flowers")["alert"] == "no"
    assert structuring_screen(customer="林氏茶行")["alert"] == "yes"


def test_the_overdraft_charge_is_capped() -> None:
    assert overdraft_calculator(days=4)["charge_pounds"] == 24
    assert overdraft_calculator(days=9)["charge_pounds"] == 42


def test_what_a_tool_does_not_know_is_an_error() -> None:
    with pytest.raises(ToolError, match="Nobody"):
        bureau_lookup(applicant="Nobody")
    with pytest.raises(ToolError, match="yacht"):
        fee_lookup(item="yacht")
    with pytest.raises(ToolError, match="above 0"):
        affordability_calculator(net_monthly_income=0, existing_payments=1, new_instalment=1)
