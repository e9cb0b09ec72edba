"""The nouns of `interpret`."""

from interpret.models.probe import Finding, ProbeRun, ProbeSpec

__all__ = ["Finding", "ProbeRun", "ProbeSpec"]
