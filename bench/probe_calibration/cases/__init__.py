"""What is measured: models whose truth was written into their weights, and copies of a real one without any."""

from __future__ import annotations

from typing import Final

from bench.probe_calibration.cases import (
    deception,
    dictionaries,
    drift,
    facts,
    hallucination,
    induction,
    paths,
    patterns,
    proxies,
    refusal,
)
from bench.probe_calibration.cases.induction import COST, INDUCTION, MATCH
from bench.probe_calibration.cases.kind import Kind
from interpret import registry
from interpret.dictionaries import claims

KINDS: Final = (
    *induction.KINDS,
    *patterns.KINDS,
    *proxies.KINDS,
    *drift.KINDS,
    *refusal.KINDS,
    *deception.KINDS,
    *paths.KINDS,
    *facts.KINDS,
    *hallucination.KINDS,
    *dictionaries.KINDS,
)
_STATISTICS: Final = {
    induction.INDUCTION: induction.STATISTICS,
    patterns.PATTERNS: patterns.STATISTICS,
    proxies.PROXIES: proxies.STATISTICS,
    drift.DRIFT: drift.STATISTICS,
    refusal.REFUSAL: refusal.STATISTICS,
    deception.DECEPTION: deception.STATISTICS,
    paths.PATHS: paths.STATISTICS,
    facts.FACTS: facts.STATISTICS,
    hallucination.HALLUCINATION: hallucination.STATISTICS,
    claims.KEY: claims.STATISTICS,
}

__all__ = ["COST", "INDUCTION", "KINDS", "MATCH", "Kind", "code_version_of", "shows_absence", "statistics_of"]


def statistics_of(probe: str) -> tuple[str, ...]:
    """Return the statistics of a probe that claim something."""
    return _STATISTICS[probe]


def code_version_of(probe: str) -> str:
    """Return the version of the code by which a probe says something, or a dictionary has it said of it."""
    return claims.CODE_VERSION if probe == claims.KEY else registry.load(probe).code_version


def shows_absence(statistic: str) -> bool:
    """Whether *not supported* can rightly be said of it: where there is nothing, it is the true answer."""
    return statistic in drift.ABSENCE
