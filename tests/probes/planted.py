"""The animals of the zoo by the names that other tests know them by."""

from __future__ import annotations

from tests.probes.zoo.animals import induction as induction_model
from tests.probes.zoo.animals import position as position_model
from tests.probes.zoo.animals import random as random_model
from tests.probes.zoo.parts import HEAD_WIDTH, WORDS

__all__ = ["HEAD_WIDTH", "WORDS", "induction_model", "position_model", "random_model"]
