"""What is said of a dictionary beyond its figures, each by one rule, so that how often it is wrong can be measured.

That a label stands out is `interpret.dictionaries.looks`; that units answer to so many concepts is `sure_counts_of`;
that a card is better than its rivals stands here. `make calibrate` measures all three (docs/reference/calibration.md).
Free of torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

KEY: Final = "dictionary.claims"  # as pages and figures call them, beside the probes
CODE_VERSION: Final = "1"  # changes whenever what is said may
LABEL, CONCEPTS, CARD = STATISTICS = "dictionaries.label", "dictionaries.concepts", "dictionaries.card"
RIVALS: Final = ("frozen decoder", "principal components", "dead model")


def not_below(rows: Mapping[str, Any]) -> list[str]:
    """Return the rivals of a card that the dictionary is not better than: none, and it is better than all.

    It is better than one where its interval of the variance explained, of ordinary tokens, lies above the rival's.
    Better than all is said where it is so of each, which takes no correction.
    """
    low = rows["dictionary"]["quality"]["explained_without"]["low"]
    return [name for name in RIVALS if not low > rows[name]["quality"]["explained_without"]["high"]]
