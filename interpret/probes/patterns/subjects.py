"""Sentences with two nouns of one number before the verb, of which one is its subject.

In half of the templates the other noun stands between subject and verb, in the other half before the subject: whoever
looks at the nearest noun, or at the first, is right as often as wrong. Between subject and verb stand up to eight
words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from interpret.probes.patterns.marked import Marked, as_texts
from interpret.probes.patterns.texts import Material
from interpret.probes.patterns.words import NOUNS

# {s} is the subject, {a} the other noun, {v} the verb.
OTHER_BETWEEN: Final = (
    "Last week the {s} beside the {a} {v} very tired.",
    "At noon the {s} behind the old {a} {v} still asleep.",
    "The {s} standing close to the {a} {v} quite calm.",
    "On Monday the {s} with the {a} {v} late again.",
    "In those days the {s} near the tall young {a} {v} well known.",
    "The {s} that had once met the {a} {v} happy about it.",
    "By then the {s} opposite the {a} {v} already gone.",
    "The brave {s} in front of the {a} {v} ready to leave.",
    "It is true that the {s} waiting for the {a} {v} hungry.",
    "During the storm the {s} who saw the {a} {v} afraid.",
    "The famous {s} painted together with the {a} {v} not pleased.",
    "They said the {s} from the house of the {a} {v} rich.",
    "After lunch the {s} facing the angry {a} {v} silent.",
    "The {s} known only to the {a} {v} hard to find.",
    "Some think the {s} seated on the left of the {a} {v} wrong.",
    "Once the {s} following the {a} {v} seen by all.",
    "The poor {s} without the {a} {v} lost in the forest.",
    "Every day the {s} across from the quiet {a} {v} working.",
    "In the picture the {s} holding on to the {a} {v} smiling.",
    "The {s} not far away from the {a} {v} easy to hear.",
    "We know the {s} along with the {a} {v} invited.",
    "This time the {s} chosen by the very strict {a} {v} right.",
    "The small {s} under the care of the {a} {v} growing fast.",
    "Before dawn the {s} ahead of the {a} {v} on the road.",
    "Perhaps the {s} left alone by the {a} {v} sad.",
    "The {s} sent over to help the {a} {v} kind.",
)
OTHER_BEFORE: Final = (
    "Beside the {a}, the {s} {v} very tired.",
    "Far from the {a} the {s} of our town {v} still asleep.",
    "When they saw the {a}, the {s} quickly {v} calm again.",
    "Together with the {a} the {s} at the back {v} late.",
    "Like the {a}, the {s} so often {v} well known.",
    "Unlike the {a} the {s} in that long story {v} happy.",
    "Because of the {a}, the {s} from here {v} already gone.",
    "Behind the {a} the {s} as a matter of fact {v} ready.",
    "Next to the {a}, the {s} in the end {v} hungry.",
    "Ahead of the {a} the {s} with all that noise around {v} afraid.",
    "Thanks to the {a}, the {s} of whom we spoke {v} pleased.",
    "Without the {a} the {s} it seems {v} poor.",
    "After they called the {a}, the {s} on the other side {v} silent.",
    "Opposite the {a} the {s} for most of the day {v} looking around.",
    "Despite the {a}, the {s} more than ever {v} wrong.",
    "In front of the {a} the {s} that very morning {v} seen by all.",
    "Facing the {a}, the {s} {v} lost in thought.",
    "Across from the {a} the {s} so far as I know {v} working.",
    "Except for the {a}, the {s} that came in after five {v} smiling.",
    "Not far from the {a} the {s} now and then {v} easy to hear.",
    "Instead of the {a}, the {s} somehow {v} invited.",
    "According to the {a} the {s} in spite of it all {v} right.",
    "Once they had fed the {a}, the {s} out in the cold {v} growing.",
    "Long before the {a} the {s} without any doubt {v} on the road.",
    "As for the {a}, the {s} who stayed behind {v} sad.",
    "With the help of the {a} the {s} at long last {v} kind.",
)
VERBS: Final = ("was", "were")  # of one, of several


def sentence_subjects(texts: int, tokenizer: Any, *, seed: int) -> Material:
    """Draw words into templates, half of which are for finding heads and half for reporting on them.

    The outcome is the surprisal of the verb in the same sentences with the other noun in the other number.

    Raises:
        StructureUntold: as `as_texts` does.
    """
    rng = np.random.default_rng(seed)
    halves = [_fill(rng, _half(rng, start), -(-texts // 2)) for start in (0, 1)]
    return Material(
        *(as_texts(tokenizer, [alike for alike, _ in each]) for each in halves),
        *(as_texts(tokenizer, [unlike for _, unlike in each]) for each in halves),
    )


def _half(rng: np.random.Generator, start: int) -> list[str]:
    """Return every second template, of either kind in turn; a second seed reports on none that the first found on."""
    between, before = rng.permutation(OTHER_BETWEEN[start::2]), rng.permutation(OTHER_BEFORE[start::2])
    return [str(template) for pair in zip(between, before, strict=True) for template in pair]


def _fill(rng: np.random.Generator, templates: list[str], texts: int) -> list[tuple[Marked, Marked]]:
    """Return texts of the templates in turn: with both nouns in one number, and with the other noun in the other."""
    filled = []
    for number in range(texts):
        template, several = templates[number % len(templates)], bool(rng.integers(0, 2))
        subject, other = rng.choice(NOUNS, 2, replace=False)
        filled.append(
            (
                _write(template, {subject: several, other: several}),
                _write(template, {subject: several, other: not several}),
            )
        )
    return filled


def _write(template: str, several: Mapping[str, bool]) -> Marked:
    """Write the subject and the other noun, each of which is one or several, into a template."""
    subject, other = (noun + "s" * many for noun, many in several.items())
    words = {"s": subject, "a": other, "v": VERBS[next(iter(several.values()))]}
    text = Marked(cluster=template, links=[("v", "s", "a")], outcome=("v",))
    for piece in template.replace("}", "{").split("{"):
        text.write(words.get(piece, piece), piece if piece in words else "")
    return text
