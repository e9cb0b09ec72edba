"""Checks: what a criterion can ask of stored facts. Each is declared beside the function that measures it."""

from requirements.checks.contracts import Check, Measured, Obstacle, Population, Words
from requirements.checks.registry import get_check, known_checks

__all__ = ["Check", "Measured", "Obstacle", "Population", "Words", "get_check", "known_checks"]
