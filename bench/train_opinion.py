"""Learn the weights of the second opinion on claims: `python -m bench.train_opinion` writes `words/opinion.txt`.

Logistic regression with an L2 penalty over `evidence.citations.opinion.features`, on the labelled sentences of
`TRAINED_ON`; the rounds in `KEPT_BACK` are never among them. `--across` writes nothing and says, for each round left
out in turn, what the rules alone and the rules with an opinion learnt from the others make of it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from bench.agreement import Agreement
from bench.labelled_answers import SETS, TRAINING, LabelledAnswer, read_answers
from evidence.citations.claims import remove_marks
from evidence.citations.idle import find_proper
from evidence.citations.layout import Role
from evidence.citations.materiality import find_kinds, find_patterns
from evidence.citations.opinion import OVERRULES, features, may_be_overruled
from evidence.citations.segmentation import split_passages

KEPT_BACK: Final = ("round_9",)
TRAINED_ON: Final = (TRAINING, *(name for name in SETS if name not in KEPT_BACK))
WEIGHTS: Final = Path("evidence/citations/words/opinion.txt")
_HEAD: Final = """\
# Weights of the second opinion, in thousandths of a logit; more speaks for a statement. A weight and what it weighs.
# Written by `python -m bench.train_opinion`, read by evidence/citations/opinion.py; not for mending by hand.
"""
_SEEN_AT_LEAST: Final = 2  # sentences: what fewer show tells nothing
_PENALTY: Final = 2.0  # of the squared weights, as for a normal prior with variance 1/2
_WORTH_KEEPING: Final = 20  # thousandths


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence of prose or of a list, as the extractor weighs it."""

    text: str
    kinds: tuple[str, ...]
    ruled: bool  # the rules take it for material
    material: bool


def read_examples(name: str) -> list[Example]:
    """Return the sentences of a set that may be weighed: those that their place in the answer does not decide."""
    return [example for answer in read_answers(name) for example in _examples_of(answer)]


def _examples_of(answer: LabelledAnswer) -> list[Example]:
    labels = {(piece.start, piece.end): piece.material for piece in answer.pieces}
    found = []
    for passage in split_passages(answer.text):
        inside = [
            label for (start, end), label in labels.items() if start <= passage.start and passage.end <= end
        ]
        if passage.line.role in {Role.PROSE, Role.ITEM, Role.LEAD_IN} and inside and inside[0] is not None:
            text = remove_marks(answer.text[passage.start : passage.end])
            ruled = bool(find_kinds(text, passage.line, weighed=False))
            found.append(Example(find_proper(text) or text, find_patterns(text), ruled, inside[0]))
    return found


def train(examples: Sequence[Example]) -> dict[str, int]:
    """Return the weight of each feature that enough sentences show, in thousandths."""
    shown = [features(one.text, one.kinds) for one in examples]
    seen = Counter(name for names in shown for name in names)
    known = {name: place for place, name in enumerate(sorted(n for n in seen if seen[n] >= _SEEN_AT_LEAST))}
    columns = [[known[name] for name in sorted(names) if name in known] for names in shown]
    starts = np.cumsum([0, *map(len, columns)])
    places = [place for row in columns for place in row]
    matrix = csr_matrix((np.ones(len(places)), places, starts), shape=(len(shown), len(known)))
    weights = _fit(matrix, np.array([one.material for one in examples], dtype=float))
    rounded = {name: round(float(weights[place]) * 1_000) for name, place in known.items()}
    return {name: weight for name, weight in rounded.items() if abs(weight) >= _WORTH_KEEPING}


def _fit(matrix: csr_matrix, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = matrix @ weights
        value = np.logaddexp(0, logits).sum() - wanted @ logits + _PENALTY / 2 * weights @ weights
        return float(value), matrix.T @ (1 / (1 + np.exp(-logits)) - wanted) + _PENALTY * weights

    fitted = minimize(
        loss, np.zeros(matrix.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 2_000}
    )
    return np.asarray(fitted.x, dtype=np.float64)


def measure_across(name: str, threshold: int) -> tuple[Agreement, Agreement]:
    """Return how a set agrees with the rules alone, and with an opinion learnt from all other sets beside them."""
    others = [one for other in TRAINED_ON if other != name for one in read_examples(other)]
    weights, examples = train(others), read_examples(name)
    alone = [(one.ruled, one.material) for one in examples]
    both = [(one.ruled and not _is_overruled(one, weights, threshold), one.material) for one in examples]
    return _agree(alone), _agree(both)


def _is_overruled(one: Example, weights: Mapping[str, int], threshold: int) -> bool:
    weight = sum(weights.get(name, 0) for name in features(one.text, one.kinds))
    return may_be_overruled(one.kinds) and weight < threshold


def _agree(pairs: Sequence[tuple[bool, bool]]) -> Agreement:
    return Agreement(pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True)))


def write_weights(weights: Mapping[str, int], path: Path = WEIGHTS) -> None:
    """Write the file of weights, in the order of what they weigh."""
    lines = "".join(f"{weight} {name}\n" for name, weight in sorted(weights.items()))
    path.write_text(_HEAD + lines, encoding="utf-8")


def main() -> None:
    """Learn and write, or with `--across` measure each round by what the others teach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--across", action="store_true")
    parser.add_argument("--threshold", type=int, default=OVERRULES, help="thousandths of a logit")
    options = parser.parse_args()
    if options.across:
        for name in TRAINED_ON:
            sys.stdout.write(f"{name}: {' -> '.join(map(str, measure_across(name, options.threshold)))}\n")
        return
    write_weights(train([one for name in TRAINED_ON for one in read_examples(name)]))


if __name__ == "__main__":
    main()
