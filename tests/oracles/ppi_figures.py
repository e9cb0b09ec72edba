"""Writes what `ppi-python` says of drawn labels and judge scores. Run as README.md says; the draws are of a seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate
from ppi_py.ppi import _calc_lam_glm

ALPHA = 0.1
CASES = (  # labelled, unlabelled, share, chance that the judge agrees
    (50, 400, 0.9, 0.9),
    (200, 1000, 0.8, 0.95),
    (500, 2000, 0.95, 0.9),
    (300, 300, 0.5, 0.7),
    (400, 1600, 0.9, 0.5),
)


def case(seed: int, labelled: int, unlabelled: int, share: float, agrees: float) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    total = labelled + unlabelled
    human = (rng.random(total) < share).astype(float)
    judge = np.where(rng.random(total) < agrees, human, 1 - human)
    y, labelled_judge, other_judge = human[:labelled], judge[:labelled], judge[labelled:]
    point = float(np.squeeze(ppi_mean_pointestimate(y, labelled_judge, other_judge)))
    low, high = (
        float(np.squeeze(bound)) for bound in ppi_mean_ci(y, labelled_judge, other_judge, alpha=ALPHA)
    )
    one = ppi_mean_pointestimate(y, labelled_judge, other_judge, lam=1)
    gradients = ((each - one).reshape(-1, 1) for each in (y, labelled_judge, other_judge))
    tuning = _calc_lam_glm(*gradients, np.eye(1), clip=True)
    return {
        "human": [int(each) for each in y],
        "judge": [int(each) for each in labelled_judge],
        "unlabelled": [int(each) for each in other_judge],
        "value": point,
        "low": low,
        "high": high,
        "tuning": float(tuning),
    }


if __name__ == "__main__":
    cases = [case(seed, *each) for seed, each in enumerate(CASES)]
    text = json.dumps(
        {"package": "ppi-python 0.2.3", "confidence": 1 - ALPHA, "cases": cases}, separators=(",", ":")
    )
    Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")
