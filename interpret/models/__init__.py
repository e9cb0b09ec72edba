"""The nouns of `interpret`."""

from interpret.models.probe import Finding, ProbePart, ProbeRun, ProbeSpec

__all__ = ["Finding", "ProbePart", "ProbeRun", "ProbeSpec"]
