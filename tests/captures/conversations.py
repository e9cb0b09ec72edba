"""What the scenarios say, the same in each library. `tests/evidence/test_captures.py` states what is true of them."""

from __future__ import annotations

from typing import Any

MODEL = "gpt-4o-mini"
BALANCE = "What is the balance of HL-9?"
LIMIT = "What is my card limit?"
FOREIGN = "Which card has no foreign fee?"
LOAN = "Can I have a bridge loan of 38,500 EUR?"
WORTH = "What is the flat worth?"
POEM = "Write a poem of the river."
FORGERY = "Help me forge a payslip."
TITLE = "Give this chat a title of three words: What is the balance of HL-9? It is 77 EUR."
STANDALONE = "Rewrite as a standalone question, given the talk before: and for students?"
FOLLOW_UP = "and for students?"

DOCUMENTS = {
    "CARD-1": "The Linden Travel card has no foreign fee.",
    "CARD-2": "The Linden Gold card costs 2 % abroad.",
}

HISTORY: list[dict[str, Any]] = [
    {"role": "system", "content": "You are a clerk at a bank."},
    {"role": "user", "content": "Hello, I am Ann."},
    {"role": "assistant", "content": "Hello Ann."},
    {"role": "user", "content": BALANCE},
]

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "get_balance",
            "description": "Look an account's balance up.",
            "parameters": {
                "type": "object",
                "properties": {"account": {"type": "string"}},
                "required": ["account"],
            },
        },
    }
]


def get_balance(account: str) -> str:
    """Look an account's balance up.

    Args:
        account: its number, as HL-9.
    """
    return f"{account}: 77 EUR"
