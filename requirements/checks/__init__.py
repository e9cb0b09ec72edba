"""Checks: what a criterion can ask of stored facts. Declarations are data; measuring code loads on use."""

from requirements.checks.contracts import Check, Measured, Population, Words
from requirements.checks.registry import CHECKS, get_check, load_measure, nearest_check

__all__ = ["CHECKS", "Check", "Measured", "Population", "Words", "get_check", "load_measure", "nearest_check"]
