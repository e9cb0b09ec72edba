"""The nouns of `interpret`."""

from interpret.models.dictionary import Dictionary, Feature, FeatureLabel
from interpret.models.probe import Finding, ProbePart, ProbeRun, ProbeSpec

__all__ = ["Dictionary", "Feature", "FeatureLabel", "Finding", "ProbePart", "ProbeRun", "ProbeSpec"]
