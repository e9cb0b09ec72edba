"""The admin of `requirements`: one file a noun. Importing it registers every model."""

from requirements.admin import assessment, baseline, criterion, requirement, retirement, trace_link, version

__all__ = ["assessment", "baseline", "criterion", "requirement", "retirement", "trace_link", "version"]
