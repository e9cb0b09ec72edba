"""The admin of `requirements`: one file a noun. Importing it registers every model."""

from requirements.admin import (
    assessment,
    baseline,
    criterion,
    requirement,
    retirement,
    source_file,
    trace_link,
    version,
    watch,
)

__all__ = [
    "assessment",
    "baseline",
    "criterion",
    "requirement",
    "retirement",
    "source_file",
    "trace_link",
    "version",
    "watch",
]
