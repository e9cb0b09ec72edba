"""Choices that more than one noun or app uses, each listed once. Django-free: models make their choices from these.

A list that only one noun uses stands with that noun.
"""

from __future__ import annotations

from enum import StrEnum


class ChoiceEnum(StrEnum):
    """A list of choices that needs no Django, and that a model's field can take."""

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Return each value with its label, as `django.db.models.TextChoices` would label it."""
        return choices_of(cls)


def choices_of(options: type[StrEnum]) -> list[tuple[str, str]]:
    """Return what `ChoiceEnum.choices` does, of an enum that may not know this module."""
    return [(option.value, option.name.replace("_", " ").title()) for option in options]


class RiskTier(ChoiceEnum):
    """How much can go wrong with advice, or with a system."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Layer(ChoiceEnum):
    """Layers of explanation. The mechanistic one is research: supporting or counter, never alone."""

    PRODUCT = "product"
    GROUNDING = "grounding"
    BEHAVIOURAL = "behavioural"
    MECHANISTIC = "mechanistic"
    FORMAL = "formal"


class CriterionVerdict(ChoiceEnum):
    """What is known of an acceptance criterion for a release. Only the first is a pass."""

    MET = "met"
    NOT_MET = "not_met"
    INSUFFICIENT = "insufficient"
    STALE = "stale"
    NOT_ASSESSED = "not_assessed"


class RejectSource(StrEnum):
    """What was refused by itself, as the reject ledger names it."""

    SPAN = "span"
    LOG = "log"
    TRACE = "trace"  # its spans were kept, and no trace could be made of them
    EVAL_FILE = "eval_file"
    EVAL_SAMPLE = "eval_sample"


ANY_RELEASE = "*"  # of a trace that was set aside and names no release, or several: it counts against each

# Code of the one entry of a run whose samples are not those that were planned; `item` says how many it did not send, or
# sent beyond its dataset.
ABSENT = "absent"

# Of datasets that were copied from what traces said: no registration makes them anybody else's.
PROBE_INPUTS_MEDIA_TYPE = "application/vnd.tracebinder.probe-inputs+json"
