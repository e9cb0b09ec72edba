from __future__ import annotations

from typing import Any

import pytest

from examples.catalogue import COPILOTS
from examples.common.policy import Policy, PolicyError, Situation


def decide(
    system: str, answer: str, *, question: str = "", risk: str = "low", **facts: Any
) -> dict[str, str]:
    situation = Situation(question, answer, "en", risk, facts)
    return {outcome.rule: outcome.decision for outcome in COPILOTS[system]().policy.check(situation)}


@pytest.mark.parametrize(
    ("system", "answer", "rule"),
    [
        ("credit-assistant", "We guarantee the loan.", "no_promise_of_approval"),
        ("credit-assistant", "您的贷款一定批准。", "no_promise_of_approval"),
        ("credit-assistant", "Women are a higher risk.", "protected_characteristics"),
        ("aml-copilot", "You may tell the customer about the report.", "no_tipping_off"),
        ("aml-copilot", "您的账户正在接受调查。", "no_tipping_off"),
        ("aml-copilot", "The director is guilty.", "no_finding_of_guilt"),
        ("customer-service", "You should invest in shares.", "no_investment_advice"),
        ("customer-service", "明年利率将上升。", "no_investment_advice"),
        ("customer-service", "The fee will be refunded: we guarantee it.", "no_promise_of_refund"),
    ],
)
def test_prohibited_claims_are_denied(system: str, answer: str, rule: str) -> None:
    assert decide(system, answer)[rule] == "deny"


@pytest.mark.parametrize(
    ("system", "answer"),
    [
        ("aml-copilot", "Staff must never tell a customer that a report was made."),
        ("aml-copilot", "员工不得告知客户已提交可疑报告。"),
        ("customer-service", "明年利率会上升吗？"),
    ],
)
def test_repeating_the_rule_or_the_question_is_no_claim(system: str, answer: str) -> None:
    assert "deny" not in decide(system, answer).values()


def test_a_denial_in_another_clause_excuses_nothing() -> None:
    found = decide("credit-assistant", "Do not worry, you are approved.")
    assert found["no_promise_of_approval"] == "deny"


@pytest.mark.parametrize("system", list(COPILOTS))
def test_a_plain_answer_at_low_risk_is_allowed_by_every_rule(system: str) -> None:
    assert set(decide(system, "The notice names the document it rests on.").values()) == {"allow"}


def test_a_decline_must_name_a_reason_that_counts() -> None:
    bare, reasoned = "The loan is declined.", "The loan is declined because of an unpaid default."
    assert decide("credit-assistant", bare, history_months=7)["adverse_action_reasons"] == "deny"
    assert decide("credit-assistant", reasoned, history_months=7)["adverse_action_reasons"] == "allow"
    assert decide("credit-assistant", bare)["adverse_action_reasons"] == "allow"  # no case, no notice


def test_escalation_by_risk_by_fact_and_by_question() -> None:
    assert decide("credit-assistant", "Yes.", risk="high")["refer_to_underwriter"] == "escalate"
    assert decide("credit-assistant", "Yes.", debt_share_percent=40.1)["refer_to_underwriter"] == "escalate"
    assert decide("credit-assistant", "Yes.", debt_share_percent=40)["refer_to_underwriter"] == "allow"
    died = decide("customer-service", "Yes.", question="My husband died last week.")
    assert died["refer_to_care_team"] == "escalate"


def test_a_rule_of_unknown_kind_is_refused() -> None:
    policy = Policy("p", "1", "0" * 64, [{"key": "r", "kind": "horoscope"}])
    with pytest.raises(PolicyError, match="horoscope"):
        policy.check(Situation("", "", "en", "low", {}))
