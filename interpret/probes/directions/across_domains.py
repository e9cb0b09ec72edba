"""Probes that fit a direction in one domain and read it in another, whose second seed exchanges the domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interpret.contracts import Measurement, ProbeSpecification
from interpret.probes.own_texts import OwnTexts, Study
from interpret.probes.seed_parts import SEEDS


class AcrossDomains(OwnTexts[Study]):
    """A probe of one statement, which changes nothing and draws nothing at random."""

    code_version = "1"

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return the measurement, of what is told in a domain that nothing was fitted in."""
        parts, draws = self.question.parts, self._draws(specification)
        first, second = (parts.put_together(seed, draws, measured, done=())[:2] for seed in SEEDS)
        return self.write(specification, first, second)
