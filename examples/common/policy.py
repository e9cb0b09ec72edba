"""The policy gate: rules of a versioned YAML file, each deciding allow, deny or escalate on one answer.

Three kinds of rule:
    prohibited_claims  deny when the answer says what must not be said
    required_reasons   deny when the answer refuses something and names none of the reasons that count; with
                       `only_with_facts` it applies only where tools returned the facts of a case
    escalation         escalate by risk tier, by words of the question, or by what the tools returned
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from examples.common.digests import digest_of_file

_DENIED: Final = re.compile(
    r"\b(?:not|never|cannot)(?:\s+\w+){0,3}\s*$|(?:不得|不能|不应|不会|禁止|严禁)$", re.IGNORECASE
)
_SENTENCE_END: Final = re.compile(r"[.!?。！？\n]")
Decision = Literal["allow", "deny", "escalate"]


class PolicyError(ValueError):
    """A rule of a kind that is not known."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rule may look at."""

    question: str
    answer: str
    language: str
    risk_tier: str
    facts: Mapping[str, Any]  # what the tools returned, by name


@dataclass(frozen=True, slots=True)
class PolicyOutcome:
    """What one rule decided, and why."""

    rule: str
    decision: Decision
    reason: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a copilot's policy; the digest is of the file."""

    name: str
    version: str
    digest: str
    rules: Sequence[Mapping[str, Any]]

    def check(self, situation: Situation) -> list[PolicyOutcome]:
        """Apply every rule, in the order of the file.

        Raises:
            PolicyError: a rule has an unknown kind.
        """
        return [_apply(rule, situation) for rule in self.rules]

    def find_prohibited(self, answer: str) -> list[tuple[str, str]]:
        """Return (rule, words found) for each prohibited claim in `answer`."""
        rules = [rule for rule in self.rules if rule["kind"] == "prohibited_claims"]
        return [(rule["key"], found) for rule in rules for found in _matches(rule, answer)]


def load_policy(path: Path) -> Policy:
    """Read a policy file."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Policy(data["name"], str(data["version"]), digest_of_file(path), data["rules"])


def _apply(rule: Mapping[str, Any], situation: Situation) -> PolicyOutcome:
    match rule["kind"]:
        case "prohibited_claims":
            found: list[str] = _matches(rule, situation.answer)
            return _outcome(rule, "deny", f"says {found[0]!r}" if found else None)
        case "required_reasons":
            return _outcome(rule, "deny", _missing_reason(rule, situation))
        case "escalation":
            return _outcome(rule, "escalate", _escalation_cause(rule, situation))
        case unknown:
            raise PolicyError(f"rule {rule['key']}: unknown kind {unknown!r}")


def _outcome(rule: Mapping[str, Any], decision: Decision, cause: str | None) -> PolicyOutcome:
    if cause is None:
        return PolicyOutcome(rule["key"], "allow", "nothing found against it")
    return PolicyOutcome(rule["key"], decision, f"{cause}: {rule['reason']}")


def _matches(rule: Mapping[str, Any], text: str) -> list[str]:
    """Look with the patterns of every language: a model asked in Chinese may well answer in English."""
    patterns = [pattern for group in rule["patterns"].values() for pattern in group]
    found = (match for pattern in patterns for match in re.finditer(pattern, text, re.IGNORECASE))
    return [match.group() for match in found if _is_asserted(match, text)]


def _is_asserted(match: re.Match[str], text: str) -> bool:
    """Say whether the words are claimed: not denied just before ("must never ..."), not part of a question."""
    end = _SENTENCE_END.search(text, match.end())
    asked = end is not None and end.group() in "?？"
    return not asked and _DENIED.search(text[: match.start()]) is None


def _missing_reason(rule: Mapping[str, Any], situation: Situation) -> str | None:
    if rule.get("only_with_facts", False) and not situation.facts:
        return None
    refusal = _search_any(rule["when"].values(), situation.answer)
    if refusal is None:
        return None
    reasons = [reason for group in rule["reasons"].values() for reason in group]
    if _search_any(reasons, situation.answer) is not None:
        return None
    return f"says {refusal!r} and names no reason"


def _escalation_cause(rule: Mapping[str, Any], situation: Situation) -> str | None:
    if situation.risk_tier in rule.get("risk_tiers", []):
        return f"risk tier is {situation.risk_tier}"
    for fact in rule.get("facts", []):
        value = situation.facts.get(fact["name"])
        if value is not None and value > fact["above"]:
            return f"{fact['name']} is {value}, above {fact['above']}"
    words = _search_any(rule.get("question", {}).values(), situation.question)
    return None if words is None else f"the question says {words!r}"


def _search_any(patterns: Any, text: str) -> str | None:
    for pattern in patterns:
        match = re.search(pattern, text, re.IGNORECASE)
        if match:
            return match.group()
    return None
